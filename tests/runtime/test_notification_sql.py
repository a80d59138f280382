"""The triggers of `npm run sql`, on a real Postgres: what they send for which statement."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pglite import Pglite, pglite

from edge_cache.tables import Declared, Table
from edge_cache.worker.auth import signature_in
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

SCRIPT = edge_sql.installing(DECLARED)


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
    """Return it with empty tables, and nothing sent yet."""
    installed.run('truncate documents, events, authors, others, "Shop$"."Läden"')
    return forget(installed)


def forget(database: Pglite) -> Pglite:
    """Forget what was sent so far."""
    database.run("truncate net.http_request_queue, edge_cache.outbox")
    return database


def told(database: Pglite, sql: str) -> list[tuple[str, str, Any]]:
    """Run statements and return what was sent for them, as (type, table, keys)."""
    forget(database)
    database.run(sql)
    sent = [row["body"] for row in database.run("select body from net.sent order by id")]
    outbox = {
        row["id"]: row
        for row in database.run("""
            select id, schema_name as schema, table_name as table, key_column as key, keys
            from edge_cache.outbox
        """)
    }
    assert {
        body["id"]: {name: body[name] for name in ("id", "schema", "table", "key", "keys")}
        for body in sent
    } == outbox
    return [(body["type"], body["table"], body["keys"] and sorted(body["keys"])) for body in sent]


def events(count: int) -> str:
    """Return a statement that adds this many events."""
    return f"insert into events select n, n from generate_series(1, {count}) as n"


def test_a_row_is_told_by_its_key_alone(database: Pglite) -> None:
    """It goes to the address in Vault. No other column leaves the database."""
    row_id = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    database.run(f"insert into documents values ('{row_id.upper()}', 'private title')")
    (sent,) = database.run("select * from net.sent")
    number = database.value("select id from edge_cache.outbox")
    assert sent["body"] == {
        "type": "INSERT",
        "schema": "public",
        "table": "documents",
        "id": number,
        "key": "uuid$",
        "keys": [row_id],
    }
    assert sent["url"] == "https://edge.example/revalidate"
    assert sent["headers"]["content-type"] == "application/json"
    assert sent["timeout"] == 5000
    assert "private" not in json.dumps(sent)


@pytest.mark.parametrize("secret", ["from-vault", "sëcret ⚷", "x" * 64, "x" * 65])
def test_the_worker_takes_what_the_database_signs(database: Pglite, secret: str) -> None:
    """The test uses the exact bytes that pg_net sends. A key may have any character."""
    database.run(f"begin; update vault.secrets set secret = '{secret}' where name like '%secret'")
    database.run("""insert into "Shop$"."Läden" values ('Ä"b''c'), ('😀')""")
    (sent,) = database.run("""
        select headers, encode(body, 'base64') as body, extract(epoch from now()) as now
        from net.http_request_queue
    """)
    database.run("rollback")
    signature = signature_in(sent["headers"].get)
    assert signature
    signature.require_recent(int(1000 * float(sent["now"])))
    signature.require((secret,), base64.b64decode(sent["body"]))
    assert secret not in json.dumps(sent, ensure_ascii=False)


def test_two_requests_have_two_ids(database: Pglite) -> None:
    """So a receiver can tell them apart."""
    database.run("insert into events values (1); insert into events values (2)")
    ids = database.run("select headers ->> 'webhook-id' as id from net.http_request_queue")
    assert len({row["id"] for row in ids}) == 2


def test_the_secret_is_in_no_definition(database: Pglite) -> None:
    """No trigger has it in its definition, and no function."""
    definitions = database.value("""
      select string_agg(text, '') from (
        select pg_get_triggerdef(oid) as text from pg_trigger
        union all select prosrc from pg_proc where pronamespace = 'edge_cache'::regnamespace
      ) as definitions
    """)
    assert "edge_cache.announce" in definitions
    assert "from-vault" not in definitions


@pytest.mark.parametrize(
    ("count", "is_named"), [(1, True), (100, True), (101, False), (1000, False)]
)
def test_a_statement_is_one_request(database: Pglite, count: int, is_named: bool) -> None:
    """It may touch any number of rows.

    If it touches more than a hundred, all rows count as changed.
    """
    keys = list(range(1, count + 1)) if is_named else None
    assert told(database, events(count)) == [("INSERT", "events", keys)]
    assert told(database, "update events set day = 0") == [("UPDATE", "events", keys)]
    assert told(database, "delete from events") == [("DELETE", "events", keys)]


def test_a_statement_that_touches_no_row_is_none(database: Pglite) -> None:
    nothing = "update events set day = 0 where false; delete from events"
    assert told(database, f"{nothing}; insert into events select 1, 1 where false") == []


def test_a_changed_key_is_told_old_and_new(database: Pglite) -> None:
    """Both are in one list, and each is there once."""
    database.run(events(2))
    assert told(database, "update events set id = id + 1 where id = 2") == [
        ("UPDATE", "events", [2, 3])
    ]
    database.run(events(100) + " on conflict do nothing")
    assert told(database, "update events set id = id + 1000") == [("UPDATE", "events", None)]


def test_a_row_that_moves_between_partitions_is_told_old_and_new(database: Pglite) -> None:
    """The notification is about the partitioned table."""
    database.run(events(1))
    assert told(database, "update events set id = 100001") == [("UPDATE", "events", [1, 100001])]


def test_odd_names_are_told_as_they_are(database: Pglite) -> None:
    """Names of schema, table and key may be odd."""
    assert told(database, """insert into "Shop$"."Läden" values ('Ä"b''c')""") == [
        ("INSERT", "Läden", ["Ä\"b'c"])
    ]
    assert database.value("select body ->> 'schema' from net.sent") == "Shop$"


def test_an_upsert_tells_what_it_did(database: Pglite) -> None:
    """Inserted rows and updated rows are in two requests."""
    database.run(events(1))
    upsert = events(2) + " on conflict (id) do update set day = 7"
    assert sorted(told(database, upsert)) == [("INSERT", "events", [2]), ("UPDATE", "events", [1])]


def test_a_merge_tells_what_it_did(database: Pglite) -> None:
    """There is one request for each kind of change."""
    database.run(events(2))
    merge = """
      merge into events using (values (1), (2), (3)) as source (n) on n = id
      when matched and n = 1 then delete
      when matched then update set day = 9
      when not matched then insert values (n, n)
    """
    assert sorted(told(database, merge)) == [
        ("DELETE", "events", [1]),
        ("INSERT", "events", [3]),
        ("UPDATE", "events", [2]),
    ]


def test_a_cascade_is_told(database: Pglite) -> None:
    """A change of one row may delete other rows, or change their keys."""
    shop = '"Shop$"."Läden"'
    database.run(f"insert into {shop} values ('a'), ('b'); insert into {shop} values ('c', 'a')")
    renaming = f"""update {shop} set "Größe ID" = 'z' where "Größe ID" = 'a'"""
    assert {key for _, _, keys in told(database, renaming) for key in keys} == {"a", "z", "c"}
    told_of = told(database, f"""delete from {shop} where "Größe ID" = 'z'""")
    assert {key for _, _, keys in told_of for key in keys} == {"z", "c"}


def test_truncate_tells_that_any_row_may_have_changed(database: Pglite) -> None:
    """It sends one request, though each partition is truncated."""
    database.run(events(3))
    assert told(database, "truncate events") == [("TRUNCATE", "events", None)]


@pytest.mark.parametrize("partition", ["events_2", "events_2a"])
def test_a_statement_on_a_partition_is_told_of_the_whole(database: Pglite, partition: str) -> None:
    """Readers know only the partitioned table."""
    assert told(database, f"insert into {partition} values (100001)") == [
        ("INSERT", "events", [100001])
    ]
    assert told(database, f"update {partition} set day = 1") == [("UPDATE", "events", [100001])]
    assert told(database, f"delete from {partition}") == [("DELETE", "events", [100001])]
    assert told(database, f"truncate {partition}") == [("TRUNCATE", "events", None)]


def test_what_is_rolled_back_is_not_told(database: Pglite) -> None:
    """The whole transaction may be rolled back, or only what came after a savepoint."""
    assert told(database, f"begin; {events(3)}; rollback") == []
    partly = "savepoint a; insert into events values (7); rollback to a"
    assert told(database, f"begin; insert into events values (6); {partly}; commit") == [
        ("INSERT", "events", [6])
    ]


def test_each_statement_of_a_transaction_is_told(database: Pglite) -> None:
    """Each has its own keys."""
    statements = "insert into events values (1); insert into events values (2)"
    assert told(database, f"begin; {statements}; delete from events where id = 1; commit") == [
        ("INSERT", "events", [1]),
        ("INSERT", "events", [2]),
        ("DELETE", "events", [1]),
    ]


def test_a_transaction_tells_only_once_that_any_row_may_have_changed(database: Pglite) -> None:
    """Readers see all its changes at once.

    If a savepoint takes the request back, it is sent again.
    """
    assert told(database, f"begin; {events(101)}; delete from events; commit") == [
        ("INSERT", "events", None)
    ]
    taken_back = f"savepoint a; {events(101)}; rollback to a"
    assert told(database, f"begin; {taken_back}; {events(102)}; commit") == [
        ("INSERT", "events", None)
    ]
    database.run("delete from events")
    assert database.value("select count(*) from net.sent") == 2, "the next one tells it anew"


def test_a_watched_table_tells_no_keys(database: Pglite) -> None:
    """It has no rows with a path of their own. Tables that are not declared send nothing."""
    assert told(database, "insert into others values (1)") == []
    assert told(database, "insert into authors values (1)") == [("INSERT", "authors", None)]
    assert database.value("select body -> 'key' from net.sent") is None


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
    """Return the database; a test can declare a table with any type of key."""
    yield database
    database.run(f"drop table if exists keyed; drop schema if exists mine cascade; {SCRIPT}")


def declare_keyed(database: Pglite, type_of_key: str) -> None:
    """Make and declare a table whose key has this type."""
    database.run(f"drop table if exists keyed; create table keyed (id {type_of_key})")
    database.run(edge_sql.installing(Declared((Table("keyed"),))))


@pytest.mark.parametrize(("type_of_key", "value", "key"), TOLD)
def test_a_key_is_told_as_the_api_spells_it(
    keyed: Pglite, type_of_key: str, value: str, key: object
) -> None:
    """Settings of the writer's session do not matter."""
    declare_keyed(keyed, type_of_key)
    write = f"{SETTINGS}; insert into keyed values ('{value}'); reset all"
    assert told(keyed, write) == [("INSERT", "keyed", [key])]
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
    """A setting of the writer, or code of the type's owner, would decide how they are written.

    So any row counts as changed.
    """
    keyed.run("create schema mine; create domain mine.number as int")
    keyed.run("create type mine.text as enum ('a')")
    declare_keyed(keyed, type_of_key)
    write = f"insert into keyed values ('{value}')"
    assert told(keyed, write) == [("INSERT", "keyed", None)]


