// What customers of project/schemas/shop.sql read with supabase-js. shop.py has the same reads.
const items = (db, columns, options) => db.from("items").select(columns, options);

export const SHOP = {
  items: (db) => items(db, "id,name,price").order("name"),
  items_with_categories: (db) => items(db, "name,categories(name)").order("id"),
  items_of_a_category: (db) =>
    db.from("categories").select("name,items!inner(id,name)").eq("name", "Drinks"),
  search: (db) => db.rpc("search_items", { query: "tea" }),
  cheap_search: (db) => db.rpc("search_items", { query: "TEA", at_most: 3.5 }).select("name"),
  number_of_items: (db) => items(db, "*", { count: "exact", head: true }),
  one_item: (db) => items(db, "*").eq("id", 3).single(),
  price_list: (db) => items(db, "name,price").order("id").csv(),
  second_page: (db) => items(db, "id,name", { count: "exact" }).order("id").range(2, 4),
  bargains: (db) => db.from("bargains").select().order("price"),

  cart: (db) => db.from("cart_lines").select("quantity,items(name)").order("id"),
  cart_total: (db) => db.rpc("cart_total", {}),
  offers: (db) => db.from("offers").select("percent").order("id"),
  items_in_carts: (db) => items(db, "name,cart_lines(quantity)").order("id"),
};
