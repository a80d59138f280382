"""A project in which two roles may get the same, for the tests of `differs` in the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pglite import Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

DECLARED = Declared(
    (Table("t"),),
    others=frozenset({("v", "public"), ("rpc/f", "public"), ("rpc/inner", "private")}),
)

SCRIPT = edge_sql.installing(DECLARED)

PROJECT = """
  create schema auth;
  create schema private;
  grant usage on schema auth, private to anon, authenticated;
  create function auth.uid() returns uuid language sql stable
    as 'select nullif(current_setting(''request.jwt.claim.sub'', true), '''')::uuid';
  create function auth.always() returns boolean language sql immutable as 'select true';
  create role authenticator;
  create role members;
  create role owner bypassrls;
  create role keeper;
  grant owner, keeper to postgres;
  create table t (id int primary key, owner uuid, title text, at timestamptz);
  create table u (id int primary key, owner uuid);
  alter table t enable row level security;
  grant select on t, u to anon, authenticated;
  grant all on t, u to keeper, owner;
  create function text_body() returns boolean language sql stable as 'select true';
  create function sound() returns boolean language sql stable begin atomic select true; end;
  create function promised() returns boolean language sql immutable as 'select true';
"""

Case = tuple[str, str, str | None]
"""A relation or a function, a change, and how the reason begins or goes on. None is the same."""

SELECTABLE = "create policy p on t for select "

BY_EVERYBODY = SELECTABLE + "using (true);"

BY_OWNER = SELECTABLE + "using (auth.uid() = owner);"

IS_BY_OWNER = "policy p of public.t looks at auth.uid()"


@contextmanager
def project() -> Iterator[Pglite]:
    """Run a database with these tables and the script."""
    with pglite() as database:
        database.run(PROJECT + SCRIPT)
        database.run("insert into vault.secrets values ('edge_cache_secret', 'right')")
        yield database


def catalogue(database: Pglite) -> dict[str, Any]:
    """Return the catalogue, as the API asks for it."""
    told: dict[str, Any] = database.value("select public.edge_cache_catalogue('right')")
    return told


def is_as_expected(database: Pglite, case: Case) -> bool:
    """Return whether the catalogue says the expected of a relation or a function."""
    name, change, expected = case
    database.run(f"{change}; reset role")
    told = catalogue(database)
    (said,) = {
        one["differs"] for one in told["relations"] + told["functions"] if one["name"] == name
    }
    assert said is None if expected is None else said is not None and expected in said, said
    return True
