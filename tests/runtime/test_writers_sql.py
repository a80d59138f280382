"""Nothing that goes wrong while a change is written down fails a writer's statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pglite import WITHOUT_EVENT_TRIGGERS, Pglite, SqlError, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

TABLES = """
  create table events (id int primary key, title text);
  insert into vault.secrets values
    ('edge_cache_secret', 'right'), ('edge_cache_url', 'https://edge.example');
"""


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database with the script."""
    with pglite() as database:
        script = edge_sql.installing(Declared((Table("events"),)))
        database.run(TABLES + script + WITHOUT_EVENT_TRIGGERS)
        yield database


@pytest.fixture
def database(installed: Pglite) -> Pglite:
    """Return it with an empty table, an empty outbox, and nothing sent."""
    installed.run("truncate events; truncate edge_cache.outbox, net.http_request_queue")
    return installed


def ask(database: Pglite, after: str | None = None) -> dict[str, Any]:
    """Return what changed since a cursor."""
    cursor = "null" if after is None else f"'{after}'"
    told: dict[str, Any] = database.value(f"select public.edge_cache_changes('right', {cursor})")
    return told


def changes_since(database: Pglite, after: str) -> list[tuple[str, Any]]:
    """Return (table, keys) of what changed since a cursor."""
    told = ask(database, after)
    assert told["complete"] is True
    return [(change["table"], change["keys"]) for change in told["changes"]]


@pytest.fixture
def full(database: Pglite) -> Iterator[Pglite]:
    """Return the database with an outbox that takes nothing, and an address to send to."""
    database.run("alter table edge_cache.outbox add constraint is_full check (false)")
    yield database
    database.run("alter table edge_cache.outbox drop constraint if exists is_full")


def test_what_cannot_be_written_down_pokes_all_the_same(full: Pglite) -> None:
    """The writer is warned, without a row's content."""
    full.run("insert into events values (17, 'private')")
    (warning,) = full.warnings
    assert warning.startswith("The edge cache cannot write down this change (SQLSTATE 23514)")
    assert full.value("select count(*) from events") == 1
    assert full.value("select count(*) from net.sent") == 1


def test_what_was_not_written_down_makes_one_answer_incomplete(full: Pglite) -> None:
    """Nobody knows which rows changed."""
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
        "drop function edge_cache.announce_otherwise",
        "drop function edge_cache.begin_changes",
        "drop function edge_cache.poke",
        "drop sequence edge_cache.change_numbers cascade",
    ],
)
def test_whatever_is_broken_stops_no_writer(full: Pglite, broken: str) -> None:
    """Who is warned."""
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
    """As its change could neither be written down nor noted; the error says so."""
    database.run("insert into events values (0, 'before')")
    before = database.run("table events")
    with pytest.raises(SqlError, match="25006: This statement changes a table that the edge cache"):
        database.run(statement)
    assert database.run("table events") == before


def test_a_read_only_transaction_that_changes_nothing_notices_nothing(database: Pglite) -> None:
    """Nor one that becomes so after its change was written down."""
    cursor = ask(database)["cursor"]
    database.run("insert into events values (1)")
    for statement in (
        f"begin; update events set title = 'x' where id = 2 and {READ_ONLY} = 'on'; commit",
        f"begin; insert into events values (3); select {READ_ONLY}; commit",
        "begin read only; select * from events; commit",
    ):
        database.run(statement)
    assert sorted(changes_since(database, cursor)) == [("events", [1]), ("events", [3])]
