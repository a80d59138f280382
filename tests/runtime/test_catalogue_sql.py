"""`edge_cache_catalogue` on a real Postgres: what relations, functions and columns depend on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pglite import Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

DECLARED = Declared(
    (Table("articles"), Table("parts")),
    others=frozenset(
        {
            ("recent", "public"),
            *((f"rpc/{name}", "public") for name in ("search", "plain", "nothing")),
        }
    ),
    reads={
        ("rpc/plain", "public"): (("public", "authors"), ("other", "logs")),
        ("rpc/nothing", "public"): (),
    },
)

TABLES = """
  create schema other;
  create schema auth;
  create function auth.uid() returns uuid language sql stable as 'select null::uuid';
  create table authors (id bigint primary key, name text, owner uuid);
  create table articles (id bigint primary key, title text, author bigint references authors);
  create table tags (id bigint primary key, article bigint references articles);
  create table other.logs (id bigint primary key);
  create table parts (id int primary key) partition by range (id);
  create table parts_1 partition of parts for values from (0) to (10);
  create view recent as
    select articles.id, title, name from articles join authors on author = authors.id;
  create function search(term text) returns setof articles language sql stable begin atomic
    select articles.* from articles join tags on article = articles.id;
  end;
  create function search(term int) returns text language sql immutable as 'select ''x''';
  create function plain() returns int language plpgsql as 'begin return 1; end';
  create function nothing() returns int language plpgsql as 'begin return 1; end';
  insert into vault.secrets values ('edge_cache_secret', 'right');
"""


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database with the script."""
    with pglite() as database:
        database.run(TABLES + edge_sql.installing(DECLARED))
        yield database


@pytest.fixture
def database(installed: Pglite) -> Iterator[Pglite]:
    """Return it in a transaction that is taken back."""
    with installed.taken_back():
        yield installed


def catalogue(database: Pglite, change: str = "") -> dict[str, Any]:
    """Return the catalogue after a change, as the API asks for it."""
    database.run(change)
    call = "select public.edge_cache_catalogue(secret := 'right')"
    told: dict[str, Any] = database.value(f"set local role anon; {call}")
    database.run("reset role")
    return told


def short(relations: list[list[str]] | None) -> str | None:
    """Return relations by their names, those of other schemas with the schema."""
    if relations is None:
        return None
    names = [name if schema == "public" else f"{schema}.{name}" for schema, name in relations]
    return " ".join(names)


def reads(database: Pglite, change: str = "") -> dict[str, str | None]:
    """Return what each relation reads."""
    told = catalogue(database, change)["relations"]
    return {short([[one["schema"], one["name"]]]) or "": short(one["reads"]) for one in told}


def test_everything_that_can_be_embedded_is_listed(database: Pglite) -> None:
    """That is all of the declared schemas, and what lies below it in others."""
    assert reads(database) == {
        "articles": "",
        "authors": "",
        "other.logs": "",
        "parts": "parts_1",
        "parts_1": "parts",
        "recent": "authors",
        "tags": "",
    }


def test_foreign_keys_are_listed(database: Pglite) -> None:
    """With both ends, in the order of their columns."""
    change = """
        create table pairs (a int, b int, primary key (a, b));
        create table part (y int, x int, constraint "a pair" foreign key (x, y) references pairs);
    """
    told = {one["name"]: one for one in catalogue(database, change)["foreign_keys"]}
    assert set(told) == {"a pair", "articles_author_fkey", "tags_article_fkey"}
    assert told["a pair"] == {
        "name": "a pair",
        "from": ["public", "part"],
        "columns": ["x", "y"],
        "to": ["public", "pairs"],
        "to_columns": ["a", "b"],
    }


def test_each_overload_of_a_declared_function_is_listed(database: Pglite) -> None:
    """An immutable one reads nothing."""
    told = catalogue(database)["functions"]
    assert [(one["name"], one["volatility"], short(one["reads"])) for one in told] == [
        ("nothing", "v", ""),
        ("plain", "v", "other.logs authors"),
        ("search", "s", "articles tags"),
        ("search", "i", ""),
    ]
    assert [one["returns"] for one in told] == [None, None, ["public", "articles"], None]


POLICY = "alter table articles enable row level security; create policy p on articles "

