"""`edge_cache.check()` on a real Postgres: what would go stale unseen, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import WITHOUT_EVENT_TRIGGERS, Pglite, pglite

from edge_cache.tables import Declared, Table
from shared import edge_sql

DECLARED = Declared(
    (Table("articles"), Table("Events", key="Slug", schema="agenda"), Table("parts")),
    others=frozenset(
        {
            ("recent", "public"),
            ("latest", "public"),
            ("rpc/find", "public"),
            ("rpc/double", "public"),
        }
    ),
    watched=(("authors", "public"),),
)

SOUND = """
  create schema auth;
  create function auth.uid() returns uuid language sql stable as 'select null::uuid';
  create schema agenda;
  grant usage on schema agenda to anon;

  create table articles (id bigint primary key, title text, owner uuid);
  create table authors (id bigint primary key, name text);
  create table agenda."Events" ("Slug" text primary key);
  create table parts (id int primary key) partition by range (id);
  create table parts_1 partition of parts for values from (0) to (10);
  create table others (id bigint primary key, article bigint);

  alter table articles enable row level security;
  alter table agenda."Events" enable row level security;
  alter table parts enable row level security;
  create policy own on articles for select using (title <> '' or owner = auth.uid());
  create policy theirs on articles for select to authenticated
    using (exists (select from others where article = articles.id));
  create policy writing on articles for insert to anon
    with check (exists (select from others where article = articles.id));

  create view recent as select articles.*, name from articles join authors using (id);
  create view latest as select * from recent limit 1;
  create function double(n bigint) returns bigint language sql immutable as 'select 2 * n';
  create function find() returns setof articles language sql stable begin atomic
    select * from articles where id > double(1);
  end;
  grant select on articles, agenda."Events", parts, recent, latest to anon;

  insert into vault.secrets values
    ('edge_cache_url', 'https://edge.example/revalidate'), ('edge_cache_secret', 'right');
"""


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database in which nothing is wrong, with the script."""
    with pglite() as database:
        database.run(SOUND + edge_sql.installing(DECLARED))
        yield database


@pytest.fixture
def database(installed: Pglite) -> Iterator[Pglite]:
    """Return it in a transaction that is taken back."""
    installed.run("begin")
    yield installed
    installed.run("rollback")


def found(database: Pglite, fault: str) -> list[tuple[str, str]]:
    """Return (object, finding) once something is wrong."""
    database.run(fault)
    findings = database.run("select * from edge_cache.check()")
    assert all(row["advice"] for row in findings)
    assert {row["severity"] for row in findings} <= {"error", "warning"}
    return [(row["object"], row["finding"]) for row in findings]


def test_where_nothing_is_wrong_it_says_nothing(database: Pglite) -> None:
    """Policies of other roles, or for writing, do not count; nor does what reads no table."""
    assert found(database, "") == []


