"""`edge_cache_changes` on a real Postgres: what changed since a cursor, neither less nor twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pglite import WITHOUT_EVENT_TRIGGERS, Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

DECLARED = Declared((Table("events"), Table("notes")), watched=(("authors", "public"),))

TABLES = """
  create table events (id int primary key, title text);
  create table notes (id text primary key);
  create table authors (id int primary key);
  insert into vault.secrets values ('edge_cache_secret', 'right');
"""


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database with the script."""
    with pglite() as database:
        database.run(TABLES + edge_sql.installing(DECLARED) + WITHOUT_EVENT_TRIGGERS)
        yield database


@pytest.fixture
def database(installed: Pglite) -> Pglite:
    """Return it with empty tables and an empty outbox."""
    installed.run("truncate events, notes, authors; truncate edge_cache.outbox")
    return installed


def ask(database: Pglite, after: str | None = None) -> dict[str, Any]:
    """Return what changed since a cursor, as the API asks it with the public key."""
    cursor = "null" if after is None else f"'{after}'"
    call = f"select public.edge_cache_changes(secret := 'right', after := {cursor})"
    try:
        told: dict[str, Any] = database.value(f"begin; set local role anon; {call}")
    finally:
        database.run("rollback")
    return told


def changes_since(database: Pglite, after: str) -> list[tuple[str, Any]]:
    """Return (table, keys) of what changed since a cursor."""
    told = ask(database, after)
    assert told["complete"] is True
    return [(change["table"], change["keys"]) for change in told["changes"]]


def test_without_a_cursor_everything_may_have_changed(database: Pglite) -> None:
    """The answer has one to begin with, and which declared tables are watched."""
    told = ask(database)
    assert told["complete"] is False
    assert told["changes"] == []
    assert told["watched"] == [["public", "authors"], ["public", "events"], ["public", "notes"]]
    assert ask(database, told["cursor"])["complete"] is True


def test_each_change_is_told_once(database: Pglite) -> None:
    """With its number, schema, table, key column and keys."""
    before = ask(database)["cursor"]
    database.run(
        "insert into events values (2), (1); insert into notes values ('Ä'); truncate notes"
    )
    database.run("insert into authors values (1)")
    told = ask(database, before)
    numbers = [
        row["id"] for row in database.run("select id from edge_cache.outbox order by written_at")
    ]
    expected = [
        {"id": numbers[0], "schema": "public", "table": "events", "key": "id", "keys": [1, 2]},
        {"id": numbers[1], "schema": "public", "table": "notes", "key": "id", "keys": ["Ä"]},
        {"id": numbers[2], "schema": "public", "table": "notes", "key": "id", "keys": None},
        {"id": numbers[3], "schema": "public", "table": "authors", "key": None, "keys": None},
    ]
    by_number = sorted(expected, key=lambda change: str(change["id"]))
    assert sorted(told["changes"], key=lambda change: str(change["id"])) == by_number
    assert changes_since(database, told["cursor"]) == []
    assert len(changes_since(database, before)) == 4, "the answer may have been lost"


def test_many_changes_are_told_as_one_for_each_table(database: Pglite) -> None:
    """Of 501; of 500 each is told."""
    before = ask(database)["cursor"]
    one = "insert into edge_cache.outbox (schema_name, table_name, keys)"
    database.run(f"{one} select 'public', 'events', '[1]' from generate_series(1, 499)")
    database.run(f"{one} values ('public', 'notes', '[2]')")
    assert len(ask(database, before)["changes"]) == 500
    database.run(f"{one} values ('public', 'notes', '[3]')")
    changes = ask(database, before)["changes"]
    assert sorted(changes, key=lambda change: str(change["table"])) == [
        {"id": None, "schema": "public", "table": "events", "key": None, "keys": None},
        {"id": None, "schema": "public", "table": "notes", "key": None, "keys": None},
    ]


@pytest.mark.parametrize(("length", "is_told"), [(1900, True), (2100, False)])
def test_many_keys_are_told_as_one_change_for_each_table(
    database: Pglite, length: int, is_told: bool
) -> None:
    """Beyond a million bytes in all."""
    before = ask(database)["cursor"]
    database.run(f"""
        insert into edge_cache.outbox (schema_name, table_name, keys)
        select 'public', 'notes', jsonb_build_array(repeat('x', {length}))
        from generate_series(1, 500)
    """)
    assert len(ask(database, before)["changes"]) == (500 if is_told else 1)


