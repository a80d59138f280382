"""`supabase/edge_cache/snapshot.sql`, on a real Postgres: what the function shows, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pglite import Pglite, SqlError, pglite

from edge_cache.tables import Declared
from shared import edge_sql

HERE = Path(__file__).parent

NO_PRIVILEGE = "42501"

TABLES = """
  insert into public.articles (id, title, published) values
    (3, 'third', true), (1, 'first', true), (2, 'draft', false), (10, 'tenth', true);

  create table public."Odd ""na""me" (found_rows text, "Key, column" text, found int);
  grant select on public."Odd ""na""me" to anon;
  insert into public."Odd ""na""me" values
    ('a', null, 1), ('b', 'b', 2), ('c', 'B', 3), ('d', '', 4);

  create table public.members (name text);
  insert into public.members values ('anon');
  grant select on public.members to anon;
  create function public.is_member() returns boolean language sql stable
    as $$ select exists (select from members where name = current_user) $$;
  create table public.for_members (id int);
  insert into public.for_members values (1);
  alter table public.for_members enable row level security;
  create policy "Members" on public.for_members for select to anon using (is_member());
  grant select on public.for_members to anon;

  create table public.closed (id int);
  insert into public.closed values (1);
  alter table public.closed enable row level security;
  grant select on public.closed to anon;

  create table public.secrets (id int);
  create schema elsewhere;
  grant usage on schema elsewhere to anon;
  create table elsewhere.articles (id int);
  grant select on elsewhere.articles to anon;
  create role stranger;
  grant select on public.articles to stranger;
"""

ARTICLES = "'public', 'articles', 'id'"


@pytest.fixture(scope="module")
def database() -> Iterator[Pglite]:
    """Return a database in which the function was installed twice."""
    with pglite() as database:
        database.run((HERE / "project" / "schemas" / "articles.sql").read_text())
        database.run(TABLES)
        database.run(edge_sql.snapshot(Declared()) * 2)
        yield database


def asked(database: Pglite, names: str, role: str = "anon") -> Any:
    """Return what the function returns to a role through the API, or the code of the error."""
    transaction = f"begin read only; set local role {role};"
    try:
        return database.value(f"{transaction} select public.edge_cache_snapshot({names})")
    except SqlError as error:
        return error.code
    finally:
        database.run("rollback")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_it_shows_what_row_level_security_shows(database: Pglite, role: str) -> None:
    """It shows all visible rows with all columns, in the order of the key. Drafts are hidden."""
    rows = asked(database, ARTICLES, role)
    assert [(row["id"], row["title"]) for row in rows] == [
        (1, "first"),
        (3, "third"),
        (10, "tenth"),
    ]
    assert rows[0] == {"id": 1, "title": "first", "body": "", "published": True}


def test_its_order_is_the_apis(database: Pglite) -> None:
    """The order is that of `order=key.asc`: by the column's collation, nulls last.

    Names may be odd.
    """
    rows = asked(database, "'public', 'Odd \"na\"me', 'Key, column'")
    assert rows == database.run('select * from public."Odd ""na""me" order by "Key, column" asc')
    assert rows[-1]["Key, column"] is None


def test_no_rows_are_an_empty_array(database: Pglite) -> None:
    """The answer is not null."""
    assert asked(database, "'public', 'closed', 'id'") == []


def test_policies_find_the_tables_that_they_find_through_the_api(database: Pglite) -> None:
    """The function itself has no search path, but policies find their tables."""
    assert asked(database, "'public', 'for_members', 'id'") == [{"id": 1}]


@pytest.mark.parametrize(
    ("names", "role"),
    [
        (ARTICLES, "stranger"),
        ("'public', 'secrets', 'id'", "anon"),
        ("'pg_catalog', 'pg_proc', 'oid'", "anon"),
        ("'elsewhere', 'articles', 'id'", "anon"),
        ("null, 'articles', 'id'", "anon"),
    ],
)
def test_it_shows_nobody_more_than_the_api(database: Pglite, names: str, role: str) -> None:
    """It refuses roles, tables and schemas that the API does not show."""
    assert asked(database, names, role) == NO_PRIVILEGE


def test_names_are_names(database: Pglite) -> None:
    """No name is run as SQL, whatever it contains: there is no such column."""
    assert asked(database, "'public', 'articles', 'id\"), (select 1) --'") == "42703"


def test_it_has_no_rights_of_its_own(database: Pglite) -> None:
    """It is stable, has the caller's rights, and has no search path that somebody could misuse."""
    assert database.run(
        "select provolatile, prosecdef, proconfig from pg_proc where proname like 'edge_%'"
    ) == [{"provolatile": "s", "prosecdef": False, "proconfig": ['search_path=""']}]
