"""The triggers of `npm run sql`, on a real Postgres: what they write down for which statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pglite import WITHOUT_EVENT_TRIGGERS, Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

DECLARED = Declared(
    (
        Table("documents", key="uuid$"),
        Table("Läden", key="Größe ID", schema="Shop$"),
        Table("events"),
        Table("missing"),
    ),
    watched=(("authors", "public"),),
)
"""A table of UUIDs; one with an odd key in an odd schema; a partitioned one; none; one that is read
by others only."""

TABLES = """
  create table documents (uuid$ uuid primary key, title text, secret text default 'private text');
  create schema "Shop$";
  create table "Shop$"."Läden" ("Größe ID" text primary key, parent text references "Shop$"."Läden"
    on delete cascade on update cascade);
  create table events (id bigint primary key, day int) partition by range (id);
  create table events_1 partition of events for values from (0) to (100000);
  create table events_2 partition of events for values from (100000) to (200000)
    partition by range (id);
  create table events_2a partition of events_2 for values from (100000) to (200000);
  create table authors (id int primary key);
  create table others (id int primary key);
"""

VAULT = """
  insert into vault.secrets values
    ('edge_cache_url', 'https://edge.example/revalidate'), ('edge_cache_secret', 'from-vault');
"""

SCRIPT = edge_sql.installing(DECLARED) + WITHOUT_EVENT_TRIGGERS


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database in which the script was run twice."""
    with pglite() as database:
        database.run(TABLES + VAULT)
        database.run(SCRIPT)
        database.run(SCRIPT)
        yield database


@pytest.fixture
def database(installed: Pglite) -> Pglite:
    """Return it with empty tables, of which nothing was told yet."""
    installed.run('truncate documents, events, authors, others, "Shop$"."Läden"')
    return forget(installed)


def forget(database: Pglite) -> Pglite:
    """Have nothing told so far."""
    database.run("truncate net.http_request_queue, edge_cache.outbox")
    return database


def told(database: Pglite, sql: str) -> list[tuple[str, Any]]:
    """Run statements and return (table, keys) of what was written down for them."""
    forget(database)
    database.run(sql)
    changes = database.run("select table_name, keys from edge_cache.outbox order by id")
    return [(one["table_name"], one["keys"] and sorted(one["keys"])) for one in changes]


def events(count: int) -> str:
    """Return a statement that adds so many events."""
    return f"insert into events select n, n from generate_series(1, {count}) as n"


def test_a_row_is_told_by_its_key_alone(database: Pglite) -> None:
    """As the API spells it; no other column is written down."""
    row_id = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    database.run(f"insert into documents values ('{row_id.upper()}', 'private title')")
    (change,) = database.run("select * from edge_cache.outbox")
    told = ("schema_name", "table_name", "key_column", "keys")
    assert [change[name] for name in told] == ["public", "documents", "uuid$", [row_id]]
    assert "private" not in str(change)


@pytest.mark.parametrize(
    ("count", "is_named"), [(1, True), (100, True), (101, False), (1000, False)]
)
def test_a_statement_is_one_change(database: Pglite, count: int, is_named: bool) -> None:
    """However many rows it touches; of more than a hundred, all count as changed."""
    keys = list(range(1, count + 1)) if is_named else None
    assert told(database, events(count)) == [("events", keys)]
    assert told(database, "update events set day = 0") == [("events", keys)]
    assert told(database, "delete from events") == [("events", keys)]


def test_a_statement_that_touches_no_row_is_none(database: Pglite) -> None:
    """As nothing changed."""
    nothing = "update events set day = 0 where false; delete from events"
    assert told(database, f"{nothing}; insert into events select 1, 1 where false") == []


def test_a_changed_key_is_told_old_and_new(database: Pglite) -> None:
    """In one list, each once."""
    database.run(events(2))
    assert told(database, "update events set id = id + 1 where id = 2") == [("events", [2, 3])]
    database.run(events(100) + " on conflict do nothing")
    assert told(database, "update events set id = id + 1000") == [("events", None)]