READS = [
    # A policy that can meet a reader.
    (POLICY + "using (exists (select from tags))", "articles", "tags"),
    (POLICY + "for select to anon using (exists (select from tags))", "articles", "tags"),
    (
        POLICY + "as restrictive to authenticated using ((select true from tags))",
        "articles",
        "tags",
    ),
    (
        (
            "create role reader; grant reader to authenticated;"
            f"{POLICY} to reader using (exists (select from tags))"
        ),
        "articles",
        "tags",
    ),
    (POLICY + "to service_role using (exists (select from tags))", "articles", ""),
    (POLICY + "for insert with check (exists (select from tags))", "articles", ""),
    (
        (
            f"{POLICY} using (exists (select from tags));"
            "alter table articles disable row level security"
        ),
        "articles",
        "",
    ),
    (POLICY + "using (title <> '' and id > 5)", "articles", ""),
    (POLICY + "using (auth.uid() is null)", "articles", ""),
    (POLICY + "using (id = (select max(id) from articles as a))", "articles", "articles"),
    (
        "create view ids as select id from articles;"
        + POLICY
        + "using (id in (select id from ids))",
        "articles",
        "articles",
    ),
    # The owner of a view meets the policies of its role.
    (
        (
            "create role owner; grant owner to postgres;"
            f"{POLICY} to owner using (exists (select from tags)); alter view recent owner to owner"
        ),
        "recent",
        "authors tags",
    ),
    # Policies of what lies below.
    (POLICY + "using (exists (select from tags))", "recent", "authors tags"),
    (POLICY + "using (exists (select from tags))", "tags", ""),
    # Views on views, and materialized ones.
    ("create view again as select title from recent", "again", "articles authors"),
    ("create materialized view old as select * from recent", "old", ""),
    (
        (
            "create materialized view old as select * from recent;"
            "create view again as select * from old"
        ),
        "again",
        "old",
    ),
    ("create view logs as select * from other.logs", "logs", "other.logs"),
    # Partitions and children: a statement may name either end.
    ("create view few as select * from parts_1", "few", "parts parts_1"),
    ("create table more () inherits (tags)", "tags", "more"),
    ("create table more () inherits (tags)", "more", "tags"),
    # Functions.
    ("create view a as select * from search('x')", "a", "articles tags"),
    ("create view a as select plain()", "a", "other.logs authors"),
    ("create view a as select nothing()", "a", ""),
    ("create view a as select search(1)", "a", ""),
    ("create view a as select now(), current_user, count(*) from tags", "a", "tags"),
]


@pytest.mark.parametrize(("change", "relation", "expected"), READS)
def test_what_a_relation_reads_is_followed_to_the_end(
    database: Pglite, change: str, relation: str, expected: str
) -> None:
    """Each relation once."""
    assert reads(database, change)[relation] == expected


UNKNOWN = "create function f({}) returns {} language sql stable as 'select null::{}';"

NOBODY_KNOWS = [
    UNKNOWN.format("", "int", "int") + "create view a as select f()",
    UNKNOWN.format("", "int", "int")
    + "create view b as select f(); create view a as select * from b",
    (
        UNKNOWN.format("", "int", "int") + "create function g() returns int language sql stable"
        " begin atomic select f(); end; create view a as select g()"
    ),
    (
        UNKNOWN.format("", "int", "int") + "create function g(n int default f()) returns int"
        " language sql immutable begin atomic select n; end; create view a as select g()"
    ),
    (
        UNKNOWN.format("int, int", "int", "int")
        + "create aggregate total(int) (sfunc = f, stype = int);"
        "create view a as select total(id::int) from tags"
    ),
    (
        UNKNOWN.format("int, int", "boolean", "boolean")
        + "create operator === (leftarg = int, rightarg = int, function = f);"
        "create view a as select 1 === 2"
    ),
    (
        UNKNOWN.format("int", "boolean", "boolean")
        + "create domain checked as int check (f(value));"
        "create view a as select 1::checked"
    ),
    (
        "create type kind as enum ('a');"
        + UNKNOWN.format("kind", "json", "json")
        + "create cast (kind as json) with function f(kind); create table a (kind kind)"
    ),
    (
        UNKNOWN.format("", "boolean", "boolean")
        + "create table a (); create policy p on a using (f());"
        "alter table a enable row level security"
    ),
    "create sequence s; create view a as select last_value from s",
    "create view a as select query_to_xml('table tags', true, true, '')",
    "create view a as select * from ts_stat('table tags')",
    "create view a as select ts_rewrite('a', 'table tags')",
    (
        "create table a (); create policy p on a using ("
        " table_to_xml('tags', true, true, '') is null); alter table a enable row level security"
    ),
]


@pytest.mark.parametrize("change", NOBODY_KNOWS)
def test_what_nobody_can_tell_is_null(database: Pglite, change: str) -> None:
    """A function with its body as a text, what calls it, and what Postgres itself reads by name."""
    assert reads(database, change)["a"] is None


@pytest.mark.parametrize(
    "change",
    [
        "create view a as select ts_rewrite('a'::tsquery, 'b'::tsquery, 'c'::tsquery)",
        "create view a as select xmlelement(name x), length('tags') + 1, sum(id) from tags",
    ],
)
def test_postgres_own_functions_are_known(database: Pglite, change: str) -> None:
    """They leave no trace in pg_depend."""
    assert reads(database, change)["a"] is not None


def test_a_function_that_declares_what_does_not_exist_is_unknown(database: Pglite) -> None:
    """Until the table is there."""
    told = catalogue(database, "drop table other.logs")["functions"]
    assert [one["reads"] for one in told if one["name"] == "plain"] == [None]


