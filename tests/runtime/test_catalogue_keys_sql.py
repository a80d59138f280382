"""`edge_cache_catalogue`: whose answers depend on single rows, and when its fingerprint changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pglite import Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

DECLARED = Declared(
    (Table("articles"), Table("parts"), Table("odd name", key="the (key) \\ {x}")),
    others=frozenset({("recent", "public"), ("rpc/found", "public")}),
)

TABLES = (
    r"""
  create table authors (id bigint primary key, name text);
  create table articles (id bigint primary key, title text, author bigint references authors);
  create table "odd name" ("the (key) \ {x}" text primary key, """
    '"a b" int'
    r""");
  create table parts (id int primary key) partition by range (id);
  create table parts_1 partition of parts for values from (0) to (10);
  create view recent as
    select name, articles.id as id, title from articles join authors on author = authors.id;
  create function found() returns setof articles language sql stable begin atomic
    select * from articles; end;
  create role stranger;
  insert into vault.secrets values ('edge_cache_secret', 'right');
"""
)


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


def ask(database: Pglite, known: str | None = None) -> dict[str, Any]:
    """Return the catalogue, or its fingerprint alone if that is known."""
    argument = "null" if known is None else f"'{known}'"
    told: dict[str, Any] = database.value(
        f"select public.edge_cache_catalogue('right', {argument})"
    )
    return told


def keys(database: Pglite, change: str = "") -> dict[str, Any]:
    """Return each relation's key after a change, as (column, type, table)."""
    database.run(change)
    return {
        one["name"]: (one["key"]["column"], one["key"]["type"], one["key"]["of"][1])
        for one in ask(database)["relations"]
        if one["key"]
    }


ARTICLES = ("id", "int8", "articles")


def test_declared_tables_have_keys_and_so_have_views_of_them(database: Pglite) -> None:
    """Whatever the names are; the others have none."""
    odd = "the (key) \\ {x}"
    shown = f"""create view shown as select "a b", "{odd}" as "b (c) \\ {{d" from "odd name" """
    assert keys(database, shown) == {
        "articles": ARTICLES,
        "recent": ARTICLES,
        "parts": ("id", "int4", "parts"),
        "odd name": (odd, "text", "odd name"),
        "shown": ("b (c) \\ {d", "text", "odd name"),
    }


UNIQUE = "alter table articles drop constraint articles_pkey cascade;"
POLICY = "alter table articles enable row level security; create policy p on articles using "

NO_KEY = [
    UNIQUE,
    UNIQUE + "create unique index on articles (id) where title <> ''",
    UNIQUE + "create unique index on articles (id, title)",
    UNIQUE + "create unique index on articles ((id + 0))",
    "update pg_index set indisvalid = false where indrelid = 'articles'::regclass",
    "drop view recent; drop function found; alter table articles alter id type float8",
    (
        "drop view recent; drop function found; create domain d as bigint;"
        "alter table articles alter id type d"
    ),
    (
        'drop view recent; drop function found; create collation blind from "C";'
        "alter table articles alter id type text collate blind;"
        "update pg_collation set collisdeterministic = false where collname = 'blind'"
    ),
    "create table more () inherits (articles)",
    POLICY + "(id = (select max(id) from articles as a))",
    (f"create function f() returns boolean language sql stable as 'select true';{POLICY} (f())"),
]


@pytest.mark.parametrize("change", NO_KEY)
def test_a_table_has_no_key_if_a_row_may_depend_on_others(database: Pglite, change: str) -> None:
    """Nor has a view of it."""
    assert not {"articles", "recent"} & set(keys(database, change))


WITH_KEY = [
    "select id from articles where title <> '' order by title",
    "select 1 as other, id from articles",
    "select a.id from authors left join articles as a on a.author = authors.id",
    "select id, (select count(*) from authors where authors.id = author) from articles",
    "select articles.id from articles, lateral (select from authors limit 1) as one",
    "with names as (select distinct name from authors) select id from articles, names",
    "select articles.id from articles join parts on parts.id = articles.id",
    "select title, id from recent where name <> ''",
    "select articles.id from articles join authors using (id)",
]


@pytest.mark.parametrize("query", WITH_KEY)
def test_a_view_whose_rows_are_a_tables_has_its_key(database: Pglite, query: str) -> None:
    """Whatever else it joins."""
    assert keys(database, f"create view v as {query}").get("v") == ARTICLES


