"""Which keys the triggers of `npm run sql` write down, and how they are spelled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import WITHOUT_EVENT_TRIGGERS, Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

SCRIPT = edge_sql.installing(Declared((Table("keyed"),))) + WITHOUT_EVENT_TRIGGERS


@pytest.fixture(scope="module")
def database() -> Iterator[Pglite]:
    """Return a database."""
    with pglite() as database:
        yield database


def told(database: Pglite, sql: str) -> list[object]:
    """Run statements and return the keys of what was written down for them."""
    database.run("truncate edge_cache.outbox")
    database.run(sql)
    return [one["keys"] for one in database.run("select keys from edge_cache.outbox order by id")]


SETTINGS = """
  set timezone = 'Asia/Kolkata'; set datestyle = 'SQL, DMY'; set intervalstyle = 'sql_standard';
  set extra_float_digits = -10; set bytea_output = 'escape'; set lc_monetary = 'C';
"""

TOLD = [
    ("int2", "7", 7),
    ("int4", "-7", -7),
    ("int8", "9007199254740991", 9007199254740991),
    ("numeric", "NaN", "NaN"),
    ("numeric", "1e15", 10**15),
    ("numeric(10, 2)", "1.5", 1.5),
    ("text", "7", "7"),
    ("varchar(3)", 'Ä"', 'Ä"'),
    ("char(3)", "a", "a  "),
    ("uuid", "6F9619FF8B86D011B42D00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
    ("date", "2026-02-01", "2026-02-01"),
    ("timestamp", "2026-02-01 10:00:00.5", "2026-02-01T10:00:00.5"),
    ("timestamp", "infinity", "infinity"),
]
"""Type of the key, a value, and its JSON."""


@pytest.fixture
def keyed(database: Pglite) -> Iterator[Pglite]:
    """Return the database, in which a table of any key can be declared."""
    yield database
    database.run("drop table if exists keyed; drop schema if exists mine cascade")


def declare_keyed(database: Pglite, type_of_key: str) -> None:
    """Make and declare a table whose key has that type."""
    database.run(f"drop table if exists keyed; create table keyed (id {type_of_key})")
    database.run(SCRIPT)


@pytest.mark.parametrize(("type_of_key", "value", "key"), TOLD)
def test_a_key_is_told_as_the_api_spells_it(
    keyed: Pglite, type_of_key: str, value: str, key: object
) -> None:
    """Whatever the writer's session has set."""
    declare_keyed(keyed, type_of_key)
    write = f"{SETTINGS}; insert into keyed values ('{value}'); reset all"
    assert told(keyed, write) == [[key]]
    assert keyed.value("select json_agg(id) from keyed") == [key]


NOT_TOLD = [
    ("timestamptz", "2026-02-01"),
    ("float8", "0.1"),
    ("float4", "0.1"),
    ("interval", "1 day"),
    ("bytea", "a"),
    ("money", "1"),
    ("boolean", "true"),
    ("jsonb", "1"),
    ("int[]", "{1}"),
    ("mine.number", "1"),
    ("mine.text", "a"),
]
"""Type of the key, and a value."""


@pytest.mark.parametrize(("type_of_key", "value"), NOT_TOLD)
def test_keys_of_other_types_are_not_told(keyed: Pglite, type_of_key: str, value: str) -> None:
    """As a setting of the writer's, or code of its owner's, would spell them: any row changed."""
    keyed.run("create schema mine; create domain mine.number as int")
    keyed.run("create type mine.text as enum ('a')")
    declare_keyed(keyed, type_of_key)
    write = f"insert into keyed values ('{value}')"
    assert told(keyed, write) == [None]


def test_a_keys_type_runs_no_code_with_the_owners_rights(keyed: Pglite) -> None:
    """Its cast to JSON is whatever the type's owner says."""
    keyed.run("""
        create schema mine;
        create type mine.evil as enum ('a');
        create function mine.to_json(mine.evil) returns json language plpgsql as $$ begin
          perform set_config('mine.was', current_user, false); return '1';
        end $$;
        create cast (mine.evil as json) with function mine.to_json(mine.evil);
    """)
    declare_keyed(keyed, "mine.evil")
    assert told(keyed, "insert into keyed values ('a')") == [None]
    assert keyed.value("select current_setting('mine.was', true)") is None


def test_a_type_that_changed_since_runs_no_code_either(keyed: Pglite) -> None:
    """The trigger's function still has the key's former type, and compares it first."""
    declare_keyed(keyed, "int")
    keyed.run("""
        create schema mine;
        create type mine.evil as enum ('a');
        create function mine.run(mine.evil) returns json language plpgsql as $$ begin
          perform set_config('mine.was', current_user, false); return '1';
        end $$;
        create cast (mine.evil as json) with function mine.run(mine.evil) as implicit;
        alter table keyed alter id type mine.evil using 'a';
    """)
    assert told(keyed, "insert into keyed values ('a')") == [None]
    assert told(keyed, "update keyed set id = 'a'") == [None]
    assert keyed.value("select current_setting('mine.was', true)") in {None, ""}


def test_two_spellings_of_a_number_are_two_keys(keyed: Pglite) -> None:
    """As they are two addresses."""
    declare_keyed(keyed, "numeric")
    keyed.run("insert into keyed values (1.0)")
    told(keyed, "update keyed set id = 1.00")
    keys = keyed.value("select keys::text from edge_cache.outbox")
    assert sorted(keys.strip("[]").split(", ")) == ["1.0", "1.00"]
