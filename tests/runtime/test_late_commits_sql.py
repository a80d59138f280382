"""The outbox with several writers at once, on a Postgres server: no commit is too late for it.

PGlite has only one session, so these tests need a server's programs (`apt-get install postgresql`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from postgres import SUPERUSER, Postgres, Session, postgres, server_programs

from edge_cache.tables import Declared, Table
from shared import edge_sql

PROGRAMS = server_programs()

pytestmark = pytest.mark.skipif(
    PROGRAMS is None, reason="needs a Postgres server: apt-get install postgresql"
)

SCHEMA = """
  create table events (id int primary key, day int);
  do $$ begin
    perform vault.create_secret('right', 'edge_cache_secret');
    perform vault.create_secret('https://edge.example/revalidate', 'edge_cache_url');
  end $$;
"""

SCRIPT = edge_sql.installing(Declared((Table("events"),)))


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Return a server with the script."""
    assert PROGRAMS
    with postgres(PROGRAMS) as server:
        said = server.connect().run(SCHEMA + SCRIPT)
        assert "ERROR" not in said
        yield server


@pytest.fixture
def reader(server: Postgres) -> Iterator[Session]:
    """Return the session that asks. The table and the outbox are empty."""
    with server.session() as session:
        session.run("truncate events; truncate edge_cache.outbox")
        yield session


@pytest.fixture
def early(server: Postgres) -> Iterator[Session]:
    """Return a writer that begins early."""
    with server.session() as session:
        yield session


@pytest.fixture
def late(server: Postgres) -> Iterator[Session]:
    """Return a writer that begins late."""
    with server.session() as session:
        yield session


@pytest.fixture
def locking(server: Postgres) -> Iterator[Session]:
    """Return a session that locks what writers need."""
    with server.session() as session:
        yield session


def ask(reader: Session, after: str) -> tuple[str, list[Any]]:
    """Return the next cursor, and the keys that changed since this one."""
    told = json.loads(reader.run(f"select public.edge_cache_changes('right', '{after}')"))
    return told["cursor"], sorted(key for change in told["changes"] for key in change["keys"])


def is_complete(reader: Session, after: str) -> bool:
    """Return whether the answer since this cursor is complete."""
    told = json.loads(reader.run(f"select public.edge_cache_changes('right', '{after}')"))
    complete: bool = told["complete"]
    return complete


def insert(number: int) -> str:
    """Return a statement that adds an event."""
    return f"insert into events values ({number}, 0)"


def test_a_transaction_that_commits_late_is_told_once(
    reader: Session, early: Session, late: Session
) -> None:
    """Transactions with higher numbers were reported before it."""
    before, _ = ask(reader, "")
    early.run(f"begin; {insert(1)}")
    late.run(insert(2))
    cursor, keys = ask(reader, before)
    assert keys == [2]
    early.run(f"{insert(3)}; commit")
    cursor, keys = ask(reader, cursor)
    assert keys == [1, 3]
    assert ask(reader, cursor)[1] == []
    assert ask(reader, before)[1] == [1, 2, 3]


def test_a_transaction_that_was_open_at_the_first_question_is_told(
    reader: Session, early: Session, late: Session
) -> None:
    """A transaction that was rolled back is never reported."""
    early.run(f"begin; {insert(1)}")
    late.run(f"begin; {insert(2)}")
    cursor, _ = ask(reader, "")
    early.run("commit")
    late.run("rollback")
    assert ask(reader, cursor)[1] == [1]


def test_what_a_savepoint_keeps_is_told_with_its_transaction(
    reader: Session, early: Session
) -> None:
    """Subtransactions have numbers of their own, and no snapshot can say whether it shows them."""
    cursor, _ = ask(reader, "")
    early.run(f"begin; savepoint a; {insert(1)}; savepoint b; {insert(2)}; rollback to b")
    cursor, keys = ask(reader, cursor)
    assert keys == []
    early.run("release a; commit")
    assert ask(reader, cursor)[1] == [1]


def test_the_answer_shows_one_moment(reader: Session, early: Session) -> None:
    """A reader in an older snapshot gets the answer and the cursor of that snapshot."""
    cursor, _ = ask(reader, "")
    reader.run("begin isolation level repeatable read; select")
    early.run(insert(1))
    cursor, keys = ask(reader, cursor)
    reader.run("commit")
    assert keys == []
    assert ask(reader, cursor)[1] == [1]


def test_writers_do_not_wait_for_each_other(reader: Session, early: Session, late: Session) -> None:
    """A writer skips rows of the outbox that another writer is just removing."""
    early.run(f"begin; {insert(1)}")
    late.run(f"begin; {insert(2)}")
    # Only now, because one insert of a hundred removes old rows by itself.
    reader.run("""
        insert into edge_cache.outbox (transaction, written_at, schema_name, table_name)
        select '3', now() - interval '3 days', 'public', 'events' from generate_series(1, 25)
    """)
    early.run("select edge_cache.prune(10)")
    assert late.run("select edge_cache.prune(20)") == ""
    old = "written_at < now() - interval '1 day'"
    assert late.run(f"select count(*) from edge_cache.outbox where {old}") == "15"
    early.run("commit")
    late.run("commit")
    assert reader.run(f"select count(*) from edge_cache.outbox where {old}") == "5"


LOCKED = "begin; lock table edge_cache.outbox in share mode"  # as REINDEX takes it


