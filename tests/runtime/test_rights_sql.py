"""The script of `npm run sql` gives other roles no way in, on a Postgres server.

There, `postgres` runs the script. As in a Supabase project, it is no superuser.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres import SUPERUSER, Postgres, Session, postgres, server_programs

from edge_cache.tables import Declared, Table
from shared import edge_sql

PROGRAMS = server_programs()

pytestmark = pytest.mark.skipif(
    PROGRAMS is None, reason="needs a Postgres server: apt-get install postgresql"
)

EVENTS, THEIRS = Table("events"), Table("theirs")

SCRIPT = edge_sql.installing(Declared((EVENTS,)))

TABLES = """
  create table events (id int primary key);
  grant select on events to anon;
  alter table events enable row level security;
"""

VAULT = """
  do $$ begin
    perform vault.create_secret('a secret', 'edge_cache_secret');
    perform vault.create_secret('https://edge.example/revalidate', 'edge_cache_url');
  end $$;
"""

STRANGER = """
  create role stranger login;
  grant create on database postgres to stranger;
  grant usage, create on schema public to stranger;
"""
"""Somebody who may do what a project may well let a role do."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Return a server with a table, and with a role that nobody trusts."""
    assert PROGRAMS
    with postgres(PROGRAMS) as server:
        said = server.connect(SUPERUSER).run(STRANGER) + server.connect().run(TABLES)
        assert not said, said
        yield server


@pytest.fixture
def owner(server: Postgres) -> Iterator[Session]:
    """Return the session that runs the script. The script is not there yet."""
    with server.session() as session, server.session(SUPERUSER) as superuser:
        session.run(VAULT)
        yield session
        superuser.run(f"drop owned by stranger cascade; {STRANGER.partition(';')[2]}")
        session.run(f"rollback; {edge_sql.removing()}; truncate events")
        superuser.run("truncate net.http_request_queue")


@pytest.fixture
def stranger(server: Postgres, owner: Session) -> Iterator[Session]:
    """Return a session of the stranger. What it made is removed before what the owner made."""
    del owner
    with server.session("stranger") as session:
        yield session


PLANTED = """
  create table public.ran (who name); grant all on public.ran to public;
  create function public.format(text, text, text) returns text language plpgsql as $$ begin
    insert into public.ran values (current_user);
    return pg_catalog.format($1, variadic array[$2, $3]);
  end $$
"""


def test_no_function_of_another_role_runs(owner: Session, stranger: Session) -> None:
    """The arguments of the stranger's function fit better than those of Postgres's own."""
    assert stranger.run(PLANTED) == ""
    for script in (SCRIPT, SCRIPT, edge_sql.removing(), SCRIPT):
        assert "ERROR" not in owner.run(script)
    owner.run("insert into events values (1); select * from edge_cache.check()")
    assert stranger.run("select who from ran") == ""
    assert owner.run("select format('%s %s', 'a'::text, 'b'::text); table ran") == "a b\npostgres"


TAKEN = {
    "schema edge_cache": "create schema edge_cache",
    "relation edge_cache.outbox": "create table edge_cache.outbox ()",
    "function edge_cache.announce()": """
      create function edge_cache.announce() returns trigger language plpgsql as 'begin end'
    """,
    "function public.edge_cache_check(text)": """
      create function public.edge_cache_check(text) returns json language sql as 'select null::json'
    """,
}
"""What belongs to the stranger, and how that came."""


@pytest.mark.parametrize("taken", TAKEN)
@pytest.mark.parametrize("script", [SCRIPT, edge_sql.removing()], ids=["installing", "removing"])
def test_nothing_of_another_role_is_taken_over(
    owner: Session, stranger: Session, taken: str, script: str
) -> None:
    """The error says whose object it is, and the way out. The script changes nothing."""
    if taken != "schema edge_cache":
        owner.run("create schema edge_cache; grant usage, create on schema edge_cache to stranger")
    assert stranger.run(TAKEN[taken]) == ""
    said = owner.run(f"{script}; rollback")
    assert f"ERROR:  The {taken} belongs to stranger, but postgres runs this script" in said
    assert "run this script as stranger. If not, let stranger or a superuser drop it" in said
    assert owner.run("select count(*) from pg_class where relname = 'declared'") == "0"


