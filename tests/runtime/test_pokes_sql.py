"""The pokes of `npm run sql`: one for each transaction that changes something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import WITHOUT_EVENT_TRIGGERS, Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

TABLES = """
  create table events (id int primary key, title text);
  insert into vault.secrets values
    ('edge_cache_secret', 'right'), ('edge_cache_url', 'https://edge.example/revalidate');
"""

INSERT = "insert into events select count(*) from events"


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


def pokes(database: Pglite, sql: str) -> int:
    """Run statements, and return how many pokes they send."""
    database.run(sql)
    count: int = database.value("select count(*) from net.http_request_queue")
    return count


def test_a_poke_says_nothing(database: Pglite) -> None:
    """Every role of the database can read it. The first change keeps its number."""
    database.run(INSERT)
    assert database.run("select url, headers, body, timeout from net.sent") == [
        {
            "url": "https://edge.example/revalidate",
            "headers": {"content-type": "application/json"},
            "body": {},
            "timeout": 5000,
        }
    ]
    sent = "select request = (select max(id) from net.sent) as is_it from edge_cache.outbox"
    assert database.run(sent) == [{"is_it": True}]


@pytest.mark.parametrize(
    ("statements", "count"),
    [
        (f"begin; {INSERT}; {INSERT}; update events set title = 'x'; commit", 1),
        (f"{INSERT}; {INSERT}", 1),  # one transaction, because they come as one text
        (f"begin; {INSERT}; commit; begin; {INSERT}; commit", 2),
        (f"begin; {INSERT}; rollback", 0),
        (f"begin; {INSERT}; commit; begin; {INSERT}; rollback", 1),
        ("delete from events; update events set title = 'x'", 0),
    ],
)
def test_a_transaction_pokes_once(database: Pglite, statements: str, count: int) -> None:
    """If it changes something, and if it commits."""
    assert pokes(database, statements) == count


@pytest.mark.parametrize(
    "statements",
    [
        f"savepoint a; {INSERT}; rollback to a; {INSERT}",
        f"savepoint a; {INSERT}; release a; {INSERT}",
        f"{INSERT}; savepoint a; {INSERT}; rollback to a; {INSERT}",
        f"savepoint a; savepoint b; {INSERT}; release b; rollback to a; {INSERT}",
        f"""do $$ begin
              begin {INSERT}; raise 'no'; exception when others then null; end;
              {INSERT};
            end $$""",
    ],
)
def test_a_savepoint_loses_no_poke(database: Pglite, statements: str) -> None:
    """What it takes back, the next change does again."""
    assert pokes(database, f"begin; {statements}; commit") == 1


def test_a_poke_is_lost_only_with_its_change(database: Pglite) -> None:
    """Of a transaction whose only change was taken back."""
    assert pokes(database, f"begin; savepoint a; {INSERT}; rollback to a; commit") == 0


@pytest.mark.parametrize(
    "broken",
    [
        "delete from vault.secrets",
        "drop schema vault cascade",
        "drop schema net cascade",
        "alter table net.http_request_queue add check (url is null)",
    ],
)
def test_a_poke_that_fails_only_warns(database: Pglite, broken: str) -> None:
    """Once in a transaction. The changes are in the outbox."""
    database.run(f"begin; {broken}; {INSERT}; {INSERT}")
    (warning,) = database.warnings
    assert warning.startswith("The edge cache learns of this change late")
    changes = database.run("select keys, request from edge_cache.outbox order by id")
    assert changes == [{"keys": [0], "request": None}, {"keys": [1], "request": None}]
    database.run("rollback")


def test_an_empty_address_is_none(database: Pglite) -> None:
    """Nothing is sent to nowhere."""
    empty = "update vault.secrets set secret = '' where name = 'edge_cache_url'"
    assert pokes(database, f"begin; {empty}; {INSERT}") == 0
    database.run("rollback")


def test_a_writer_can_only_delay_the_worker(database: Pglite) -> None:
    """If it pretends to have poked, the change is in the outbox all the same."""
    pretending = "set_config('edge_cache.poked', pg_current_xact_id()::text, true)"
    assert pokes(database, f"begin; select {pretending}; {INSERT}; commit") == 0
    assert database.value("select keys from edge_cache.outbox") == [0]
