"""The script of `npm run sql` as a whole: run again, over an earlier version, and removed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

TABLES = """
  drop table if exists events, notes, parts, parts_1;
  delete from vault.secrets;
  create table events (id int primary key, slug text unique);
  create table notes (id int primary key);
  create table parts (id int primary key) partition by range (id);
  create table parts_1 partition of parts for values from (0) to (10);
  insert into vault.secrets values ('edge_cache_secret', 'right'), ('another', 'stays');
"""

EARLIER = """
  create schema edge_cache;
  create function edge_cache.new_number() returns bigint language sql as 'select 1::bigint';
  create table edge_cache.outbox (id bigint default edge_cache.new_number(), name text not null);
  create function edge_cache.announce() returns trigger language plpgsql as $$
    begin raise exception 'still there'; end
  $$;
  create trigger edge_cache_insert after insert on events
    for each statement execute function edge_cache.announce('public', 'events', 'id');
  create trigger edge_cache_insert after insert on parts
    for each statement execute function edge_cache.announce('public', 'parts', 'id');
  create function edge_cache.notify() returns trigger language plpgsql as $$
    begin raise exception 'still there'; end
  $$;
  create trigger edge_cache_notify after insert or update or delete on events
    for each row execute function edge_cache.notify();
  create function edge_cache.check() returns table (other text) language sql as 'select null';
  create trigger other_name after insert on notes for each row execute function edge_cache.notify();
"""

EVENTS, NOTES, PARTS = Table("events"), Table("notes"), Table("parts")

KINDS = ["delete", "insert", "truncate", "update"]


@pytest.fixture(scope="module")
def running() -> Iterator[Pglite]:
    """Return a database."""
    with pglite() as database:
        yield database


@pytest.fixture
def database(running: Pglite) -> Pglite:
    """Return it without the script, with new tables."""
    running.run(edge_sql.removing() + TABLES)
    return running


def install(database: Pglite, *tables: Table, watched: tuple[str, ...] = ()) -> list[str]:
    """Run the script for these tables and return its warnings."""
    declared = Declared(tables, watched=tuple((name, "public") for name in watched))
    database.run(edge_sql.installing(declared))
    return [warning for warning in database.warnings if not warning.startswith("pg_net")]


def triggers(database: Pglite) -> dict[str, list[str]]:
    """Return the names of each table's triggers, without the common beginning."""
    found = database.run("""
        select tgrelid::regclass::text as table,
          json_agg(replace(tgname, 'edge_cache_', '') order by tgname) as names
        from pg_trigger where not tgisinternal group by tgrelid
    """)
    return {row["table"]: row["names"] for row in found}


def test_exactly_the_declared_tables_are_watched(database: Pglite) -> None:
    """The script may run several times, and other tables may have been declared before."""
    assert install(database, EVENTS) == []
    assert install(database, EVENTS) == []
    assert triggers(database) == {"events": KINDS}
    assert install(database, NOTES, watched=("events",)) == []
    assert triggers(database) == {"events": KINDS, "notes": KINDS}
    assert install(database, NOTES) == []
    assert triggers(database) == {"notes": KINDS}


def test_a_new_partition_is_watched_once_the_script_ran_again(database: Pglite) -> None:
    """A partition that was detached is no longer watched."""
    install(database, PARTS)
    whole = triggers(database)
    assert whole["parts"] == KINDS
    assert len(whole["parts_1"]) == len(KINDS)
    database.run("""
        create table parts_2 partition of parts for values from (10) to (20);
        alter table parts detach partition parts_1;
    """)
    assert install(database, PARTS) == []
    assert set(triggers(database)) == {"parts", "parts_2"}


def test_many_partitions_are_looked_up_in_a_hash_table(database: Pglite) -> None:
    """The Worker asks every minute, and it would take a second to compare each with each."""
    install(database, PARTS)
    plan = database.run("explain select from edge_cache.missing_triggers")
    assert "hashed SubPlan" in str(plan)


def test_a_partition_may_be_declared_beside_its_whole(database: Pglite) -> None:
    """It then reports changes of both."""
    install(database, PARTS, Table("parts_1"))
    database.run("insert into parts_1 values (1)")
    told = database.run("select table_name, keys from edge_cache.outbox order by table_name")
    assert told == [{"table_name": name, "keys": [1]} for name in ("parts", "parts_1")]


def test_a_new_key_is_told_after_the_script_ran_again(database: Pglite) -> None:
    """The new key replaces the former one."""
    install(database, EVENTS)
    install(database, Table("events", key="slug"))
    database.run("insert into events values (1, 'one')")
    assert database.value("select keys from edge_cache.outbox") == ["one"]


def test_a_table_that_is_not_there_keeps_no_other_from_its_triggers(database: Pglite) -> None:
    """It was dropped, or never made. The script's last answer names it."""
    install(database, EVENTS, NOTES, Table("never"))
    database.run("drop table notes")
    install(database, EVENTS, NOTES, Table("never"))
    assert triggers(database) == {"events": KINDS}
    script = edge_sql.installing(Declared((EVENTS, NOTES, Table("never"))))
    missing = [row["object"] for row in database.run(script) if "does not exist" in row["finding"]]
    assert missing == ["public.never", "public.notes"]