def altered(cursor: str, *, part: int, to: str) -> str:
    """Return a cursor with another identity (0), time (1) or snapshot (2)."""
    parts = cursor.split(" ")
    parts[part] = to
    return " ".join(parts)


@pytest.mark.parametrize(
    ("part", "to"),
    [
        (0, "7000000000000000000/1/x"),  # another database
        (1, "now - 23 h"),
        (1, "now + 1 min"),
        (1, "NaN"),
        (1, "-Infinity"),
        (1, "yesterday"),
        (2, "1:9999999:"),  # of the future, as before the database was set back
        (2, "9:1:"),
        (2, "x"),
        (2, ""),
    ],
)
def test_a_cursor_of_which_one_cannot_tell_is_incomplete(
    database: Pglite, part: int, to: str
) -> None:
    """Another database's, too old, of the future, or unreadable; the next one is complete."""
    cursor = ask(database)["cursor"]
    now = float(cursor.split(" ")[1])
    seconds = {"now - 23 h": now - 23 * 3600 - 1, "now + 1 min": now + 60}.get(to)
    told = ask(database, altered(cursor, part=part, to=to if seconds is None else str(seconds)))
    assert told["complete"] is False
    assert told["changes"] == []
    assert ask(database, told["cursor"])["complete"] is True


@pytest.mark.parametrize("cursor", ["", " ", "  ", "x", "1 2", "1 2 3 4"])
def test_what_is_no_cursor_is_incomplete(database: Pglite, cursor: str) -> None:
    """And no error."""
    assert ask(database, cursor)["complete"] is False


def test_a_restart_makes_one_answer_incomplete(database: Pglite) -> None:
    """As the disk may have been set back meanwhile, with nothing else to tell of it."""
    cursor = ask(database)["cursor"]
    started = database.value("select extract(epoch from pg_postmaster_start_time())::text")
    earlier = cursor.replace(f"/{started}/", "/1.5/")
    assert ask(database, cursor)["complete"] is True
    assert ask(database, earlier)["complete"] is False


def test_a_cursor_of_almost_a_day_is_complete(database: Pglite) -> None:
    """The outbox has all of that time."""
    cursor = ask(database)["cursor"]
    database.run("insert into events values (1)")
    hours_ago = str(float(cursor.split(" ")[1]) - 23 * 3600 + 60)
    assert changes_since(database, altered(cursor, part=1, to=hours_ago)) == [("events", [1])]


def test_what_a_snapshot_did_not_show_is_told(database: Pglite) -> None:
    """Also if its number is the lower one, as the transaction was still open; and no other."""
    for row in (1, 2, 3):
        database.run(f"insert into events values ({row})")
    first, second, third = (
        int(row["transaction"])
        for row in database.run(
            "select transaction::text from edge_cache.outbox order by transaction"
        )
    )
    cursor = ask(database)["cursor"]
    snapshot = f"{first}:{third}:{first}"  # the first was open, the third had not begun
    assert first < second < third
    assert sorted(changes_since(database, altered(cursor, part=2, to=snapshot))) == [
        ("events", [1]),
        ("events", [3]),
    ]


def test_rows_of_another_database_are_not_told(database: Pglite) -> None:
    """A restored one brings its outbox along, whose numbers are above its own."""
    cursor = ask(database)["cursor"]
    database.run("""
        insert into edge_cache.outbox (transaction, schema_name, table_name)
        values ('99999999', 'public', 'events')
    """)
    assert changes_since(database, cursor) == []


@pytest.mark.parametrize("secret", ["wrong", "", "Right"])
def test_the_secret_must_be_right(database: Pglite, secret: str) -> None:
    """Whoever else asks is told nothing, but that."""
    call = f"select public.edge_cache_changes('{secret}')"
    assert database.error_of(call) == "28P01"
    assert database.error_of("select public.edge_cache_changes(null)") == "28P01"


