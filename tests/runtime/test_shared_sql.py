"""Whether everybody gets the same: what the catalogue says of everything that may matter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import Pglite
from proof import Case, catalogue, is_as_expected, project
from proof_expressions import EXPRESSIONS, FUNCTIONS_CALLED
from proof_functions import FUNCTIONS
from proof_rights import GRANTS, POLICIES, SETTINGS
from proof_rows import COMPUTED, HANDLERS
from proof_tables import TABLES
from proof_views import VIEWS


@pytest.fixture(scope="module")
def installed() -> Iterator[Pglite]:
    """Return a database with the script."""
    with project() as database:
        yield database


@pytest.fixture
def database(installed: Pglite) -> Iterator[Pglite]:
    """Return it in a transaction that is taken back."""
    with installed.taken_back():
        yield installed


@pytest.mark.parametrize("case", GRANTS + POLICIES + SETTINGS)
def test_both_roles_have_the_same_rights(database: Pglite, case: Case) -> None:
    """Or the reason says who has not, and what."""
    assert is_as_expected(database, case)


@pytest.mark.parametrize("case", EXPRESSIONS + FUNCTIONS_CALLED)
def test_no_expression_looks_at_who_asks(database: Pglite, case: Case) -> None:
    """In policies, and in all that they call."""
    assert is_as_expected(database, case)


@pytest.mark.parametrize("case", VIEWS + TABLES + FUNCTIONS + COMPUTED + HANDLERS)
def test_each_way_to_a_difference_is_followed(database: Pglite, case: Case) -> None:
    """From views, tables and functions to what lies below, with the rights that count there."""
    assert is_as_expected(database, case)


NOTED = [
    "grant select on v to members; revoke select on v from anon",
    "create policy q on u to authenticated using (true); alter table u enable row level security",
    "alter role anon set timezone = 'UTC'",
    "alter role authenticator set pgrst.db_pre_request = 'public.look'",
    "alter function f() volatile",
    "grant members to anon",
    "alter role authenticated bypassrls",
    "alter view v owner to keeper",
    "alter view v set (security_invoker = true)",
    "revoke all on function sound() from public",
    "revoke usage on schema public from public",
    "create or replace function sound() returns boolean language sql stable as 'select true'",
    "alter role owner nobypassrls",
    "alter role owner superuser",
    "grant pg_read_all_data to keeper",
    "revoke pg_monitor from definer",
    "create or replace function promised() returns boolean immutable language sql as 'select 1=2'",
    "revoke execute on function promised() from public",
    "revoke execute on function private.plus(int, int) from public",
    "create or replace aggregate total(int) (sfunc = private.plus, stype = int, initcond = '1')",
    "alter type pair rename attribute a to b",
    "alter table elsewhere.hidden rename column a to b",
    "alter domain short add check (value <> '')",
    "alter type kind rename value 'a' to 'b'",
    "create cast (kind as json) with function to_j(kind)",
]


@pytest.mark.parametrize("change", NOTED)
def test_a_new_outcome_is_a_new_catalogue(database: Pglite, change: str) -> None:
    """So the Worker hears of it, if not by an event trigger, then within a minute."""
    database.run("""
        create policy p on u to members using (owner = auth.uid());
        alter table t disable row level security; alter table u enable row level security;
        create view v as select * from u where sound();
        grant select on v to anon, authenticated;
        create function f() returns boolean language sql stable begin atomic select true; end;
        create role definer in role pg_monitor;
        create view kept as select * from u; alter view kept owner to keeper;
        create function runs() returns int language sql security definer as 'select 1';
        alter function runs() owner to definer;
        create view owned as select * from u; alter view owned owner to owner;
        create function private.plus(int, int) returns int language sql immutable as 'select $1';
        create aggregate total(int) (sfunc = private.plus, stype = int);
        create type pair as (a int);
        create schema elsewhere; create table elsewhere.hidden (a int);
        create function rows() returns setof elsewhere.hidden language sql
          as 'table elsewhere.hidden';
        create domain short as text;
        create type kind as enum ('a');
        create function to_j(kind) returns json language sql immutable as 'select ''1''::json';
    """)
    before = catalogue(database)
    assert catalogue(database)["fingerprint"] == before["fingerprint"]
    database.run(change)
    after = catalogue(database)
    assert after["fingerprint"] != before["fingerprint"]


def test_computed_columns_are_judged_by_themselves(database: Pglite) -> None:
    """An answer shows them only if it names them."""
    database.run("""
        create function owned(t) returns boolean language sql stable
          begin atomic select $1.owner = auth.uid(); end;
        create function loud(t) returns text language sql stable
          begin atomic select upper($1.title); end
    """)
    (told,) = [one for one in catalogue(database)["relations"] if one["name"] == "t"]
    assert told["differs"] is None
    assert {one["name"]: one["differs"] for one in told["computed"]} == {
        "loud": None,
        "owned": "function public.owned(public.t) looks at auth.uid()",
    }


def test_each_overload_is_judged_by_itself(database: Pglite) -> None:
    """The API finds out which one is called."""
    database.run("""
        create function f(a int) returns int language sql immutable as 'select 1';
        create function f(a text) returns int language sql volatile as 'select 1';
    """)
    told = catalogue(database)["functions"]
    volatile = "the API calls public.f(text), which is volatile"
    assert [one["differs"] for one in told] == [None, volatile]


def test_the_check_says_it_of_each_declared_object(database: Pglite) -> None:
    """Last, because nothing is wrong with them."""
    database.run("""
        create view v as select auth.uid() as x; grant select on v to anon, authenticated;
        create function f() returns int language sql immutable as 'select 1';
        create view other as select 1 as x
    """)
    told = database.run("select severity, object, finding from edge_cache.check()")
    shared = "Readers who are signed in get the same of it as everybody else."
    apart = (
        "Readers who are signed in may get something different: view public.v looks at auth.uid()."
    )
    assert [tuple(row.values()) for row in told if row["severity"] == "info"] == [
        ("info", "public.f", shared),
        ("info", "public.t", shared),
        ("info", "public.v", apart),
    ]
    assert [row["severity"] for row in told][-3:] == 3 * ["info"]