COLUMNS = [
    (
        """create function tagged(articles) returns bigint language sql stable begin atomic
             select count(*) from tags where article = $1.id; end""",
        {"name": "tagged", "reads": [["public", "tags"]], "returns": None},
    ),
    (
        """create function writer(articles) returns setof authors rows 1 language sql stable
             begin atomic select * from authors where id = $1.author; end""",
        {"name": "writer", "reads": [["public", "authors"]], "returns": ["public", "authors"]},
    ),
    (
        """create function other.odd(articles, n int default 1) returns int language sql stable
             as 'select 1'""",
        {"name": "odd", "reads": None, "returns": None},
    ),
    (
        "create function whole(anyelement) returns text language sql immutable as 'select ''x'''",
        {"name": "whole", "reads": [], "returns": None},
    ),
    *(
        (
            f"create function whole({arguments}) returns text language sql immutable as 'select 1'",
            {"name": "whole", "reads": [], "returns": None},
        )
        for arguments in ("variadic articles[]", "variadic anyarray")
    ),
    (
        """create function last_tag(bigint, articles) returns bigint language sql stable
             begin atomic select max(id) from tags; end;
           create aggregate total(articles) (sfunc = last_tag, stype = bigint)""",
        {"name": "total", "reads": [["public", "tags"]], "returns": None},
    ),
]


@pytest.mark.parametrize(("change", "expected"), COLUMNS)
def test_computed_columns_are_listed(
    database: Pglite, change: str, expected: dict[str, object]
) -> None:
    """With the relation that a computed relationship leads to."""
    told = {one["name"]: one for one in catalogue(database, change)["relations"]}
    (column,) = told["articles"]["computed"]
    assert {**column, **expected} == column
    assert set(column) == {*expected, "differs"}


def test_a_row_of_a_type_has_its_computed_columns(database: Pglite) -> None:
    """The table is made of the type."""
    change = """
        create type pair as (a int, b int);
        create table pairs of pair;
        create function total(pair) returns int language sql immutable begin atomic
          select $1.a + $1.b; end
    """
    told = {one["name"]: one["computed"] for one in catalogue(database, change)["relations"]}
    assert [one["name"] for one in told["pairs"]] == ["total"]


TAGS_COUNTED = """returns bigint language sql stable begin atomic select count(*) from tags; end;"""

OF_PAIRS = """drop function nothing;
  create function nothing() returns setof pair language sql stable
  begin atomic select 1, 2; end;"""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (f"create function tagged(pair) {TAGS_COUNTED}", "tags"),
        (f"create function tagged(pair, n int default 1) {TAGS_COUNTED}", "tags"),
        ("create function any_row(anyelement) returns int language sql stable as 'select 1'", None),
        ("create function tagged(pair) returns int language sql stable as 'select 1'", None),
        ("create domain named as pair", None),
    ],
)
def test_a_function_reads_what_columns_of_its_rows_read(
    database: Pglite, change: str, expected: str | None
) -> None:
    """Nobody asks for these by a relation."""
    told = catalogue(database, f"create type pair as (a int, b int); {OF_PAIRS} {change}")
    (said,) = [short(one["reads"]) for one in told["functions"] if one["name"] == "nothing"]
    assert said == expected


def test_nobody_can_tell_what_converted_rows_read(database: Pglite) -> None:
    """A function of the domain could be a column, or the domain itself."""
    assert reads(database, "create domain named as tags")["tags"] is None


HANDLER = """create domain "text/csv" as text;
  create function step("text/csv", {0}) returns "text/csv" language {1};
  create aggregate as_text({0}) (sfunc = step, stype = "text/csv");"""

COUNTED = "sql stable begin atomic select count(*)::text from tags; end"

TEXTUAL = "plpgsql stable as 'begin return 1; end'"


@pytest.mark.parametrize(
    ("change", "articles", "nothing"),
    [
        (HANDLER.format("articles", COUNTED), "tags", ""),
        (HANDLER.format("articles", TEXTUAL), None, ""),
        (HANDLER.format("anyelement", TEXTUAL), None, None),
    ],
)
def test_what_a_media_type_handler_reads_is_read(
    database: Pglite, change: str, articles: str | None, nothing: str | None
) -> None:
    """It makes the answers."""
    told = catalogue(database, change)
    (function,) = [one for one in told["functions"] if one["name"] == "nothing"]
    assert (reads(database)["articles"], short(function["reads"])) == (articles, nothing)


def test_a_childs_row_is_a_row_of_its_parent(database: Pglite) -> None:
    """So the parent's computed columns are the child's, too."""
    change = """
        create table more () inherits (articles);
        create function upper(articles) returns text language sql immutable begin atomic
          select upper($1.title); end
    """
    told = {one["name"]: one["computed"] for one in catalogue(database, change)["relations"]}
    assert [one["name"] for one in told["more"]] == ["upper"]


@pytest.mark.parametrize("secret", ["wrong", ""])
def test_only_the_worker_may_ask(database: Pglite, secret: str) -> None:
    """The catalogue shows the names of private tables."""
    assert database.error_of(f"select public.edge_cache_catalogue('{secret}')") == "28P01"