def test_without_a_secret_in_vault_nobody_is_told(database: Pglite) -> None:
    """Which is another error, as it has another way out."""
    call = "select public.edge_cache_changes('right')"
    assert database.error_of(f"begin; delete from vault.secrets; {call}") == "28000"
    database.run("rollback")
    assert database.error_of(f"begin; drop schema vault cascade; {call}") == "28000"
    database.run("rollback")


def test_an_empty_secret_in_vault_is_none(database: Pglite) -> None:
    """As everybody could name it."""
    call = "update vault.secrets set secret = ''; select public.edge_cache_changes('')"
    assert database.error_of(f"begin; {call}") == "28000"
    database.run("rollback")


def test_only_the_apis_roles_may_ask(database: Pglite) -> None:
    """And none of them may look into the schema."""
    database.run("create role stranger")
    for role, call, code in (
        ("authenticated", "public.edge_cache_changes('right')", None),
        ("stranger", "public.edge_cache_changes('right')", "42501"),
        ("stranger", "public.edge_cache_check('right')", "42501"),
        ("anon", "edge_cache.check()", "42501"),
        ("anon", "edge_cache.cursor_now()", "42501"),
    ):
        assert database.error_of(f"begin; set local role {role}; select {call}") == code
        database.run("rollback")
    database.run("drop role stranger")


def test_a_table_without_all_its_triggers_is_not_watched(database: Pglite) -> None:
    """Of its changes nothing is known, so they are looked for otherwise."""
    database.run("alter table events disable trigger edge_cache_update")
    assert ["public", "events"] not in ask(database)["watched"]
    database.run("alter table events enable trigger edge_cache_update")
    assert ["public", "events"] in ask(database)["watched"]


def ages(database: Pglite) -> list[str]:
    """Return how old the outbox's rows are, in days."""
    age = "round(extract(epoch from now() - written_at) / 86400)::text"
    return [row["age"] for row in database.run(f"select {age} as age from edge_cache.outbox")]


def make_old(database: Pglite, count: int, days: int) -> None:
    """Add rows that were written so many days ago."""
    database.run(f"""
        insert into edge_cache.outbox (written_at, schema_name, table_name)
        select now() - interval '{days} days', 'public', 'notes' from generate_series(1, {count})
    """)


ASK = "select public.edge_cache_changes('right')"


def test_who_asks_removes_old_rows(database: Pglite) -> None:
    """Ten thousand at once; those of the last day stay."""
    make_old(database, 10_002, days=3)
    make_old(database, 2, days=1)
    database.run(ASK)
    assert sorted(ages(database)) == ["1", "1", "3", "3"]
    database.run(ASK)
    assert ages(database) == ["1", "1"]


def many_changes(count: int) -> str:
    """Return a block of so many statements."""
    return f"do $$ begin for n in 1..{count} loop insert into events values (n); end loop; end $$"


def test_where_nobody_asks_writers_remove_old_rows(database: Pglite) -> None:
    """One of a hundred does, a thousand at once; most do not."""
    make_old(database, 1001, days=3)
    database.run(many_changes(3000))
    assert set(ages(database)) == {"0"}
    database.run("truncate events; truncate edge_cache.outbox")
    make_old(database, 100_000, days=3)
    database.run(many_changes(200))
    assert 100_000 - ages(database).count("3") in range(0, 20_000, 1000)


@pytest.mark.parametrize(
    "mode", ["isolation level repeatable read", "isolation level serializable", "read only"]
)
def test_other_transactions_remove_none(database: Pglite, mode: str) -> None:
    """As somebody else's removal would fail it, or it may not; they are answered all the same."""
    make_old(database, 1, days=3)
    assert database.value(f"begin {mode}; {ASK}")["watched"]
    assert database.warnings == []
    database.run("commit")
    assert ages(database) == ["3"]


def test_what_cannot_be_removed_fails_nobody(database: Pglite) -> None:
    """Neither who asks, nor a change that is written down."""
    make_old(database, 1, days=3)
    database.run("""
        create function keep() returns trigger language plpgsql as 'begin raise ''no''; end';
        create trigger keep before delete on edge_cache.outbox execute function keep();
    """)
    assert database.value(ASK)["watched"]
    (warning,) = database.warnings
    assert warning.startswith("The edge cache cannot remove old changes from its outbox")
    database.run(many_changes(2000))
    assert database.warnings
    assert ages(database).count("0") == 2000
    database.run("drop function keep cascade")