def test_a_writer_does_not_wait_for_the_outbox(
    reader: Session, early: Session, late: Session
) -> None:
    """It waits half a second at most. The next answer says that it is not complete."""
    cursor, _ = ask(reader, "")
    early.run(LOCKED)
    assert "55P03" in late.run(f"set statement_timeout = '5s'; {insert(1)}")
    early.run("commit")
    assert reader.run("select count(*) from events") == "1"
    assert not is_complete(reader, cursor)


def test_ddl_does_not_wait_for_the_outbox(
    server: Postgres, reader: Session, early: Session, late: Session
) -> None:
    """Longer than half a second. Whoever runs it is warned."""
    superuser = server.connect(SUPERUSER)
    trigger = "on ddl_command_end execute function edge_cache.note_ddl()"
    superuser.run(f"create event trigger edge_cache_ddl {trigger}")
    cursor, _ = ask(reader, "")
    early.run(LOCKED)
    said = late.run("set statement_timeout = '5s'; create table other (); drop table other")
    early.run("commit")
    superuser.run("drop event trigger edge_cache_ddl")
    warned = "WARNING:  The edge cache learns of this change of the schema late (SQLSTATE 55P03)."
    assert said == warned
    assert is_complete(reader, cursor)


def test_what_was_not_written_down_counts_when_it_commits(
    reader: Session, early: Session, late: Session
) -> None:
    """It counts even if somebody asks several times before."""
    early.run(LOCKED)
    late.run(f"begin; {insert(1)}")
    early.run(f"commit; {insert(2)}")
    cursor, _ = ask(reader, "")
    cursor, _ = ask(reader, cursor)
    assert is_complete(reader, cursor)
    late.run("commit")
    assert not is_complete(reader, cursor)
    cursor, _ = ask(reader, cursor)
    assert is_complete(reader, cursor)


def test_of_several_that_were_not_written_down_each_counts(
    locking: Session, reader: Session, early: Session, late: Session
) -> None:
    """Even a change with a lower number counts, which commits later."""
    locking.run(LOCKED)
    early.run(f"begin; {insert(1)}")
    late.run(f"begin; {insert(2)}")
    locking.run("commit")
    late.run("commit")
    cursor, _ = ask(reader, "")
    assert is_complete(reader, cursor)
    early.run("commit")
    assert not is_complete(reader, cursor)


def test_the_highest_counts_though_a_lower_one_is_noted_last(
    locking: Session, reader: Session, early: Session, late: Session
) -> None:
    """The change with the higher number may commit later."""
    early.run("begin; select pg_current_xact_id()")
    locking.run(LOCKED)
    late.run(f"begin; {insert(2)}")
    early.run(insert(1))
    locking.run("commit")
    early.run("commit")
    cursor, _ = ask(reader, "")
    late.run("commit")
    assert not is_complete(reader, cursor)


NOTING = """
  do $$
  declare
    lost int := 0;
  begin
    for n in 1..2000 loop
      perform edge_cache.note_gap();
      lost := lost + (
        select count(*) from edge_cache.gaps where last_value < pg_current_xact_id()::text::bigint
      );
      commit;
    end loop;
    raise notice '% lost', lost;
  end
  $$
"""


def test_none_is_lost_though_many_are_noted_at_once(server: Postgres) -> None:
    """The sequence never falls below the number of a noted transaction."""
    sessions = [server.connect() for _ in range(8)]
    with ThreadPoolExecutor(len(sessions)) as pool:
        said = list(pool.map(lambda session: session.run(NOTING), sessions))
    assert said == ["NOTICE:  0 lost"] * len(sessions)


def test_whoever_notes_a_gap_holds_no_lock_afterwards(early: Session, late: Session) -> None:
    """It holds none until it commits, and none in a session that goes on.

    This holds if it is cancelled, too.
    """
    early.run("begin; select edge_cache.note_gap()")
    assert late.run("set statement_timeout = '2s'; select edge_cache.note_gap()") == ""
    late.run("begin; lock table edge_cache.gap_lock")
    assert "canceling" in early.run("set statement_timeout = '50ms'; select edge_cache.note_gap()")
    late.run("commit")
    assert late.run("select edge_cache.note_gap()") == ""
    held = "select count(*) from pg_locks where relation = 'edge_cache.gap_lock'::regclass"
    assert late.run(held) == "0"
    early.run("rollback; reset statement_timeout")


def test_the_script_waits_for_no_writer_when_it_runs_again(reader: Session, early: Session) -> None:
    """The triggers already exist."""
    early.run(f"begin; {insert(1)}")
    said = reader.run(SCRIPT.replace("'10s'", "'100ms'"))
    early.run("commit")
    assert "not watched" not in said
    assert "ERROR" not in said


def test_writers_of_serializable_transactions_do_not_fail_each_other(
    reader: Session, early: Session, late: Session
) -> None:
    """The two have nothing in common but the outbox."""
    for writer, first in ((early, 1000), (late, 2000)):
        many = f"insert into events select n, 0 from generate_series({first}, {first} + 100) as n"
        assert writer.run(f"begin isolation level serializable; {many}") == ""
    assert early.run(insert(1)) == ""
    assert late.run(insert(2)) == ""
    assert early.run("commit") == ""
    assert late.run("commit") == ""
    assert reader.run("select count(*) from events") == "204"
