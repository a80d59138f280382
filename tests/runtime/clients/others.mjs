// What is no plain read for supabase-js: writes, and a read that is given up. others.py has the
// writes for supabase-py. `by` is the user who writes.

const REVIEW = { id: 100, book_id: 1, stars: 3, body: "Mine; & (mine), alone", published: false };
const mine = (db) => db.from("reviews");

export const OTHERS = {
  insert: (db, by) => mine(db).insert({ ...REVIEW, owner: by }).select(),
  insert_again: (db, by) => mine(db).insert({ ...REVIEW, owner: by }).select(),
  insert_rows: (db, by) =>
    mine(db)
      .insert([
        { ...REVIEW, id: 101, owner: by },
        { ...REVIEW, id: 102, owner: by },
      ])
      .select("id,books(title)"),
  publish: (db) => mine(db).insert({ ...REVIEW, id: 104, published: true }),
  insert_for_another: (db) => mine(db).insert({ ...REVIEW, id: 103, owner: null }),
  update: (db) => mine(db).update({ stars: 4 }).eq("id", 100).select("id,stars").single(),
  update_nothing: (db) => mine(db).update({ stars: 4 }).eq("id", 1).select(),
  upsert: (db, by) => mine(db).upsert({ ...REVIEW, stars: 5, owner: by }).select(),
  seen: (db) => mine(db).select("*", { count: "exact" }).order("id"),
  seen_one: (db) => mine(db).select("id,body").eq("id", 100).single(),
  delete: (db) => mine(db).delete().gte("id", 100).select("id").order("id"),
  delete_silently: (db) => mine(db).delete().gte("id", 100),

  async given_up(db) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 200);
    return await db.from("books").select("title").abortSignal(controller.signal);
  },
};