def test_triggers_that_are_there_are_left_alone(database: Pglite) -> None:
    """To replace a trigger locks its table. But a trigger with another function is replaced."""
    install(database, EVENTS, PARTS)
    made = "select tgname, oid, xmin::text from pg_trigger order by 1, 2"
    before = database.run(made)
    install(database, EVENTS, PARTS)
    assert database.run(made) == before
    database.run("""
        create function nothing() returns trigger language plpgsql as 'begin return null; end';
        create or replace trigger edge_cache_insert after insert on events
          for each statement execute function nothing();
    """)
    install(database, EVENTS, PARTS)
    database.run("drop function nothing; truncate edge_cache.outbox")
    database.run("insert into events values (1)")
    assert database.value("select keys from edge_cache.outbox") == [1]


def test_a_disabled_trigger_is_enabled_again(database: Pglite) -> None:
    """The next run does it."""
    install(database, EVENTS)
    database.run("alter table events disable trigger all")
    install(database, EVENTS)
    database.run("truncate edge_cache.outbox; insert into events values (1)")
    assert database.value("select keys from edge_cache.outbox") == [1]


@pytest.mark.parametrize("again", [edge_sql.removing(), ""])
def test_nobody_goes_on_from_before_the_script_ran(database: Pglite, again: str) -> None:
    """A table without triggers may have changed before. What was written to the outbox stays."""
    install(database, EVENTS)
    call = "select public.edge_cache_changes('right', {})"
    cursor = database.value(call.format("null"))["cursor"]
    assert database.value(call.format(f"'{cursor}'"))["complete"] is True
    database.run("insert into events values (1); insert into notes values (1)")
    database.run(again + TABLES if again else "")
    install(database, EVENTS, NOTES)
    assert database.value(call.format(f"'{cursor}'"))["complete"] is False
    assert database.value("select count(*) from edge_cache.outbox") == (0 if again else 1)


def test_an_earlier_version_is_replaced(database: Pglite) -> None:
    """Its triggers and its function are removed, on all tables."""
    database.run(EARLIER)
    install(database, EVENTS)
    assert triggers(database) == {"events": KINDS}
    for function in ("notify", "announce", "new_number"):
        assert database.value(f"select to_regproc('edge_cache.{function}')") is None
    database.run("truncate edge_cache.outbox; insert into events values (1)")
    assert database.value("select keys from edge_cache.outbox") == [1]


def test_removal_leaves_nothing(database: Pglite) -> None:
    """It removes schema, functions, triggers and secrets, but nothing that is not ours.

    It may run twice.
    """
    before = everything(database)
    install(database, EVENTS, NOTES, PARTS)
    assert everything(database) != before
    database.run(edge_sql.removing())
    database.run(edge_sql.removing())
    assert everything(database) == before
    assert database.run("select name from vault.secrets") == [{"name": "another"}]


def test_removal_needs_no_vault(database: Pglite) -> None:
    """If the project has no Vault, there is nothing in it."""
    install(database, EVENTS)
    database.run("alter schema vault rename to elsewhere")
    database.run(edge_sql.removing())
    database.run("alter schema elsewhere rename to vault")
    assert triggers(database) == {}


def test_every_function_has_a_search_path_of_its_own(database: Pglite) -> None:
    """Only Postgres itself can put something into it."""
    install(database, EVENTS)
    paths = database.run("""
        select proname, proconfig from pg_proc
        where pronamespace = 'edge_cache'::regnamespace or proname like 'edge\\_cache\\_%'
    """)
    assert len(paths) > 20
    safe = {"search_path=pg_catalog, pg_temp", 'search_path=""'}
    assert [row["proname"] for row in paths if not safe & set(row["proconfig"] or ())] == []


def test_no_function_changes_the_callers_settings(database: Pglite) -> None:
    """Neither does the function that the Worker calls, nor the trigger."""
    install(database, EVENTS)
    settings = "select json_object_agg(name, setting) from pg_settings where name <> 'is_superuser'"
    database.run("set search_path = public, vault; grant select on events to anon")
    before = database.value(settings)
    database.run("""
        select public.edge_cache_changes('right'), public.edge_cache_check('right'),
          public.edge_cache_snapshot('public', 'events', 'id');
        insert into events values (1)
    """)
    after = database.value(settings)
    database.run("reset search_path")
    assert after == before
    assert after["search_path"] == "public, vault"


def everything(database: Pglite) -> list[dict[str, object]]:
    """Return every object that does not belong to the system."""
    return database.run("""
        select 'schema' as kind, nspname::text as name from pg_namespace
        union all select 'relation', oid::regclass::text from pg_class where oid >= 16384
        union all select 'function', oid::regprocedure::text from pg_proc where oid >= 16384
        union all select 'trigger', tgname from pg_trigger
        order by kind, name
    """)