def test_a_row_that_moves_between_partitions_is_told_old_and_new(database: Pglite) -> None:
    """By the statement on the whole."""
    database.run(events(1))
    assert told(database, "update events set id = 100001") == [("events", [1, 100001])]


def test_odd_names_are_told_as_they_are(database: Pglite) -> None:
    """Of schema, table and key."""
    assert told(database, """insert into "Shop$"."Läden" values ('Ä"b''c')""") == [
        ("Läden", ["Ä\"b'c"])
    ]
    assert database.value("select schema_name from edge_cache.outbox") == "Shop$"


def test_an_upsert_tells_what_it_did(database: Pglite) -> None:
    """Inserted and updated rows, each as a change of its own."""
    database.run(events(1))
    upsert = events(2) + " on conflict (id) do update set day = 7"
    assert sorted(told(database, upsert)) == [("events", [1]), ("events", [2])]


def test_a_merge_tells_what_it_did(database: Pglite) -> None:
    """One change for each kind of statement."""
    database.run(events(2))
    merge = """
      merge into events using (values (1), (2), (3)) as source (n) on n = id
      when matched and n = 1 then delete
      when matched then update set day = 9
      when not matched then insert values (n, n)
    """
    assert sorted(told(database, merge)) == [
        ("events", [1]),
        ("events", [2]),
        ("events", [3]),
    ]


def test_a_cascade_is_told(database: Pglite) -> None:
    """Rows that another row takes along, or renames."""
    shop = '"Shop$"."Läden"'
    database.run(f"insert into {shop} values ('a'), ('b'); insert into {shop} values ('c', 'a')")
    renaming = f"""update {shop} set "Größe ID" = 'z' where "Größe ID" = 'a'"""
    assert {key for _, keys in told(database, renaming) for key in keys} == {"a", "z", "c"}
    told_of = told(database, f"""delete from {shop} where "Größe ID" = 'z'""")
    assert {key for _, keys in told_of for key in keys} == {"z", "c"}


def test_truncate_tells_that_any_row_may_have_changed(database: Pglite) -> None:
    """Each partition's trigger says the same."""
    database.run(events(3))
    assert set(told(database, "truncate events")) == {("events", None)}


@pytest.mark.parametrize("partition", ["events_2", "events_2a"])
def test_a_statement_on_a_partition_is_told_of_the_whole(database: Pglite, partition: str) -> None:
    """As that is what readers know."""
    assert told(database, f"insert into {partition} values (100001)") == [("events", [100001])]
    assert told(database, f"update {partition} set day = 1") == [("events", [100001])]
    assert told(database, f"delete from {partition}") == [("events", [100001])]
    assert set(told(database, f"truncate {partition}")) == {("events", None)}


def test_what_is_rolled_back_is_not_told(database: Pglite) -> None:
    """The whole transaction, or what came after a savepoint."""
    assert told(database, f"begin; {events(3)}; rollback") == []
    partly = "savepoint a; insert into events values (7); rollback to a"
    assert told(database, f"begin; insert into events values (6); {partly}; commit") == [
        ("events", [6])
    ]


def test_each_statement_of_a_transaction_is_told(database: Pglite) -> None:
    """With its own keys."""
    statements = "insert into events values (1); insert into events values (2)"
    assert told(database, f"begin; {statements}; delete from events where id = 1; commit") == [
        ("events", [1]),
        ("events", [2]),
        ("events", [1]),
    ]


def test_a_watched_table_tells_no_keys(database: Pglite) -> None:
    """As it has no rows with a path of their own; tables that are not declared tell nothing."""
    assert told(database, "insert into others values (1)") == []
    assert told(database, "insert into authors values (1)") == [("authors", None)]
    assert database.value("select key_column from edge_cache.outbox") is None