def test_the_secret_does_not_leave_vault(owner: Session, stranger: Session) -> None:
    """Every role may read what pg_net is going to send."""
    owner.run(SCRIPT)
    owner.run("insert into events values (1)")
    queued = stranger.run("select headers, convert_from(body, 'UTF8') from net.http_request_queue")
    assert queued == '{"content-type": "application/json"}|{}'


NO_EVENT_TRIGGERS = "WARNING:  The role postgres may not create event triggers"

HARMS = {
    "is seen": "insert into public.ran values (current_user)",
    "fails": "raise query_canceled",
    "asserts": "assert false",
    "sets the session": "perform set_config('search_path', 'public, pg_catalog', false)",
}
"""What a trigger on the queue may do; after the last one, names mean what the stranger wants."""


@pytest.mark.parametrize("harm", HARMS)
def test_no_trigger_of_another_role_runs_on_the_queue(
    owner: Session, stranger: Session, harm: str
) -> None:
    """Every role may put a trigger there. The writer gets a warning, and goes on."""
    owner.run(SCRIPT)
    stranger.run(f"""
        create table ran (who name); grant all on ran to public;
        create function public.harm() returns trigger language plpgsql as $$
          begin {HARMS[harm]}; return new; end
        $$;
        create trigger harm before insert on net.http_request_queue
          for each row execute function public.harm()
    """)
    said = owner.run("insert into events values (1)")
    assert (
        "learns of this change late, because a trigger on the queue of pg_net could do anything"
        in said
    )
    assert "ERROR" not in said
    assert stranger.run("select who from ran") == ""
    assert owner.run("select keys from edge_cache.outbox") == "[1]"
    assert "let stranger or a superuser run: drop function public.harm() cascade;" in owner.run(
        "select advice from edge_cache.check()"
    )
    stranger.run("drop function public.harm() cascade")
    assert owner.run("insert into events values (2)") == ""
    assert owner.run("select count(*) from net.http_request_queue") == "1"


def test_no_writer_waits_for_who_locks_the_queue(owner: Session, stranger: Session) -> None:
    """Every role may lock it."""
    owner.run(SCRIPT)
    stranger.run("begin; lock table net.http_request_queue in access exclusive mode")
    said = owner.run("set statement_timeout = '5s'; insert into events values (1)")
    stranger.run("rollback")
    assert "learns of this change late, because no request could be made (SQLSTATE 55P03)" in said
    assert owner.run("reset statement_timeout; select count(*) from events") == "1"


def test_a_table_of_another_owner_keeps_no_other_from_its_triggers(
    owner: Session, stranger: Session
) -> None:
    """They get theirs when it is declared, and later.

    The script's output names the table and the reason.
    """
    stranger.run("create table theirs (id int primary key)")
    script = edge_sql.installing(Declared((THEIRS, EVENTS)))
    said = owner.run(script)
    assert "theirs is not watched: permission denied for table theirs" in said
    assert "Let stranger run: grant trigger on public.theirs to postgres; and run" in said
    stranger.run("grant trigger on theirs to postgres")
    assert "WARNING" not in owner.run(script).replace("WARNING:  pg_net", "").replace(
        NO_EVENT_TRIGGERS, ""
    )
    said = owner.run(SCRIPT)
    assert "ERROR" not in said
    assert "theirs keeps its trigger edge_cache_insert: must be owner of relation theirs" in said
    assert "It still has triggers that it does not need" in said
    advice = "Run this as that role: drop trigger edge_cache_delete on public.theirs; "
    assert f"Its owner is stranger. {advice}" in said
    assert owner.run("insert into events values (1); select keys from edge_cache.outbox") == "[1]"
    assert "ERROR" not in owner.run(edge_sql.removing())
    assert stranger.run("select count(*) from pg_trigger where not tgisinternal") == "0"
