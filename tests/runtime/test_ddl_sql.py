"""The event triggers of `npm run sql`: DDL is a change like others, and never fails by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pglite import Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

TABLES = """
  create table events (id int primary key, title text);
  create table others (id int primary key);
  create table parts (id int primary key) partition by range (id);
  create table loose (id int not null);
  create materialized view counts as select count(*) from others;
  create function nothing() returns trigger language plpgsql as 'begin return null; end';
  create role stranger;
  grant create on schema public to stranger;
  insert into vault.secrets values
    ('edge_cache_secret', 'right'), ('edge_cache_url', 'https://edge.example/revalidate');
"""

SCRIPT = edge_sql.installing(
    Declared((Table("events"), Table("parts")), others=frozenset({("counts", "public")}))
)


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database in which the script was run twice."""
    with pglite() as database:
        database.run(TABLES + SCRIPT)
        database.run(SCRIPT)
        yield database


@pytest.fixture
def database(installed: Pglite) -> Iterator[Pglite]:
    """Return it in a transaction that is taken back."""
    with installed.taken_back():
        yield installed


def told(database: Pglite, sql: str) -> list[tuple[str | None, Any]]:
    """Run statements and return (table, keys) of what was written down for them."""
    database.run(sql)
    assert not [warning for warning in database.warnings if "pg_net" not in warning]
    changes = database.run("select table_name, keys from edge_cache.outbox order by id")
    return [(one["table_name"], one["keys"]) for one in changes]


CATALOGUE = (None, None)


def test_the_script_itself_is_no_change(installed: Pglite) -> None:
    """Each run of it makes all cursors invalid anyway."""
    assert told(installed, "select 1") == []


@pytest.mark.parametrize(
    "ddl",
    [
        "create table more ()",
        "create view more as select 1",
        "create function more() returns int language sql as 'select 1'",
        "create policy p on events using (true)",
        "alter policy p on others using (false)",
        "grant select on events to anon",
        "revoke all on function nothing() from public",
        "create unique index on events (title)",
        "drop table others cascade",
        "drop function nothing",
        "alter role anon set statement_timeout = '1s'; create table more ()",
        "create table more as select 1",
        "drop owned by stranger",
    ],
)
def test_ddl_is_a_change_of_the_catalogue(database: Pglite, ddl: str) -> None:
    """The Worker is poked, and gets a change without a table."""
    database.run("create policy p on others using (true); truncate edge_cache.outbox")
    database.run("select set_config('edge_cache.noted', '', true)")
    assert told(database, ddl) == [CATALOGUE]
    assert database.value("select count(*) from net.sent") == 1


def test_the_worker_gets_it_as_a_change_of_the_catalogue(installed: Pglite) -> None:
    """It has a number like the others."""
    cursor = installed.value("select public.edge_cache_changes('right') ->> 'cursor'")
    installed.run("create table more ()")
    installed.run("drop table more")
    told = installed.value(f"select public.edge_cache_changes('right', '{cursor}')")
    assert told["complete"] is True
    assert [{**change, "id": 0} for change in told["changes"]] == 2 * [
        {"id": 0, "schema": "edge_cache", "table": "catalogue", "key": None, "keys": None}
    ]
    installed.run("truncate edge_cache.outbox, net.http_request_queue")


def test_a_transaction_says_it_once(database: Pglite) -> None:
    """A savepoint that takes it back does not lose it."""
    many = "create table a (); savepoint s; create table b (); rollback to s; drop table a"
    assert told(database, many) == [CATALOGUE]
    database.run("rollback; begin")
    lost = "savepoint s; create table a (); rollback to s; create table b ()"
    assert told(database, lost) == [CATALOGUE]
    assert database.value("select count(*) from net.sent") == 1


@pytest.mark.parametrize(
    "nothing",
    [
        "create temporary table t (id int primary key, n serial); drop table t",
        "create temporary table t as select 1 as n; create index on t (n)",
        "select 1 as n into temporary t; alter table t add m int",
        "create temporary view v as select 1",
        "comment on table events is 'x'",
        "create trigger t after insert on others execute function nothing()",
        "create table if not exists events ()",
        "drop table if exists never",
        "analyze events",
    ],
)
def test_what_changes_nothing_is_no_change(database: Pglite, nothing: str) -> None:
    """Temporary objects, comments, triggers."""
    assert told(database, nothing) == []


