"""What `npm run sql` installs, tested with all names that Postgres allows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

NAME = 'Blog "Posts", it\'s 100% \\ größe \N{OWL}'
"""Of a table, of its schema and of its key."""

DECLARED = Declared(
    (Table("posts", key=NAME, schema=NAME, own_name=NAME), Table("crm", own_name="towns")),
    others=frozenset({("rpc/towns", "public")}),
    watched=(("towns", NAME), (NAME, "public")),
)


def quoted(name: str) -> str:
    """Return a name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


ODD = quoted(NAME)


@pytest.fixture(scope="module")
def database() -> Iterator[Pglite]:
    """Return a database in which the script was run twice."""
    with pglite() as database:
        database.run(f"""
          create schema {ODD};
          create table {ODD}.{ODD} ({ODD} text primary key);
          create table {ODD}.towns (id int primary key);
          create table {ODD} (id int primary key);
          create table towns (id int primary key);
          create function towns() returns int language sql immutable as 'select 1';
        """)
        for _ in range(2):
            database.run(edge_sql.installing(DECLARED))
        yield database


@pytest.mark.parametrize(
    ("schema", "table", "key"),
    [
        (NAME, NAME, NAME),
        (NAME, "towns", None),
        ("public", NAME, None),
        ("public", "towns", "id"),
    ],
)
def test_a_change_is_told_by_the_relations_own_name(
    database: Pglite, schema: str, table: str, key: str | None
) -> None:
    """The schema belongs to the name: two tables of one name in two schemas are two tables."""
    database.run("truncate edge_cache.outbox")
    database.run(f"insert into {quoted(schema)}.{quoted(table)} values (7)")
    columns = "schema_name, table_name, key_column, keys"
    (told,) = database.run(f"select {columns} from edge_cache.outbox")
    assert [*told.values()][:3] == [schema, table, key]
    assert told["keys"] == {"id": [7], NAME: ["7"], None: None}[key]


def test_each_has_all_its_triggers(database: Pglite) -> None:
    """So the Worker learns that they are watched, and the check finds no table without them."""
    watched = database.value("select edge_cache.changes_since(null) -> 'watched'")
    expected = [[NAME, NAME], [NAME, "towns"], ["public", NAME], ["public", "towns"]]
    assert sorted(watched) == sorted(expected)
    findings = database.run("select finding from edge_cache.check()")
    assert not [row for row in findings if "trigger" in row["finding"]]


def test_the_table_is_read_at_one_moment(database: Pglite) -> None:
    """The read uses the table's own name, and the order of its key."""
    database.run(f"truncate {ODD}.{ODD}; insert into {ODD}.{ODD} values ('b'), ('a')")
    name = NAME.replace("'", "''")
    read = f"select public.edge_cache_snapshot('{name}', '{name}', '{name}')"
    assert [row[NAME] for row in database.value(read)] == ["a", "b"]