def test_a_keys_type_runs_no_code_with_the_owners_rights(keyed: Pglite) -> None:
    """The owner of a type may give it any cast to JSON."""
    keyed.run("""
        create schema mine;
        create type mine.evil as enum ('a');
        create function mine.to_json(mine.evil) returns json language plpgsql as $$ begin
          perform set_config('mine.was', current_user, false); return '1';
        end $$;
        create cast (mine.evil as json) with function mine.to_json(mine.evil);
    """)
    declare_keyed(keyed, "mine.evil")
    assert told(keyed, "insert into keyed values ('a')") == [("INSERT", "keyed", None)]
    assert keyed.value("select current_setting('mine.was', true)") is None


def test_two_spellings_of_a_number_are_two_keys(keyed: Pglite) -> None:
    """They are two addresses."""
    declare_keyed(keyed, "numeric")
    keyed.run("insert into keyed values (1.0)")
    told(keyed, "update keyed set id = 1.00")
    keys = keyed.value("select body ->> 'keys' from net.sent")
    assert sorted(keys.strip("[]").split(", ")) == ["1.0", "1.00"]


def test_keys_that_are_null_or_gone_are_not_told(database: Pglite) -> None:
    """Then any row may have changed."""
    database.run("create table if not exists flags (id int)")
    database.run(
        edge_sql.installing(Declared((Table("flags"), *DECLARED.tables), watched=DECLARED.watched))
    )
    for values in ("(null)", "(1), (null)"):
        assert told(database, f"insert into flags values {values}") == [("INSERT", "flags", None)]
    database.run("alter table flags rename id to other")
    assert told(database, "insert into flags values (1)") == [("INSERT", "flags", None)]
    assert told(database, "update flags set other = 2") == [("UPDATE", "flags", None)]
    database.run(SCRIPT)