WITHOUT_KEY = [
    "select id from articles union all select id from authors",
    "select id from articles group by id",
    "select max(id) as id from articles",
    "select id from articles group by id having true",
    "select distinct id from articles",
    "select distinct on (title) id from articles",
    "select id from articles order by id limit 1",
    "select id from articles offset 1",
    "select id, rank() over (order by title) from articles",
    "select id, generate_series(1, 2) from articles",
    "select id + 0 as id from articles",
    "select id::text from articles",
    "select author as id from articles",
    "select id from authors",
    "select a.id from articles as a join articles as b using (author)",
    "select id from articles where id = (select max(id) from articles)",
    "with a as (select id from articles) select id from a",
    "select id from (select id from articles limit 1) as a",
    "select articles.id from articles join recent on recent.id = articles.author",
    "select recent.id from recent join found() on true",
    "select id from articles tablesample system (10)",
]


@pytest.mark.parametrize("query", WITHOUT_KEY)
def test_a_view_has_no_key_if_a_row_may_depend_on_others(database: Pglite, query: str) -> None:
    """Or if the column is another one."""
    assert "v" not in keys(database, f"create view v as {query}")


def test_of_several_columns_the_one_that_is_named_like_the_key_is_taken(database: Pglite) -> None:
    """Else the first."""
    change = """
        create view v as select id as b, id as id from articles;
        create view w as select id as b, id as a from articles
    """
    found = keys(database, change)
    assert (found["v"][0], found["w"][0]) == ("id", "b")


def test_what_the_key_names_is_not_read_besides(database: Pglite) -> None:
    """But if something else reads it, the view has no key."""
    database.run("create view v as select parts.id, title from parts, articles")
    told = {one["name"]: one for one in ask(database)["relations"]}
    assert told["recent"]["reads"] == [["public", "authors"]]
    assert told["v"]["key"]["of"] == ["public", "parts"]
    assert told["v"]["reads"] == [["public", "articles"], ["public", "parts_1"]]


def test_a_known_catalogue_is_not_sent_again(database: Pglite) -> None:
    """Its fingerprint is."""
    told = ask(database)
    assert ask(database, told["fingerprint"]) == {"fingerprint": told["fingerprint"]}
    assert ask(database, "x") == told


CHANGES = [
    "alter table articles add more int",
    "alter table articles rename title to heading",
    "alter table authors add x int; alter table authors alter x type bigint",
    "alter table articles alter title set not null",
    "alter table articles enable row level security",
    "create policy p on articles using (true)",
    "grant select on articles to anon",
    "grant select (id) on articles to anon",
    "grant usage on schema public to stranger",
    "grant stranger to anon",
    "alter role anon set statement_timeout = '3s'",
    "alter role anon bypassrls",
    (
        "create or replace view recent as select name, articles.id, title from articles"
        " join authors on author = authors.id where title <> ''"
    ),
    "alter view recent set (security_invoker = true)",
    (
        "create or replace function found() returns setof articles language sql stable"
        " begin atomic select * from articles where id > 1; end"
    ),
    "alter function found() volatile",
    "alter function found() security definer",
    "revoke execute on function found() from public",
    "create table parts_2 partition of parts for values from (10) to (20)",
    "alter table parts detach partition parts_1",
    "alter table articles drop constraint articles_author_fkey",
    "create function tagged(articles) returns int language sql stable as 'select 1'",
    "create function found(n int) returns int language sql stable as 'select 1'",
    "create materialized view old as select 1",
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_changes_with_what_a_reader_gets(database: Pglite, change: str) -> None:
    """Each kind of change."""
    before = ask(database)["fingerprint"]
    database.run(change)
    assert ask(database)["fingerprint"] != before


@pytest.mark.parametrize(
    "change",
    [
        "insert into articles values (1); analyze articles; truncate articles",
        "create index on articles (title)",
        "comment on table articles is 'x'",
        "create schema elsewhere; create table elsewhere.t ()",
        "create temporary table t ()",
        "create function elsewhere() returns trigger language plpgsql as 'begin return new; end'",
        "create function pg_temp.f() returns int language sql as 'select 1'",
        "create table t (); drop table t",
        "grant select on articles to anon; revoke select on articles from anon",
        "create role other; alter role other set work_mem = '5MB'",
    ],
)
def test_the_fingerprint_does_not_change_without_reason(database: Pglite, change: str) -> None:
    """Nothing of this changes what a reader gets."""
    database.run("grant select on articles to stranger")
    before = ask(database)["fingerprint"]
    database.run(change)
    assert ask(database)["fingerprint"] == before
