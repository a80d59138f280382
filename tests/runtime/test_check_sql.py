"""`edge_cache.check()` on a real Postgres: what is wrong with tables, rights and requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import WITHOUT_EVENT_TRIGGERS, Pglite, pglite
from sound import DECLARED, SOUND, found

from shared import edge_sql


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database in which nothing is wrong, with the script."""
    with pglite() as database:
        database.run(SOUND + edge_sql.installing(DECLARED))
        yield database


@pytest.fixture
def database(installed: Pglite) -> Iterator[Pglite]:
    """Return it in a transaction that is taken back."""
    with installed.taken_back():
        yield installed


def test_where_nothing_is_wrong_it_says_nothing(database: Pglite) -> None:
    """Policies of other roles, or for writing, do not count; nor does what reads no table."""
    assert found(database, "") == []


FAULTS = [
    (
        """alter table agenda."Events" alter "Slug" type bytea using '\\x'""",
        'agenda."Events"',
        "Its key column or the type of that has changed, so its changes name no keys.",
    ),
    (
        "alter event trigger edge_cache_drop disable",
        "event triggers",
        (
            "A change of the schema, of a policy or of a grant reaches the Worker only within a"
            " minute, because the event triggers are missing or disabled."
        ),
    ),
    (
        "drop table parts cascade",
        "public.parts",
        "It is declared as a table, but does not exist.",
    ),
    ("drop view latest", "public.latest", "It is declared as a view, but does not exist."),
    (
        "drop table authors cascade",
        "public.authors",
        "It is declared as a watched table, but does not exist.",
    ),
    (
        "drop function find",
        "public.find",
        "It is declared as a function, but does not exist.",
    ),
    (
        "drop view latest; create materialized view latest as select 1",
        "public.latest",
        "It is a materialised view. Its changes fire no trigger.",
    ),
    (
        "alter table parts disable trigger edge_cache_update",
        "public.parts",
        "It has no enabled trigger for update.",
    ),
    (
        "alter table parts enable replica trigger edge_cache_update",
        "public.parts",
        "It has no enabled trigger for update.",
    ),
    (
        "drop trigger edge_cache_insert on authors; drop trigger edge_cache_delete on authors",
        "public.authors",
        "It has no enabled trigger for delete, insert.",
    ),
    (
        (
            f"{WITHOUT_EVENT_TRIGGERS}; create table parts_2 partition of parts"
            " for values from (10) to (20)"
        ),
        "public.parts_2",
        "It has no enabled trigger for delete, insert, truncate, update.",
    ),
    (
        """alter table agenda."Events" rename "Slug" to slug""",
        'agenda."Events"',
        'Its declared key is "Slug", but it has no such column.',
    ),
    (
        "alter table parts drop constraint parts_pkey; alter table parts alter id drop not null",
        "public.parts",
        "Its key id may be null. A row whose key is null has no path.",
    ),
    (
        (
            "alter table articles drop constraint articles_pkey cascade;"
            " alter table articles add unique (id, title), alter id set not null;"
            " create unique index on articles (id) where title <> ''"
        ),
        "public.articles",
        "Its key id has no unique index of its own.",
    ),
    (
        "update pg_index set indisvalid = false where indrelid = 'articles'::regclass",
        "public.articles",
        "Its key id has no unique index of its own.",
    ),
    (
        "delete from edge_cache.watched where name = 'authors'",
        "public.authors",
        (
            "It still has triggers that it does not need (edge_cache_delete,"
            " edge_cache_insert, edge_cache_truncate, edge_cache_update)."
        ),
    ),
    (
        "alter table articles disable row level security",
        "public.articles",
        "Row level security is off, so the public key may read every row.",
    ),
    (
        "revoke select on articles from anon",
        "public.articles",
        "The role anon may not read it, so it is not served.",
    ),
    (
        "revoke select on articles from anon; grant select (id, title) on articles to anon",
        "public.articles",
        "The role anon may read only some of its columns, so it is not served as a whole.",
    ),
    (
        "revoke usage on schema agenda from anon",
        'agenda."Events"',
        "The role anon may not read it, so it is not served.",
    ),
    (
        "revoke select on latest from anon",
        "public.latest",
        "The role anon may not read it, so it is not served.",
    ),
    (
        "delete from vault.secrets where name = 'edge_cache_url'",
        "Vault",
        "edge_cache_url is missing or empty, so the Worker learns of each change late.",
    ),
    (
        "update vault.secrets set secret = '' where name = 'edge_cache_secret'",
        "Vault",
        "edge_cache_secret is missing or empty, so the Worker may not read the outbox.",
    ),
    (
        "drop schema net cascade",
        "pg_net",
        "It is not enabled, so the Worker learns of each change late.",
    ),
    (
        """create function public.spy() returns trigger language plpgsql as 'begin return new; end';
          create trigger "a spy" before insert on net.http_request_queue
            for each row execute function public.spy()""",
        "net.http_request_queue",
        (
            'Its trigger "a spy" would run public.spy() with the rights of the role that ran the'
            " script, so the Worker learns of each change late."
        ),
    ),
]


@pytest.mark.parametrize(("fault", "name", "finding"), FAULTS)
def test_each_fault_is_found(database: Pglite, fault: str, name: str, finding: str) -> None:
    """With the object that it is of, in a sentence."""
    assert (name, finding) in found(database, fault)


@pytest.mark.parametrize("table", ["articles", "authors"])
def test_what_is_declared_as_a_table_must_be_one(database: Pglite, table: str) -> None:
    """A view has no triggers that tell of its rows."""
    fault = f"drop table {table} cascade; create view {table} as select 1 as id"
    finding = "It is declared as a table, but is a view."
    assert (f"public.{table}", finding) in found(database, fault)


def test_failed_pokes_are_counted(database: Pglite) -> None:
    """By status, without a word of what was answered; others' requests are not ours."""
    statuses = (
        *((200, "false"), (302, "false"), (401, "false"), (401, "false")),
        *((None, "true"), (None, "false")),
    )
    for number, (status, timed_out) in enumerate(statuses, start=1):
        database.run(f"""
            insert into edge_cache.outbox (schema_name, table_name, request)
              values ('public', 'articles', {number});
            insert into net._http_response (id, status_code, timed_out, content, error_msg)
              values ({number}, {status or "null"}, {timed_out}, 'private', 'private')
        """)
    other = """
        insert into net._http_response (id, status_code, timed_out) values (99, 500, false);
        insert into net._http_response (id, status_code, created) values (1, 500, now() + '1 day');
    """
    assert found(database, other) == [
        ("edge_cache_url", "1 of the latest pokes failed (no answer in time)."),
        ("edge_cache_url", "1 of the latest pokes failed (no connection)."),
        ("edge_cache_url", "1 of the latest pokes failed (status 302)."),
        ("edge_cache_url", "2 of the latest pokes failed (status 401)."),
    ]


def test_the_worker_may_ask_for_it(database: Pglite) -> None:
    """With the secret, as an array of objects."""
    call = "select public.edge_cache_check('{}')"
    told = database.value(f"set local role anon; {call.format('right')}")
    assert {finding["severity"] for finding in told} == {"info"}
    database.run("reset role; alter table articles disable row level security")
    (finding, *others) = database.value(call.format("right"))
    assert finding["severity"] == "error"
    assert {other["severity"] for other in others} == {"info"}
    assert set(finding) == {"severity", "object", "finding", "advice"}
    assert database.error_of(call.format("wrong")) == "28P01"
