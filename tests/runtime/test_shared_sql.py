"""Whether the database proves that everybody gets the same of views, functions and tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pglite import Pglite
from postgres import SUPERUSER, Session, postgres, server_programs
from proof import BY_EVERYBODY, SCRIPT, SELECTABLE, TABLES, Case, catalogue, is_as_expected, project

OWN = SELECTABLE + "using (auth.uid() = owner);"

IS_OWN = "policy p of public.t looks at auth.uid()"

INVOKER = "with (security_invoker = true)"


def view(text: str, fault: str | None = None, *, before: str = "", options: str = "") -> Case:
    """Return the case of a view."""
    change = f"{before}; create view v {options} as {text};"
    return "v", f"{change} grant select on v to anon, authenticated", fault


VIEWS = [
    view("select id from t"),
    ("v", "create view v as table t; grant select on v to anon", "authenticated may not select"),
    view("select id from t", before=OWN),
    view("select id from t", IS_OWN, before=OWN, options=INVOKER),
    view("select id from t", before=BY_EVERYBODY, options="with (security_invoker = 1)"),
    view("select id from t", before=OWN, options="with (security_invoker = off)"),
    view("select id from u", before="revoke select on u from anon"),
    view(
        "select id from u",
        "anon may not select from public.u",
        before="revoke select on u from anon",
        options=INVOKER,
    ),
    view("select auth.uid() as x", "view public.v looks at auth.uid()"),
    view("select 1 as x where current_user = 'anon'", "view public.v looks at current_user"),
    view("select text_body() as x", "view public.v calls public.text_body(), whose body"),
    view("select id, title || 'x' as x, count(*) over () from t where id > 1 order by title limit 5"),
    view("select id from t union all select id from u"),
    view("select count(*), json_agg(t order by id) from t group by owner having count(*) > 1"),
    view("select t.* from t join u using (id) left join lateral (select 1 as x) as l on true"),
    view("select distinct on (id) id, row_number() over w from t window w as (order by id)"),
    view("with recursive n(i) as (select 1 union select i + 1 from n where i < 5) table n"),
    view("select i from generate_series(1, 5) with ordinality as s(i, n)"),
    view("select * from json_to_recordset('[]') as x(a int, b text)"),
    view("select x.* from (values (1, 'a'), (2, 'b')) as x"),
    view("select last_value from numbers", "numbers is a sequence", before="create sequence numbers"),
    view("select * from edge_cache.outbox", "edge_cache.outbox is part of the edge cache itself"),
    # The owner's policies, if the view reads as its owner.
    view(
        "select id from t",
        "policy p of public.t looks at auth.uid()",
        before="grant create on schema public to keeper; "
        "create policy p on t to keeper using (auth.uid() = owner); set role keeper",
    ),
    view(
        "select id from t",
        before="grant create on schema public to keeper; "
        "create policy p on t to authenticated using (auth.uid() = owner); set role keeper",
    ),
    view(
        "select id from t",
        before="grant create on schema public to owner; "
        "create policy p on t to owner using (auth.uid() = owner); set role owner",
    ),
    # Views on views. One with security_invoker always reads as who asks.
    view(
        "select * from w",
        IS_OWN,
        before=f"{OWN} create view w {INVOKER} as select id from t",
    ),
    view(
        "select * from w",
        before=f"{OWN} create view w as select id from t;"
        "grant select on w to anon, authenticated",
        options=INVOKER,
    ),
    view(
        "select * from w",
        "anon may not select from public.w",
        before=f"{OWN} create view w as select id from t; grant select on w to authenticated",
        options=INVOKER,
    ),
    # A function runs with the rights of who asks, and so does its query.
    view(
        "select g() as x",
        IS_OWN,
        before=f"{OWN} create function g() returns bigint language sql stable"
        " begin atomic select count(*) from t; end",
    ),
    view(
        "select g() as x",
        before=f"{OWN} create function g() returns bigint language sql stable security definer"
        " begin atomic select count(*) from t; end",
    ),
    view(
        "select sound() as x",
        "authenticated may not execute public.sound()",
        before="revoke all on function sound() from public; grant execute on function sound() to anon",
    ),
    # A policy's queries read as the owner, too, but its functions look at the session.
    view(
        "select id from t",
        before="grant create on schema public to keeper; revoke select on u from anon;"
        "create policy p on t to keeper using (exists (select from u)); set role keeper",
    ),
    # A copy of the rows.
    (
        "v",
        OWN + "create materialized view v as select auth.uid(), id from t;"
        "grant select on v to anon, authenticated",
        None,
    ),
    (
        "v",
        "create materialized view v as select 1 as x; grant select on v to anon",
        "authenticated may not select from public.v",
    ),
]


def table(columns: str, fault: str | None = None, *, before: str = "") -> Case:
    """Return the case of a table with some columns."""
    change = f"{before}; create table a ({columns}); grant select on a to anon, authenticated"
    return "a", change, fault


TEXT = "language sql stable as 'select null::json'"

RELATIONS = [
    table("a int, b text, c timestamptz, d uuid[], e jsonb, f numeric(5, 2), g tsvector, h money"),
    table("a regclass", "of the type regclass, which depends on the search path"),
    table("a regproc[]", "of the type regproc"),
    table("a kind", before="create type kind as enum ('a')"),
    table("a pair", before="create type pair as (x int, y text)"),
    table("a pair[]", "of the type regrole", before="create type pair as (x int, y regrole)"),
    table("a small", before="create domain small as int check (value > 0)"),
    table(
        "a small",
        "domain public.small looks at current_user",
        before="create domain small as text check (value <> current_user)",
    ),
    table("a span", before="create type span as range (subtype = date)"),
    table(
        "a kind",
        "type public.kind calls public.as_json(public.kind), whose body",
        before="create type kind as enum ('a');"
        f"create function as_json(kind) returns json {TEXT};"
        "create cast (kind as json) with function as_json(kind)",
    ),
    table(
        "a kind",
        "type public.kind calls public.same(public.kind,public.kind), whose body",
        before="create type kind as enum ('a');"
        f"create function same(kind, kind) returns json {TEXT};"
        "create operator === (leftarg = kind, rightarg = kind, function = same)",
    ),
    (
        "a",
        "create foreign data wrapper w; create server s foreign data wrapper w;"
        "create foreign table a (id int) server s; grant select on a to anon, authenticated",
        "public.a is a foreign table",
    ),
    (
        "a",
        "create table a (id int) partition by range (id); grant select on a to anon, authenticated;"
        "create table part partition of a for values from (0) to (9);"
        "alter table part enable row level security;"
        "create policy p on part using (auth.uid() is null)",
        None,
    ),
    (
        "part",
        "create table a (id int) partition by range (id);"
        "create table part partition of a for values from (0) to (9);"
        "grant select on part to anon, authenticated; alter table part enable row level security;"
        "create policy p on part using (auth.uid() is null)",
        "policy p of public.part looks at auth.uid()",
    ),
    (
        "a",
        "create table a (id int) partition by range (id); grant select on a to anon, authenticated;"
        "create foreign data wrapper w; create server s foreign data wrapper w;"
        "create table b partition of a for values from (0) to (9) partition by range (id);"
        "create foreign table c partition of b for values from (0) to (9) server s",
        "public.a has a part that is a foreign table",
    ),
    # What policies read.
    ("t", SELECTABLE + "using (exists (select from u))", None),
    (
        "t",
        f"revoke select on u from anon; {SELECTABLE} using (exists (select from u))",
        "anon may not select from public.u",
    ),
    (
        "t",
        f"revoke select on u from anon, authenticated; {SELECTABLE} using (id in (select id from u))",
        None,
    ),
    (
        "t",
        "alter table u enable row level security; create policy q on u using (owner = auth.uid());"
        f"{SELECTABLE} using (exists (select from u))",
        "policy q of public.u looks at auth.uid()",
    ),
    (
        "t",
        "alter table u enable row level security; create policy q on u to anon using (true);"
        f"{SELECTABLE} using (exists (select from u))",
        "policy q of public.u is for anon only",
    ),
    (
        "t",
        "alter table u enable row level security; create policy q on u using (id in (select id from t));"
        f"{SELECTABLE} using (id in (select id from u))",
        None,
    ),
]


def function(body: str, fault: str | None = None, *, before: str = "", **how: str) -> Case:
    """Return the case of a function. ``how`` has its arguments, its type, and its options."""
    of = {"arguments": "", "type": "bigint", "options": "stable", **how}
    text = f"create function f({of['arguments']}) returns {of['type']} language sql {of['options']}"
    return "f", f"{before}; {text} {body}", fault


COUNT = "begin atomic select count(*) from t; end"

FUNCTIONS = [
    function(COUNT),
    function(COUNT, IS_OWN, before=OWN),
    function(COUNT, before=OWN, options="stable security definer"),
    function(
        COUNT + "; alter function f owner to keeper",
        IS_OWN,
        before="create policy p on t to keeper using (auth.uid() = owner);"
        "grant create on schema public to keeper",
        options="stable security definer",
    ),
    function(
        COUNT + "; alter function f owner to keeper",
        before="create policy p on t to anon using (auth.uid() = owner);"
        "grant create on schema public to keeper",
        options="stable security definer",
    ),
    function(COUNT, "the API calls public.f(), which is volatile", options="volatile"),
    function("as 'select 1'", "the API calls public.f(), whose body the database does not know"),
    function("as 'select 1'", options="immutable"),
    function("return 1"),
    function("begin atomic select 1; select 2; end"),
    function("begin atomic select n; end", arguments="n bigint"),
    function("begin atomic select n from t where id = n for update; end", "(rowmarkclause)", arguments="n int"),
    function(
        "begin atomic select 1; end",
        "a default argument of public.f(text) looks at current_user",
        arguments="a text default current_user",
    ),
    function(
        "as 'select 1'",
        "a default argument of public.f(uuid) looks at auth.uid()",
        arguments="a uuid default auth.uid()",
        options="immutable",
    ),
    function(
        "begin atomic select 1; end",
        "domain public.small looks at current_user",
        before="create domain small as text check (value <> current_user)",
        arguments="a small",
    ),
    function("begin atomic select 1::regclass; end", "of the type regclass", type="regclass"),
    function(
        "begin atomic select id, 1::regclass from t; end",
        "of the type regclass",
        type="table (id int, c regclass)",
    ),
    function("begin atomic select * from t; end", type="setof t"),
    function(
        "begin atomic select 1; end; revoke all on function f from public;"
        "grant execute on function f to authenticated",
        "anon may not execute public.f()",
    ),
    function(
        "begin atomic select 1; end; revoke all on function f from public;"
        "grant execute on function f to anon",
        "authenticated may not execute public.f()",
    ),
    function(
        "begin atomic select 1; end; revoke all on function f from public",
        "anon may not execute public.f()",
    ),
    function(
        "begin atomic select 1; end; revoke usage on schema public from public;"
        "grant usage on schema public to anon",
        "authenticated may not use the schema public",
    ),
    function(
        "begin atomic select 1; end",
        "the API calls public.f(), which changes the role",
        options="stable set role members",
    ),
    function("begin atomic select 1; end", options="stable set search_path = ''"),
]


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


@pytest.mark.parametrize("case", VIEWS + RELATIONS + FUNCTIONS)
def test_each_difference_is_found(database: Pglite, case: Case) -> None:
    """With what makes it. If there is none, everybody gets the same."""
    assert is_as_expected(database, (case[0], f"{case[1]}; reset role", case[2]))


def test_computed_columns_are_judged_by_themselves(database: Pglite) -> None:
    """An answer shows them only if it names them."""
    database.run("""
        create function owned(t) returns boolean language sql stable
          begin atomic select $1.owner = auth.uid(); end;
        create function loud(t) returns text language sql stable begin atomic select upper($1.title); end
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
    apart = "Readers who are signed in may get something different: view public.v looks at auth.uid()."
    assert [tuple(row.values()) for row in told if row["severity"] == "info"] == [
        ("info", "public.f", shared),
        ("info", "public.t", shared),
        ("info", "public.v", apart),
    ]
    assert [row["severity"] for row in told][-3:] == 3 * ["info"]


