"""`edge_cache_changes` on a real Postgres: it returns each change since a cursor exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pglite import Pglite, SqlError, pglite

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
        database.run(TABLES + edge_sql.installing(DECLARED))
        yield database


@pytest.fixture
def database(installed: Pglite) -> Pglite:
    """Return it with empty tables and an empty outbox."""
    installed.run("truncate events, notes, authors; truncate edge_cache.outbox")
    return installed


def ask(database: Pglite, after: str | None = None) -> dict[str, Any]:
    """Return what changed since a cursor, as the Worker asks for it with the public key."""
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
    """The answer has a first cursor, and the declared tables that are watched."""
    told = ask(database)
    assert told["complete"] is False
    assert told["changes"] == []
    assert told["watched"] == [["public", "authors"], ["public", "events"], ["public", "notes"]]
    assert ask(database, told["cursor"])["complete"] is True


def test_each_change_is_told_once(database: Pglite) -> None:
    """Each has its number, schema, table, key column and keys."""
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
    """The limit is 500 changes: so many are listed, but 501 are not."""
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
    """The limit is a million bytes of keys."""
    before = ask(database)["cursor"]
    database.run(f"""
        insert into edge_cache.outbox (schema_name, table_name, keys)
        select 'public', 'notes', jsonb_build_array(repeat('x', {length}))
        from generate_series(1, 500)
    """)
    assert len(ask(database, before)["changes"]) == (500 if is_told else 1)


def test_numbers_say_nothing(database: Pglite) -> None:
    """They do not show which comes next, or how many there were. A writer cannot choose them."""
    for _ in range(2):
        database.run("select setseed(0.5)")
        for row in range(10):
            database.run(f"insert into events values ({row})")
        database.run("truncate events")
    numbers = [
        row["id"] for row in database.run("select id from edge_cache.outbox order by written_at")
    ]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**48 for number in numbers)
    assert max(numbers) > 2**40
    assert numbers != sorted(numbers)


def altered(cursor: str, *, part: int, to: str) -> str:
    """Return a cursor with one part replaced: identity (0), time (1) or snapshot (2)."""
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
    """It comes from another database or from the future, is too old, or cannot be read.

    The next cursor is complete.
    """
    cursor = ask(database)["cursor"]
    now = float(cursor.split(" ")[1])
    seconds = {"now - 23 h": now - 23 * 3600 - 1, "now + 1 min": now + 60}.get(to)
    told = ask(database, altered(cursor, part=part, to=to if seconds is None else str(seconds)))
    assert told["complete"] is False
    assert told["changes"] == []
    assert ask(database, told["cursor"])["complete"] is True


@pytest.mark.parametrize("cursor", ["", " ", "  ", "x", "1 2", "1 2 3 4"])
def test_what_is_no_cursor_is_incomplete(database: Pglite, cursor: str) -> None:
    """It is no error."""
    assert ask(database, cursor)["complete"] is False


def test_a_restart_makes_one_answer_incomplete(database: Pglite) -> None:
    """Somebody may have restored the disk meanwhile, and nothing else would show that."""
    cursor = ask(database)["cursor"]
    started = database.value("select extract(epoch from pg_postmaster_start_time())::text")
    earlier = cursor.replace(f"/{started}/", "/1.5/")
    assert ask(database, cursor)["complete"] is True
    assert ask(database, earlier)["complete"] is False


def test_a_cursor_of_almost_a_day_is_complete(database: Pglite) -> None:
    """The outbox keeps everything for a day."""
    cursor = ask(database)["cursor"]
    database.run("insert into events values (1)")
    hours_ago = str(float(cursor.split(" ")[1]) - 23 * 3600 + 60)
    assert changes_since(database, altered(cursor, part=1, to=hours_ago)) == [("events", [1])]


def test_what_a_snapshot_did_not_show_is_told(database: Pglite) -> None:
    """A change with a lower number is listed too, if its transaction was still open.

    No other is listed.
    """
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
    """A restored database brings its outbox, whose numbers are higher than its own."""
    cursor = ask(database)["cursor"]
    database.run("""
        insert into edge_cache.outbox (transaction, schema_name, table_name)
        values ('99999999', 'public', 'events')
    """)
    assert changes_since(database, cursor) == []


@pytest.mark.parametrize("secret", ["wrong", "", "Right"])
def test_the_secret_must_be_right(database: Pglite, secret: str) -> None:
    """All other callers learn only that they may not ask."""
    call = f"select public.edge_cache_changes('{secret}')"
    assert database.error_of(call) == "28P01"
    assert database.error_of("select public.edge_cache_changes(null)") == "28P01"


def test_without_a_secret_in_vault_nobody_is_told(database: Pglite) -> None:
    """The error is another one, because the way out is another."""
    call = "select public.edge_cache_changes('right')"
    assert database.error_of(f"begin; delete from vault.secrets; {call}") == "28000"
    database.run("rollback")
    assert database.error_of(f"begin; drop schema vault cascade; {call}") == "28000"
    database.run("rollback")


def test_an_empty_secret_in_vault_is_none(database: Pglite) -> None:
    """Otherwise everybody could send it."""
    call = "update vault.secrets set secret = ''; select public.edge_cache_changes('')"
    assert database.error_of(f"begin; {call}") == "28000"
    database.run("rollback")


def test_only_the_apis_roles_may_ask(database: Pglite) -> None:
    """None of these roles may look into the schema."""
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
    """Its changes are unknown, so the Worker finds them in another way."""
    database.run("alter table events disable trigger edge_cache_update")
    assert ["public", "events"] not in ask(database)["watched"]
    database.run("alter table events enable trigger edge_cache_update")
    assert ["public", "events"] in ask(database)["watched"]


def ages(database: Pglite) -> list[str]:
    """Return the ages of the outbox's rows, in days."""
    age = "round(extract(epoch from now() - written_at) / 86400)::text"
    return [row["age"] for row in database.run(f"select {age} as age from edge_cache.outbox")]