def test_keys_that_are_null_or_gone_are_not_told(database: Pglite) -> None:
    """Any row may have changed then."""
    database.run("create table if not exists flags (id int)")
    database.run(
        edge_sql.installing(Declared((Table("flags"), *DECLARED.tables), watched=DECLARED.watched))
    )
    for values in ("(null)", "(1), (null)"):
        assert told(database, f"insert into flags values {values}") == [("flags", None)]
    database.run("alter table flags rename id to other")
    assert told(database, "insert into flags values (1)") == [("flags", None)]
    assert told(database, "update flags set other = 2") == [("flags", None)]
    database.run(SCRIPT)


def test_a_key_that_no_path_has_room_for_is_not_told(database: Pglite) -> None:
    """The Worker does not serve it."""
    shop = '"Shop$"."Läden"'
    for length, is_told in ((1998, True), (1999, False)):
        key = "ä" * length
        expected = [("Läden", [key] if is_told else None)]
        assert told(database, f"insert into {shop} values ('{key}')") == expected


def test_keys_that_are_long_together_are_not_told(database: Pglite) -> None:
    """Then any row may have changed."""
    shop = '"Shop$"."Läden"'
    for last, is_told in ((25, True), (26, False)):
        keys = f"select n || repeat('ä', 996) from generate_series(10, {last}) as n"
        ((_, keys_told),) = told(database, f"insert into {shop} {keys}")
        assert (keys_told is not None) is is_told
        database.run(f"delete from {shop}")


def test_a_writer_cannot_pass_off_a_table_as_a_catalogue(database: Pglite) -> None:
    """Temporary relations and types are looked at last."""
    database.run("grant insert on events to anon; set role anon")
    database.run("""
        create temporary table pg_attribute (attrelid oid, attname name);
        create domain pg_temp.jsonb as int check (false);
        insert into events values (1);
        reset role; drop table pg_temp.pg_attribute; drop domain pg_temp.jsonb;
    """)
    assert database.run("select keys from edge_cache.outbox") == [{"keys": [1]}]


def test_a_key_that_is_not_unique_hides_no_row(database: Pglite) -> None:
    """More than a hundred rows are not told by the few keys of those that were looked at."""
    database.run("create table if not exists tags (name text)")
    declared = Declared((Table("tags", key="name"), *DECLARED.tables), watched=DECLARED.watched)
    database.run(edge_sql.installing(declared))
    many = "insert into tags select 'same' from generate_series(1, {})"
    assert told(database, many.format(100)) == [("tags", ["same"])]
    assert told(database, "update tags set name = 'other'") == [("tags", ["other", "same"])]
    assert told(database, many.format(1)) == [("tags", ["same"])]
    assert told(database, "update tags set name = 'same'") == [("tags", None)]
    assert told(database, many.format(101)) == [("tags", None)]
    assert told(database, "delete from tags") == [("tags", None)]
    database.run(SCRIPT)


def test_the_writer_needs_no_rights_of_its_own(database: Pglite) -> None:
    """On the outbox, Vault or pg_net; nor may it look into them, or fire the trigger's function."""
    database.run("grant insert on events to anon; grant create on schema public to anon")
    assert told(database, "set role anon; insert into events values (1); reset role") == [
        ("events", [1])
    ]
    trigger = "tgrelid = 'events'::regclass and tgname = 'edge_cache_insert'"
    function = database.value(f"select tgfoid::regproc::text as f from pg_trigger where {trigger}")
    for forbidden in (
        "select from edge_cache.outbox",
        "select edge_cache.vault_entry('edge_cache_secret')",
        "select edge_cache.poke()",
        f"""create table mine (); create trigger mine after insert on mine
            for each statement execute function {function}()""",
    ):
        assert database.error_of(f"begin; set local role anon; {forbidden}") == "42501"
        database.run("rollback")
    database.run("revoke create on schema public from anon")
