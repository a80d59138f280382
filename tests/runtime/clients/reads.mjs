// What an app may ask supabase-js for, by name. reads.py has the same for supabase-py; what each is
// expected to meet stands in expected.py.

const TITLE = "a.b:c;d+e=f?g#h/i\\j";
const OWL = "\u{1F989} An owl, not an engine \u{1F989}";
const RESERVED = "O'Nolan, Brian (Myles)";

const books = (db, columns = "id,title", options) => db.from("books").select(columns, options);
const writers = (db, columns = "*", options) => db.from("writers").select(columns, options);
const sorted = (query) => query.order("id");

export const READS = {
  everything: (db) => books(db, "*"),
  columns: (db) => books(db, "id, title, price"),
  nothing_found: (db) => books(db).eq("id", 0),

  // Operators
  eq: (db) => books(db).eq("id", 1),
  neq: (db) => books(db).neq("id", 1),
  gt: (db) => books(db).gt("id", 6),
  gte: (db) => books(db).gte("published_at", "2001-01-01T00:00:00+02:00"),
  lt: (db) => books(db).lt("price", 9.99),
  lte: (db) => books(db).lte("id", 2),
  like: (db) => books(db).like("title", "%engine"),
  like_literally: (db) => books(db).like("title", "100\\% cotton\\_%"),
  ilike: (db) => books(db).ilike("title", "*BÜCHER*"),
  like_any: (db) => books(db).likeAnyOf("title", ["Notes%", "%engines"]),
  like_all: (db) => books(db).likeAllOf("title", ["%engine%", "%of%"]),
  ilike_any: (db) => books(db).ilikeAnyOf("title", ["notes%", "über%"]),
  ilike_all: (db) => books(db).ilikeAllOf("title", ["%ENGINE%", "the%"]),
  matches: (db) => books(db).regexMatch("title", "^(Notes|The) .*e"),
  imatches: (db) => books(db).regexIMatch("title", "^the .+s$"),
  is_null: (db) => books(db).is("subtitle", null),
  is_true: (db) => db.from("reviews").select().is("published", true),
  is_distinct: (db) => books(db).isDistinct("writer_id", 1),
  in: (db) => books(db).in("id", [1, 3, 5, 5]),
  not_in: (db) => books(db).notIn("id", [1, 3]),
  contains: (db) => books(db, "id,languages").contains("languages", ["en"]),
  contains_object: (db) => books(db, "id,details").contains("details", { shelf: { room: "A" } }),
  contained_by: (db) => books(db, "id,languages").containedBy("languages", ["de", "en", "fr"]),
  overlaps: (db) => books(db, "id,languages").overlaps("languages", ["de", "ga"]),
  range_contains: (db) => books(db, "id,in_print").contains("in_print", "[1850,1860)"),
  range_gt: (db) => books(db, "id,in_print").rangeGt("in_print", "[1900,1950)"),
  range_lte: (db) => books(db, "id,in_print").rangeLte("in_print", "[1850,2000)"),
  range_adjacent: (db) => books(db, "id,in_print").rangeAdjacent("in_print", "[1800,1843)"),
  fts: (db) => books(db).textSearch("words", "engine & !owl"),
  plfts: (db) => books(db).textSearch("words", "the engines", { type: "plain", config: "english" }),
  phfts: (db) => books(db).textSearch("words", "engine of engines", { type: "phrase" }),
  wfts: (db) => books(db).textSearch("words", "engine -owl", { type: "websearch" }),
  match: (db) => writers(db).match({ id: 2, country: "DE" }),
  not_eq: (db) => books(db).not("writer_id", "eq", 1),
  not_null: (db) => books(db).not("subtitle", "is", null),
  not_in_raw: (db) => books(db).not("id", "in", "(1,2,3)"),
  filter: (db) => books(db).filter("id", "gt", 5),
  eq_any: (db) => books(db).filter("id", "eq(any)", "{1,2}"),

  // Logic
  and: (db) => books(db).gt("id", 1).lt("id", 5).neq("id", 3),
  and_on_one_column: (db) => books(db).like("title", "%e%").like("title", "%o%"),
  or: (db) => books(db).or('id.eq.1,subtitle.eq."a.b:c,d",title.eq."Über Bücher & Bäume"'),
  nested: (db) => books(db).or("id.lt.3,and(id.gt.5,not.or(id.eq.6,title.like.*owl*))"),
  or_of_embedded: (db) =>
    writers(db, "id,books!inner(id)").or("id.eq.1,price.gt.5", { referencedTable: "books" }),

  // Values
  reserved: (db) => writers(db).eq("name", RESERVED),
  reserved_in: (db) => writers(db).in("name", [RESERVED, "Jörg Müller", "not, there"]),
  reserved_title: (db) => books(db).eq("title", TITLE),
  emoji: (db) => books(db).eq("title", OWL),
  spaces: (db) => books(db).eq("title", "two  spaces,  %20 and +"),
  ampersand: (db) => books(db).eq("title", "Über Bücher & Bäume"),
  plus_and_semicolon: (db) => books(db).eq("subtitle", "Größe; Maß + Form"),
  quotes: (db) => books(db).eq("title", 'The "third" (policeman), etc.'),
  empty_text: (db) => books(db).eq("subtitle", ""),
  array_of_reserved: (db) => books(db).contains("languages", ['"x, y"']),

  // Order and pages
  nulls_first: (db) => books(db).order("subtitle", { nullsFirst: true }).order("id"),
  nulls_last: (db) => books(db).order("price", { ascending: false, nullsFirst: false }).order("id"),
  several_orders: (db) => books(db, "writer_id,title").order("writer_id").order("title"),
  order_by_embedded: (db) => books(db, "id,writers(name)").order("writers(name)").order("id"),
  order_in_embedded: (db) =>
    writers(db, "id,books(id)").order("id").order("id", { referencedTable: "books", ascending: false }),
  order_by_json: (db) => books(db).order("details->pages").order("id"),
  limit: (db) => sorted(books(db)).limit(2),
  limit_in_embedded: (db) =>
    sorted(writers(db, "id,books(id)")).limit(1, { referencedTable: "books" }),
  page: (db) => sorted(books(db)).range(2, 4),
  page_past_the_end: (db) => sorted(books(db)).range(100, 110),

  // Forms
  single: (db) => books(db).eq("id", 1).single(),
  single_none: (db) => books(db).eq("id", 0).single(),
  single_several: (db) => books(db).lt("id", 3).single(),
  maybe_none: (db) => books(db).eq("id", 0).maybeSingle(),
  maybe_one: (db) => books(db).eq("id", 3).maybeSingle(),
  maybe_several: (db) => books(db).lt("id", 3).maybeSingle(),
  csv: (db) => sorted(books(db, "id,title,subtitle,price")).csv(),
  csv_empty: (db) => books(db).eq("id", 0).csv(),
  without_nulls: (db) => sorted(books(db, "id,subtitle,price")).stripNulls(),
  count_exact: (db) => sorted(books(db, "id", { count: "exact" })),
  count_planned: (db) => sorted(books(db, "id", { count: "planned" })),
  count_estimated: (db) => sorted(books(db, "id", { count: "estimated" })),
  count_of_a_page: (db) => sorted(books(db, "id", { count: "exact" })).range(2, 4),
  count_past_the_end: (db) => sorted(books(db, "id", { count: "exact" })).range(100, 110),
  count_of_single: (db) => books(db, "id", { count: "exact" }).eq("id", 1).single(),
  head: (db) => books(db, "*", { head: true }),
  head_count: (db) => books(db, "*", { head: true, count: "exact" }),
  head_unknown_table: (db) => db.from("nowhere").select("*", { head: true }),
  explain: (db) => books(db).explain(),

  // Columns
  one_to_many: (db) => sorted(writers(db, "name,books(id,title)")),
  many_to_one: (db) => sorted(books(db, "title,writers(name)")),
  many_to_many: (db) => sorted(books(db, "id,tags(name)")),
  nested_embeds: (db) => sorted(writers(db, "name,books(title,reviews(stars,body),tags(name))")),
  spread: (db) => sorted(books(db, "title,...writers(writer:name,country)")),
  inner: (db) => sorted(writers(db, "name,books!inner(id)").eq("books.id", 3)),
  by_constraint: (db) => sorted(books(db, "id,by:writers!books_writer_id_fkey(name)")),
  embedded_is_null: (db) => sorted(books(db, "id,reviews()").is("reviews", null)),
  alias: (db) => sorted(books(db, "number:id,name:title")),
  cast: (db) => sorted(books(db, "id::text,price::float")),
  json: (db) => sorted(books(db, "id,details->pages,details->shelf->>room,first:details->awards->>0")),
  json_filter: (db) => sorted(books(db, "id").eq("details->shelf->>room", "A")),
  embedded_aggregate: (db) => sorted(writers(db, "name,books(count)")),

  // Other relations
  other_schema: (db) => db.schema("agenda").from("readings").select().order("id"),
  other_schema_single: (db) => db.schema("agenda").from("readings").select().eq("id", 1).single(),
  view: (db) => db.from("recent_books").select().order("id"),
  view_with_embeds: (db) => db.from("recent_books").select("title,writers(name)").order("id"),
  setof_function: (db) => db.rpc("search_books", { query: "engine" }, { get: true }),
  function_of_two: (db) => db.rpc("search_books", { query: "engine", most: 2 }, { get: true }),
  function_and_filters: (db) =>
    db.rpc("search_books", { query: "engine" }, { get: true }).select("id,writers(name)").gt("id", 1),
  function_reserved: (db) => db.rpc("search_books", { query: 'engine, & (of) "+;' }, { get: true }),
  function_count: (db) => db.rpc("search_books", { query: "owl" }, { get: true, count: "exact" }),
  scalar_function: (db) => db.rpc("count_books", { in_languages: ["de", "en"] }, { get: true }),

  // Not for a cache
  undeclared_table: (db) => sorted(db.from("shelves").select()),
  posted_function: (db) => db.rpc("search_books", { query: "engine" }),

  // Mistakes
  unknown_column: (db) => books(db, "id,nonsense"),
  unknown_filter: (db) => books(db).eq("nonsense", 1),
  unknown_table: (db) => db.from("nowhere").select(),
  unknown_but_declared: (db) => db.from("lost").select(),
  unknown_embed: (db) => books(db, "id,shelves(room)"),
  unknown_schema: (db) => db.schema("nowhere").from("books").select(),
  unknown_function: (db) => db.rpc("nothing", {}, { get: true }),
  unknown_argument: (db) => db.rpc("search_books", { quest: "x" }, { get: true }),
  aggregate_not_allowed: (db) => books(db, "writer_id,price.max()"),
  bad_value: (db) => books(db).eq("id", "one"),
  bad_operator: (db) => books(db).filter("id", "near", 1),
  bad_select: (db) => books(db, "id,writers(name"),
  no_grant: (db) => db.from("loans").select(),
};