def test_a_key_that_no_path_has_room_for_is_not_told(database: Pglite) -> None:
    """So a notification is never too long."""
    shop = '"Shop$"."Läden"'
    for length, is_told in ((1998, True), (1999, False)):
        key = "ä" * length
        expected = [("INSERT", "Läden", [key] if is_told else None)]
        assert told(database, f"insert into {shop} values ('{key}')") == expected


def test_keys_that_are_long_together_are_not_told(database: Pglite) -> None:
    """pg_net hangs if a request is longer than 64 kB."""
    shop = '"Shop$"."Läden"'
    for last, is_told in ((25, True), (26, False)):
        keys = f"select n || repeat('ä', 996) from generate_series(10, {last}) as n"
        ((_, _, keys_told),) = told(database, f"insert into {shop} {keys}")
        assert (keys_told is not None) is is_told
        assert database.value("select length(body) from net.http_request_queue") < 64_000
        database.run(f"delete from {shop}")


def test_a_writer_cannot_pass_off_a_table_as_a_catalogue(database: Pglite) -> None:
    """Postgres looks at temporary relations and types last."""
    database.run("grant insert on events to anon; set role anon")
    database.run("""
        create temporary table pg_attribute (attrelid oid, attname name);
        create domain pg_temp.jsonb as int check (false);
        insert into events values (1);
        reset role; drop table pg_temp.pg_attribute; drop domain pg_temp.jsonb;
    """)
    assert database.run("select keys from edge_cache.outbox") == [{"keys": [1]}]