FAULTS = [
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
        "create table parts_2 partition of parts for values from (10) to (20)",
        "public.parts_2",
        "It has no enabled trigger for delete, insert, truncate, update.",
    ),
    (
        "insert into edge_cache.declared values ('watch', 'public', 'parts_1', null)",
        "public.parts_1",
        (
            "It is a part of public.parts. A statement that names public.parts does not fire the"
            " triggers of this part."
        ),
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
        "delete from edge_cache.declared where name = 'authors'",
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
        "create or replace view latest as select recent.* from recent join others using (id)",
        "public.latest",
        "It reads public.others, through view public.latest, which is not watched.",
    ),
    (
        (
            "create view hidden as select * from others;"
            " create or replace view latest as select recent.* from recent join hidden using (id)"
        ),
        "public.latest",
        "It reads public.others, through view public.hidden, which is not watched.",
    ),
    (
        (
            "create materialized view old as select * from others;"
            " create or replace view latest as select recent.* from recent join old using (id)"
        ),
        "public.latest",
        (
            "It reads public.old, through view public.latest. That is a materialised view: its"
            " changes fire no trigger."
        ),
    ),
    (
        """create policy "By events" on agenda."Events" for select to anon
           using (exists (select from others where article = 1))""",
        'agenda."Events"',
        (
            """Its rows depend on public.others, through policy "By events" of agenda."Events"."""
            """ A change there refreshes no entry of it."""
        ),
    ),
    (
        """create function allowed() returns boolean language sql stable as 'select true';
           create policy calling on agenda."Events" using (allowed())""",
        'agenda."Events"',
        (
            'It calls public.allowed(), through policy calling of agenda."Events". The database'
            " does not know what that reads."
        ),
    ),
    (
        (
            "create or replace function double(n bigint) returns bigint language sql stable"
            " as 'select 2 * n'"
        ),
        "public.double",
        "The database does not know what this function reads.",
    ),
    (
        (
            "create or replace function find() returns setof articles language sql begin atomic"
            " select articles.* from articles join others using (id); end"
        ),
        "public.find",
        "It reads public.others, through function public.find, which is not watched.",
    ),
    (
        """create function name(articles) returns text language sql stable
             as 'select name from authors limit 1'""",
        "public.articles",
        (
            "It calls public.name(public.articles), through computed column name of"
            " public.articles. The database does not know what that reads."
        ),
    ),
    (
        """create function name(articles) returns text language sql stable begin atomic
             select name from authors limit 1; end""",
        "public.articles",
        (
            "Its rows depend on public.authors, through function public.name. A change there"
            " refreshes no entry of it."
        ),
    ),
    (
        """create function count(authors) returns bigint language sql stable begin atomic
             select count(*) from others; end""",
        "public.authors",
        "It reads public.others, through function public.count, which is not watched.",
    ),
    (
        """create policy here on articles for select to anon
           using (current_setting('request.headers', true) is null)""",
        "public.articles",
        (
            "It reads request.headers, through policy here of public.articles. The request that"
            " fills the cache has no values of a reader there."
        ),
    ),
    (
        """create or replace view latest as select recent.* from recent
           where current_setting('request.method') = current_setting('request.path')""",
        "public.latest",
        (
            "It reads request.method, request.path, through view public.latest. The request that"
            " fills the cache has no values of a reader there."
        ),
    ),
    (
        """create function shop() returns text language plpgsql immutable as $$ begin
             return current_setting('request.cookies')::json ->> 'shop'; end $$;
           create or replace view recent as select articles.*, name from articles
             join authors using (id) where title = shop()""",
        "public.latest",
        (
            "It reads request.cookies, through function public.shop(). The request that fills"
            " the cache has no values of a reader there."
        ),
    ),
    (
        "delete from vault.secrets where name = 'edge_cache_url'",
        "Vault",
        "edge_cache_url is missing or empty, so no change is sent.",
    ),
    (
        "update vault.secrets set secret = '' where name = 'edge_cache_secret'",
        "Vault",
        "edge_cache_secret is missing or empty, so no change is sent.",
    ),
    ("drop schema net cascade", "pg_net", "It is not enabled, so no change is sent."),
    (
        """create function public.spy() returns trigger language plpgsql as 'begin return new; end';
          create trigger "a spy" before insert on net.http_request_queue
            for each row execute function public.spy()""",
        "net.http_request_queue",
        (
            'Its trigger "a spy" would run public.spy() with the rights of the role that ran the'
            " script, so no change is sent."
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


def test_a_foreign_table_fires_no_trigger(database: Pglite) -> None:
    """Whether it is declared, or read by a view."""
    fault = """
        create foreign data wrapper nobody; create server elsewhere foreign data wrapper nobody;
        create foreign table far (id bigint) server elsewhere;
        create or replace view latest as select recent.* from recent join far using (id);
        drop table parts; create foreign table parts (id bigint) server elsewhere;
    """
    findings = found(database, fault)
    assert (
        "public.latest",
        (
            "It reads public.far, through view public.latest. That is a foreign table: its"
            " changes fire no trigger."
        ),
    ) in findings
    assert ("public.parts", "It is a foreign table. Its changes fire no trigger.") in findings


def test_a_materialised_view_is_told_of_once(database: Pglite) -> None:
    """What it reads does not matter: it shows that only when it is refreshed."""
    declared = """
        drop view latest; create materialized view latest as select * from others;
        grant select on latest to anon
    """
    finding = "It is a materialised view. Its changes fire no trigger."
    assert found(database, declared) == [("public.latest", finding)]


SOUND_COLUMNS = """
  create function own(articles) returns text language sql stable begin atomic select $1.title; end;
  create function hidden(articles) returns text language sql stable as 'select name from authors';
  revoke execute on function hidden from public;
  create function other(others) returns text language sql stable as 'select 1';
  create function claims() returns text language sql stable
    begin atomic select current_setting('request.jwt.claims'); end;
  create policy claimed on articles for select using (claims() = '')
"""


def test_columns_that_nobody_reads_and_claims_are_no_fault(database: Pglite) -> None:
    """Nor is a computed column that looks at its own row alone."""
    assert found(database, SOUND_COLUMNS) == []


def test_what_overloads_have_in_common_is_said_once(database: Pglite) -> None:
    """The API calls either by the same name."""
    overloads = """
        create function double(n text) returns text language sql stable as 'select n';
        create function double(n int) returns int language sql stable as 'select n'
    """
    finding = ("public.double", "The database does not know what this function reads.")
    assert found(database, overloads) == [finding]


def test_extensions_functions_are_taken_to_read_no_table(database: Pglite) -> None:
    """As those that compare, convert or measure."""
    fault = """
        create function measured() returns boolean language sql stable as 'select true';
        create policy measuring on articles for select using (measured());
        alter extension plpgsql add function measured();
    """
    assert found(database, fault) == []


def test_failed_notifications_are_counted(database: Pglite) -> None:
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
        ("edge_cache_url", "1 of the latest notifications failed (no answer in time)."),
        ("edge_cache_url", "1 of the latest notifications failed (no connection)."),
        ("edge_cache_url", "1 of the latest notifications failed (status 302)."),
        ("edge_cache_url", "2 of the latest notifications failed (status 401)."),
    ]


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "edge_cache_secret"), (404, "edge_cache_url")]
)
def test_a_failed_notification_has_its_own_advice(
    database: Pglite, status: int, advice: str
) -> None:
    """A refusal may also come of a clock that is wrong."""
    database.run(f"""
        insert into edge_cache.outbox (schema_name, table_name, request)
          values ('public', 'articles', 1);
        insert into net._http_response (id, status_code, timed_out) values (1, {status}, false)
    """)
    (finding,) = database.run("select advice from edge_cache.check()")
    assert advice in finding["advice"]
    assert ("select now()" in finding["advice"]) is (status == 401)


def test_the_worker_may_ask_for_it(database: Pglite) -> None:
    """With the secret, as an array of objects."""
    call = "select public.edge_cache_check('{}')"
    assert database.value(f"set local role anon; {call.format('right')}") == []
    database.run("reset role; alter table articles disable row level security")
    (finding,) = database.value(call.format("right"))
    assert finding["severity"] == "error"
    assert set(finding) == {"severity", "object", "finding", "advice"}
    assert database.error_of(call.format("wrong")) == "28P01"