@pytest.mark.parametrize(
    ("ddl", "table"),
    [
        ("alter table events alter title type text using upper(title)", "events"),
        ("alter table events disable trigger all", "events"),
        ("refresh materialized view counts", "counts"),
    ],
)
def test_rows_that_no_trigger_sees_are_a_change_of_their_table(
    database: Pglite, ddl: str, table: str
) -> None:
    """The catalogue may be the same as before."""
    assert told(database, ddl) == [CATALOGUE, (table, None)]


def test_a_new_part_is_watched_at_once(database: Pglite) -> None:
    """Whether it is created or attached, with parts of its own."""
    database.run("""
        create table parts_1 partition of parts for values from (0) to (10);
        create table parts_2 (id int not null) partition by range (id);
        create table parts_2a partition of parts_2 for values from (10) to (15);
        alter table parts attach partition parts_2 for values from (10) to (20);
        truncate edge_cache.outbox
    """)
    assert told(database, "insert into parts_1 values (1); insert into parts_2a values (11)") == [
        ("parts", [1]),
        ("parts", [11]),
    ]


def test_a_detached_part_is_a_change_of_the_whole(database: Pglite) -> None:
    """Its rows are gone from there."""
    database.run("create table parts_1 partition of parts for values from (0) to (10)")
    database.run("truncate edge_cache.outbox")
    assert told(database, "alter table parts detach partition parts_1") == [("parts", None)]


def test_a_table_that_is_there_again_is_watched_at_once(database: Pglite) -> None:
    """As a migration may create a declared table after the script was run."""
    database.run("drop table events; create table events (id int primary key)")
    database.run("truncate edge_cache.outbox")
    assert told(database, "insert into events values (1)") == [("events", [1])]
    watched = database.value("select public.edge_cache_changes('right') -> 'watched'")
    assert ["public", "events"] in watched


def test_a_disabled_trigger_stays_disabled(database: Pglite) -> None:
    """Somebody wants it so. The table is not watched then."""
    database.run("alter table events disable trigger edge_cache_insert")
    database.run("alter table events add more int; truncate edge_cache.outbox")
    assert told(database, "insert into events values (1)") == []
    watched = database.value("select public.edge_cache_changes('right') -> 'watched'")
    assert ["public", "events"] not in watched


@pytest.mark.parametrize(
    "broken",
    [
        "drop table edge_cache.outbox cascade",
        "drop schema vault cascade",
        "drop schema net cascade",
        "drop function edge_cache.begin_changes",
        "drop function edge_cache.create_triggers",
        "drop view edge_cache.watched_relations cascade",
        "alter table edge_cache.outbox add check (false)",
    ],
)
def test_whatever_is_broken_fails_no_ddl(database: Pglite, broken: str) -> None:
    """Whoever runs it is warned."""
    database.run(f"{WITHOUT}; {broken}; {WITH}")
    database.run("create table more (); alter table events add more int; drop table others cascade")
    assert database.warnings
    assert all(warning.startswith("The edge cache learns") for warning in database.warnings)


WITHOUT = "alter event trigger edge_cache_ddl disable; alter event trigger edge_cache_drop disable"
WITH = "alter event trigger edge_cache_ddl enable; alter event trigger edge_cache_drop enable"


def test_others_need_no_rights_for_their_ddl(database: Pglite) -> None:
    """Neither on the outbox, nor on Vault or pg_net."""
    ddl = "set role stranger; create table theirs (); drop table theirs; reset role"
    assert told(database, ddl) == [CATALOGUE]


def test_the_check_says_if_they_are_missing(database: Pglite) -> None:
    """In one sentence."""
    findings = "select finding from edge_cache.check() where object = 'event triggers'"
    assert database.run(findings) == []
    database.run("alter event trigger edge_cache_drop disable")
    (finding,) = database.run(findings)
    assert finding["finding"].startswith(
        "A change of the schema, of a policy or of a grant reaches"
    )


def test_removing_and_installing_again_works(database: Pglite) -> None:
    """The script drops the event triggers before anything else."""
    database.run("commit")
    database.run(edge_sql.removing())
    assert database.run("select from pg_event_trigger") == []
    database.run("insert into vault.secrets values ('edge_cache_secret', 'right')")
    database.run(SCRIPT + "begin")
    assert database.value("select count(*) from pg_event_trigger") == 2