def make_old(database: Pglite, count: int, days: int) -> None:
    """Add rows that are this many days old."""
    database.run(f"""
        insert into edge_cache.outbox (written_at, schema_name, table_name)
        select now() - interval '{days} days', 'public', 'notes' from generate_series(1, {count})
    """)


ASK = "select public.edge_cache_changes('right')"


def test_who_asks_removes_old_rows(database: Pglite) -> None:
    """It removes ten thousand at once, but keeps those of the last day."""
    make_old(database, 10_002, days=3)
    make_old(database, 2, days=1)
    database.run(ASK)
    assert sorted(ages(database)) == ["1", "1", "3", "3"]
    database.run(ASK)
    assert ages(database) == ["1", "1"]


def many_changes(count: int) -> str:
    """Return a block of this many statements."""
    return f"do $$ begin for n in 1..{count} loop insert into events values (n); end loop; end $$"


def test_where_nobody_asks_writers_remove_old_rows(database: Pglite) -> None:
    """About one writer in a hundred does, and removes a thousand rows at once."""
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
    """Another session's removal would make it fail, or it may not write.

    It gets its answer all the same.
    """
    make_old(database, 1, days=3)
    assert database.value(f"begin {mode}; {ASK}")["watched"]
    assert database.warnings == []
    database.run("commit")
    assert ages(database) == ["3"]


def test_what_cannot_be_removed_fails_nobody(database: Pglite) -> None:
    """A reader gets an answer, and a change is written down."""
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


@pytest.mark.parametrize(
    "broken",
    [
        "delete from vault.secrets",
        "drop schema vault cascade",
        "drop schema net cascade",
        "alter table net.http_request_queue add check (url is null)",
    ],
)
def test_what_cannot_be_sent_is_in_the_outbox(database: Pglite, broken: str) -> None:
    """The writer gets a warning, and goes on."""
    database.run("insert into vault.secrets values ('edge_cache_url', 'https://edge.example')")
    database.run(f"begin; {broken}")
    database.run("insert into events values (1)")
    (warning,) = database.warnings
    assert warning.startswith("The edge cache learns of this change late")
    assert database.run("select keys, request from edge_cache.outbox") == [
        {"keys": [1], "request": None}
    ]
    database.run("rollback; delete from vault.secrets where name = 'edge_cache_url'")