PROGRAMS = server_programs()

SERVER_CASES = [
    *RELATIONS[-6:],
    *FUNCTIONS[:10],
    *VIEWS[:12],
    ("t", SELECTABLE + "using (case when id = 1 then array[1] = '{1}' else coalesce(id, 2) = 3 end)", None),
    ("t", SELECTABLE + "using (greatest(id, 3) > 4 and (id, title) < (3, 'x'))", None),
    ("t", SELECTABLE + "using (title collate \"C\" > 'a' and row(id) = row(3))", None),
    (
        "t",
        "create policy a on t to anon using (  id > 5); create policy b on t to authenticated"
        " using (id > 5)",
        None,
    ),
    ("t", SELECTABLE + "using (current_user = 'x')", "looks at current_user"),
    ("t", BY_EVERYBODY + "create policy q on t to authenticated using (auth.uid() = owner)", None),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Session]:
    """Return a session of a superuser on a server, whose trees another version may have written."""
    assert PROGRAMS
    with postgres(PROGRAMS) as server, server.session(SUPERUSER) as session:
        said = session.run(f"set client_min_messages = error; {TABLES}")
        assert not said, said
        assert "ERROR" not in session.run(SCRIPT)
        yield session


@pytest.mark.skipif(PROGRAMS is None, reason="needs a Postgres server: apt-get install postgresql")
@pytest.mark.parametrize("case", SERVER_CASES)
def test_a_server_says_the_same(server: Session, case: Case) -> None:
    """Versions of Postgres write trees in different ways."""
    name, change, expected = case
    said = server.run(f"""
        begin; {change}; reset role;
        select 'said ' || coalesce(one ->> 'differs', 'nothing')
        from json_array_elements((edge_cache.catalogue() -> '{'functions' if name == 'f' else 'relations'}')) as one
        where one ->> 'name' = '{name}';
        rollback
    """)
    assert "ERROR" not in said
    assert f"said {expected or 'nothing'}" in said or expected and expected in said, said
