"""What an app may read with supabase-py, by name. reads.mjs has the same for supabase-js."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from postgrest import (
    CountMethod,
    SyncPostgrestClient,
    SyncRPCFilterRequestBuilder,
    SyncSelectRequestBuilder,
)

Db = SyncPostgrestClient
Select = SyncSelectRequestBuilder


class Request(Protocol):
    """A request that a client can send."""

    def execute(self) -> Any:
        """Send it, and return what the client makes of the answer."""


Read = Callable[[Db], Request]

TITLE = "a.b:c;d+e=f?g#h/i\\j"
OWL = "\N{OWL} An owl, not an engine \N{OWL}"
RESERVED = "O'Nolan, Brian (Myles)"

EXACT, PLANNED, ESTIMATED = CountMethod.exact, CountMethod.planned, CountMethod.estimated


def books(db: Db, *columns: str, count: CountMethod | None = None, head: bool = False) -> Select:
    """Ask for books."""
    return db.from_("books").select(*(columns or ("id", "title")), count=count, head=head)


def writers(db: Db, *columns: str) -> Select:
    """Ask for writers."""
    return db.from_("writers").select(*(columns or ("*",)))


def call(db: Db, function: str, **arguments: Any) -> SyncRPCFilterRequestBuilder:
    """Call a function, as a read."""
    return db.rpc(function, arguments, get=True)


OPERATORS: Mapping[str, Read] = {
    "everything": lambda db: books(db, "*"),
    "columns": lambda db: books(db, "id", "title", "price"),
    "nothing_found": lambda db: books(db).eq("id", 0),
    "eq": lambda db: books(db).eq("id", 1),
    "neq": lambda db: books(db).neq("id", 1),
    "gt": lambda db: books(db).gt("id", 6),
    "gte": lambda db: books(db).gte("published_at", "2001-01-01T00:00:00+02:00"),
    "lt": lambda db: books(db).lt("price", 9.99),
    "lte": lambda db: books(db).lte("id", 2),
    "like": lambda db: books(db).like("title", "%engine"),
    "like_literally": lambda db: books(db).like("title", "100\\% cotton\\_%"),
    "ilike": lambda db: books(db).ilike("title", "*BÜCHER*"),
    "like_any": lambda db: books(db).like_any_of("title", "Notes%,%engines"),
    "like_all": lambda db: books(db).like_all_of("title", "%engine%,%of%"),
    "ilike_any": lambda db: books(db).ilike_any_of("title", "notes%,über%"),
    "ilike_all": lambda db: books(db).ilike_all_of("title", "%ENGINE%,the%"),
    "matches": lambda db: books(db).filter("title", "match", "^(Notes|The) .*e"),
    "imatches": lambda db: books(db).filter("title", "imatch", "^the .+s$"),
    "is_null": lambda db: books(db).is_("subtitle", None),
    "is_true": lambda db: db.from_("reviews").select("*").is_("published", value=True),
    "is_distinct": lambda db: books(db).filter("writer_id", "isdistinct", "1"),
    "in": lambda db: books(db).in_("id", [1, 3, 5, 5]),
    "not_in": lambda db: books(db).not_.in_("id", [1, 3]),
    "contains": lambda db: books(db, "id,languages").contains("languages", ["en"]),
    "contains_object": lambda db: books(db, "id,details").contains(
        "details", {"shelf": {"room": "A"}}
    ),
    "contained_by": lambda db: books(db, "id,languages").contained_by(
        "languages", ["de", "en", "fr"]
    ),
    "overlaps": lambda db: books(db, "id,languages").overlaps("languages", ["de", "ga"]),
    "range_contains": lambda db: books(db, "id,in_print").contains("in_print", "[1850,1860)"),
    "range_gt": lambda db: books(db, "id,in_print").range_gt("in_print", (1900, 1950)),
    "range_lte": lambda db: books(db, "id,in_print").range_lte("in_print", (1850, 2000)),
    "range_adjacent": lambda db: books(db, "id,in_print").range_adjacent("in_print", (1800, 1843)),
    "fts": lambda db: books(db).fts("words", "engine & !owl"),
    "plfts": lambda db: books(db).text_search(
        "words", "the engines", {"type": "plain", "config": "english"}
    ),
    "phfts": lambda db: books(db).phfts("words", "engine of engines"),
    "wfts": lambda db: books(db).wfts("words", "engine -owl"),
    "match": lambda db: writers(db).match({"id": 2, "country": "DE"}),
    "not_eq": lambda db: books(db).not_.eq("writer_id", 1),
    "not_null": lambda db: books(db).not_.is_("subtitle", None),
    "not_in_raw": lambda db: books(db).filter("id", "not.in", "(1,2,3)"),
    "filter": lambda db: books(db).filter("id", "gt", "5"),
    "eq_any": lambda db: books(db).filter("id", "eq(any)", "{1,2}"),
}

LOGIC_AND_VALUES: Mapping[str, Read] = {
    "and": lambda db: books(db).gt("id", 1).lt("id", 5).neq("id", 3),
    "and_on_one_column": lambda db: books(db).like("title", "%e%").like("title", "%o%"),
    "or": lambda db: books(db).or_('id.eq.1,subtitle.eq."a.b:c,d",title.eq."Über Bücher & Bäume"'),
    "nested": lambda db: books(db).or_("id.lt.3,and(id.gt.5,not.or(id.eq.6,title.like.*owl*))"),
    "or_of_embedded": lambda db: writers(db, "id,books!inner(id)").or_(
        "id.eq.1,price.gt.5", reference_table="books"
    ),
    "reserved": lambda db: writers(db).eq("name", RESERVED),
    "reserved_in": lambda db: writers(db).in_("name", [RESERVED, "Jörg Müller", "not, there"]),
    "reserved_title": lambda db: books(db).eq("title", TITLE),
    "emoji": lambda db: books(db).eq("title", OWL),
    "spaces": lambda db: books(db).eq("title", "two  spaces,  %20 and +"),
    "ampersand": lambda db: books(db).eq("title", "Über Bücher & Bäume"),
    "plus_and_semicolon": lambda db: books(db).eq("subtitle", "Größe; Maß + Form"),
    "quotes": lambda db: books(db).eq("title", 'The "third" (policeman), etc.'),
    "empty_text": lambda db: books(db).eq("subtitle", ""),
    "array_of_reserved": lambda db: books(db).contains("languages", ["x, y"]),
}

ORDER_AND_PAGES: Mapping[str, Read] = {
    "nulls_first": lambda db: books(db).order("subtitle", nullsfirst=True).order("id"),
    "nulls_last": lambda db: books(db).order("price", desc=True, nullsfirst=False).order("id"),
    "several_orders": lambda db: books(db, "writer_id,title").order("writer_id").order("title"),
    "order_by_embedded": lambda db: (
        books(db, "id,writers(name)").order("writers(name)").order("id")
    ),
    "order_in_embedded": lambda db: (
        writers(db, "id,books(id)").order("id").order("id", desc=True, foreign_table="books")
    ),
    "order_by_json": lambda db: books(db).order("details->pages").order("id"),
    "limit": lambda db: books(db).order("id").limit(2),
    "limit_in_embedded": lambda db: (
        writers(db, "id,books(id)").order("id").limit(1, foreign_table="books")
    ),
    "page": lambda db: books(db).order("id").range(2, 4),
    "page_past_the_end": lambda db: books(db).order("id").range(100, 110),
}

FORMS: Mapping[str, Read] = {
    "single": lambda db: books(db).eq("id", 1).single(),
    "single_none": lambda db: books(db).eq("id", 0).single(),
    "single_several": lambda db: books(db).lt("id", 3).single(),
    "maybe_none": lambda db: books(db).eq("id", 0).maybe_single(),
    "maybe_one": lambda db: books(db).eq("id", 3).maybe_single(),
    "maybe_several": lambda db: books(db).lt("id", 3).maybe_single(),
    "csv": lambda db: books(db, "id,title,subtitle,price").order("id").csv(),
    "csv_empty": lambda db: books(db).eq("id", 0).csv(),
    "without_nulls": lambda db: books(db, "id,subtitle,price").order("id").strip_nulls(),
    "count_exact": lambda db: books(db, "id", count=EXACT).order("id"),
    "count_planned": lambda db: books(db, "id", count=PLANNED).order("id"),
    "count_estimated": lambda db: books(db, "id", count=ESTIMATED).order("id"),
    "count_of_a_page": lambda db: books(db, "id", count=EXACT).order("id").range(2, 4),
    "count_past_the_end": lambda db: books(db, "id", count=EXACT).order("id").range(100, 110),
    "count_of_single": lambda db: books(db, "id", count=EXACT).eq("id", 1).single(),
    "head": lambda db: books(db, "*", head=True),
    "head_count": lambda db: books(db, "*", count=EXACT, head=True),
    "head_unknown_table": lambda db: db.from_("nowhere").select("*", head=True),
    "explain": lambda db: books(db).explain(),
}

COLUMNS: Mapping[str, Read] = {
    "one_to_many": lambda db: writers(db, "name", "books(id,title)").order("id"),
    "many_to_one": lambda db: books(db, "title", "writers(name)").order("id"),
    "many_to_many": lambda db: books(db, "id", "tags(name)").order("id"),
    "nested_embeds": lambda db: writers(
        db, "name", "books(title,reviews(stars,body),tags(name))"
    ).order("id"),
    "spread": lambda db: books(db, "title", "...writers(writer:name,country)").order("id"),
    "inner": lambda db: writers(db, "name,books!inner(id)").eq("books.id", 3).order("id"),
    "by_constraint": lambda db: books(db, "id,by:writers!books_writer_id_fkey(name)").order("id"),
    "embedded_is_null": lambda db: books(db, "id,reviews()").is_("reviews", None).order("id"),
    "alias": lambda db: books(db, "number:id,name:title").order("id"),
    "cast": lambda db: books(db, "id::text,price::float").order("id"),
    "json": lambda db: books(
        db, "id,details->pages,details->shelf->>room,first:details->awards->>0"
    ).order("id"),
    "json_filter": lambda db: books(db, "id").eq("details->shelf->>room", "A").order("id"),
    "embedded_aggregate": lambda db: writers(db, "name,books(count)").order("id"),
}

RELATIONS: Mapping[str, Read] = {
    "other_schema": lambda db: db.schema("agenda").from_("readings").select("*").order("id"),
    "other_schema_single": lambda db: (
        db.schema("agenda").from_("readings").select("*").eq("id", 1).single()
    ),
    "view": lambda db: db.from_("recent_books").select("*").order("id"),
    "view_with_embeds": lambda db: (
        db.from_("recent_books").select("title,writers(name)").order("id")
    ),
    "setof_function": lambda db: call(db, "search_books", query="engine"),
    "function_of_two": lambda db: call(db, "search_books", query="engine", most=2),
    "function_and_filters": lambda db: (
        call(db, "search_books", query="engine").select("id,writers(name)").gt("id", 1)
    ),
    "function_reserved": lambda db: call(db, "search_books", query='engine, & (of) "+;'),
    "function_count": lambda db: db.rpc("search_books", {"query": "owl"}, count=EXACT, get=True),
    "scalar_function": lambda db: call(db, "count_books", in_languages=["de", "en"]),
    "undeclared_table": lambda db: db.from_("shelves").select("*").order("id"),
    "posted_function": lambda db: db.rpc("search_books", {"query": "engine"}),
}

MISTAKES: Mapping[str, Read] = {
    "unknown_column": lambda db: books(db, "id,nonsense"),
    "unknown_filter": lambda db: books(db).eq("nonsense", 1),
    "unknown_table": lambda db: db.from_("nowhere").select("*"),
    "unknown_but_declared": lambda db: db.from_("lost").select("*"),
    "unknown_embed": lambda db: books(db, "id,shelves(room)"),
    "unknown_schema": lambda db: db.schema("nowhere").from_("books").select("*"),
    "unknown_function": lambda db: call(db, "nothing"),
    "unknown_argument": lambda db: call(db, "search_books", quest="x"),
    "aggregate_not_allowed": lambda db: books(db, "writer_id,price.max()"),
    "bad_value": lambda db: books(db).eq("id", "one"),
    "bad_operator": lambda db: books(db).filter("id", "near", "1"),
    "bad_select": lambda db: books(db, "id,writers(name"),
    "no_grant": lambda db: db.from_("loans").select("*"),
}

READS: Mapping[str, Read] = {
    **OPERATORS,
    **LOGIC_AND_VALUES,
    **ORDER_AND_PAGES,
    **FORMS,
    **COLUMNS,
    **RELATIONS,
    **MISTAKES,
}