@pytest.mark.parametrize("entry", ["edge_cache_url", "edge_cache_secret"])
def test_nothing_is_sent_without_address_and_secret(database: Pglite, entry: str) -> None:
    """Without an address it would go nowhere; without a secret nobody would know the sender."""
    database.run("begin; insert into vault.secrets values ('edge_cache_url', 'https://a.example')")
    database.run(
        f"delete from vault.secrets where name = '{entry}'; truncate net.http_request_queue"
    )
    database.run("insert into events values (1)")
    assert database.run("select * from net.sent") == []
    assert database.run("select keys from edge_cache.outbox") == [{"keys": [1]}]
    database.run("rollback")


@pytest.fixture
def full(database: Pglite) -> Iterator[Pglite]:
    """Return the database with an outbox that refuses every row, and an address to send to."""
    database.run("""
        insert into vault.secrets values ('edge_cache_url', 'https://edge.example');
        truncate net.http_request_queue;
        alter table edge_cache.outbox add constraint is_full check (false);
    """)
    yield database
    database.run("""
        alter table edge_cache.outbox drop constraint if exists is_full;
        delete from vault.secrets where name = 'edge_cache_url';
    """)


def test_what_cannot_be_written_down_is_sent(full: Pglite) -> None:
    """It has its keys, but no number. The writer gets a warning without anything of a row."""
    full.run("insert into events values (17, 'private')")
    (warning,) = full.warnings
    assert warning.startswith("The edge cache cannot write down this change (SQLSTATE 23514)")
    assert full.value("select count(*) from events") == 1
    assert full.value("select body from net.sent") == {
        "type": "INSERT",
        "schema": "public",
        "table": "events",
        "key": "id",
        "id": None,
        "keys": [17],
    }


def test_what_was_not_written_down_makes_one_answer_incomplete(full: Pglite) -> None:
    """The request for the change may be lost, too."""
    before = ask(full)["cursor"]
    full.run("insert into events values (1)")
    full.run("alter table edge_cache.outbox drop constraint is_full")
    full.run("insert into events values (2)")
    told = ask(full, before)
    assert told["complete"] is False
    assert ask(full, told["cursor"])["complete"] is True
    assert ask(full, before)["complete"] is False, "the answer may have been lost"


@pytest.mark.parametrize(
    "broken",
    [
        "drop table edge_cache.outbox cascade",
        "drop schema net cascade",
        "drop sequence edge_cache.gaps",
        "drop schema vault cascade",
        "drop function edge_cache.note_gap",
        "drop function edge_cache.send",
        "drop function edge_cache.new_number cascade",
        "drop function edge_cache.touched_query",
        "drop function edge_cache.is_told",
    ],
)
def test_whatever_is_broken_stops_no_writer(full: Pglite, broken: str) -> None:
    """The writer gets a warning."""
    full.run(f"begin; {broken}; insert into events values (1)")
    assert all(warning.startswith("The edge cache") for warning in full.warnings)
    assert full.warnings
    assert full.value("select count(*) from events") == 1
    full.run("rollback")


READ_ONLY = "set_config('transaction_read_only', 'on', true)"


@pytest.mark.parametrize(
    "statement",
    [
        f"insert into events values (1, {READ_ONLY})",
        f"update events set title = {READ_ONLY}",
        f"delete from events where {READ_ONLY} = 'on'",
    ],
)
def test_a_statement_that_makes_its_transaction_read_only_is_refused(
    database: Pglite, statement: str
) -> None:
    """Its change could not be written down or noted. The error says so."""
    database.run("insert into events values (0, 'before')")
    before = database.run("table events")
    with pytest.raises(SqlError, match="25006: This statement changes a table that the edge cache"):
        database.run(statement)
    assert database.run("table events") == before


def test_a_read_only_transaction_that_changes_nothing_notices_nothing(database: Pglite) -> None:
    """The same holds if it becomes read-only after its change was written down."""
    cursor = ask(database)["cursor"]
    database.run("insert into events values (1)")
    for statement in (
        f"begin; update events set title = 'x' where id = 2 and {READ_ONLY} = 'on'; commit",
        f"begin; insert into events values (3); select {READ_ONLY}; commit",
        "begin read only; select * from events; commit",
    ):
        database.run(statement)
    assert sorted(changes_since(database, cursor)) == [("events", [1]), ("events", [3])]