def test_a_key_that_is_not_unique_hides_no_row(database: Pglite) -> None:
    """If a statement touches more than a hundred rows with few keys, all rows count as changed."""
    database.run("create table if not exists tags (name text)")
    declared = Declared((Table("tags", key="name"), *DECLARED.tables), watched=DECLARED.watched)
    database.run(edge_sql.installing(declared))
    many = "insert into tags select 'same' from generate_series(1, {})"
    assert told(database, many.format(100)) == [("INSERT", "tags", ["same"])]
    assert told(database, "update tags set name = 'other'") == [
        ("UPDATE", "tags", ["other", "same"])
    ]
    assert told(database, many.format(1)) == [("INSERT", "tags", ["same"])]
    assert told(database, "update tags set name = 'same'") == [("UPDATE", "tags", None)]
    assert told(database, many.format(101)) == [("INSERT", "tags", None)]
    assert told(database, "delete from tags") == [("DELETE", "tags", None)]
    database.run(SCRIPT)


def test_the_writer_needs_no_rights_of_its_own(database: Pglite) -> None:
    """It needs none on the outbox, Vault or pg_net.

    It may not read these, or use the trigger's function.
    """
    database.run("grant insert on events to anon; grant create on schema public to anon")
    assert told(database, "set role anon; insert into events values (1); reset role") == [
        ("INSERT", "events", [1])
    ]
    for forbidden in (
        "select from edge_cache.outbox",
        "select edge_cache.vault_entry('edge_cache_secret')",
        "select edge_cache.post('https://edge.example', '{}', '{}')",
        """create table mine (); create trigger mine after insert on mine
           for each statement execute function edge_cache.announce('public', 'events', '')""",
    ):
        assert database.error_of(f"begin; set local role anon; {forbidden}") == "42501"
        database.run("rollback")
    database.run("revoke create on schema public from anon")
