"""Which views and materialized views give everybody the same."""

from __future__ import annotations

from proof import BY_EVERYBODY, BY_OWNER, IS_BY_OWNER, Case

INVOKER = "with (security_invoker = true)"


def view(text: str, fault: str | None = None, *, before: str = "", options: str = "") -> Case:
    """Return the case of a view."""
    change = f"{before}; create view v {options} as {text};"
    return "v", f"{change} grant select on v to anon, authenticated", fault


VIEWS = [
    view("select id from t"),
    ("v", "create view v as table t; grant select on v to anon", "authenticated may not select"),
    view("select id from t", before=BY_OWNER),
    view("select id from t", IS_BY_OWNER, before=BY_OWNER, options=INVOKER),
    view("select id from t", before=BY_EVERYBODY, options="with (security_invoker = 1)"),
    view("select id from t", before=BY_OWNER, options="with (security_invoker = off)"),
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
    view(
        "select id, title || 'x' as x, count(*) over () from t where id > 1 order by title limit 5"
    ),
    view("select id from t union all select id from u"),
    view("select count(*), json_agg(t order by id) from t group by owner having count(*) > 1"),
    view("select t.* from t join u using (id) left join lateral (select 1 as x) as l on true"),
    view("select distinct on (id) id, row_number() over w from t window w as (order by id)"),
    view("with recursive n(i) as (select 1 union select i + 1 from n where i < 5) table n"),
    view("select i from generate_series(1, 5) with ordinality as s(i, n)"),
    view("select * from json_to_recordset('[]') as x(a int, b text)"),
    view("select x.* from (values (1, 'a'), (2, 'b')) as x"),
    view(
        "select last_value from numbers", "numbers is a sequence", before="create sequence numbers"
    ),
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
        IS_BY_OWNER,
        before=f"{BY_OWNER} create view w {INVOKER} as select id from t",
    ),
    view(
        "select * from w",
        before=f"{BY_OWNER} create view w as select id from t; grant select on w to public",
        options=INVOKER,
    ),
    view(
        "select * from w",
        "anon may not select from public.w",
        before=f"{BY_OWNER} create view w as select id from t; grant select on w to authenticated",
        options=INVOKER,
    ),
    # A function runs with the rights of who asks, and so does its query.
    view(
        "select g() as x",
        IS_BY_OWNER,
        before=f"{BY_OWNER} create function g() returns bigint language sql stable"
        " begin atomic select count(*) from t; end",
    ),
    view(
        "select g() as x",
        before=f"{BY_OWNER} create function g() returns bigint language sql stable security definer"
        " begin atomic select count(*) from t; end",
    ),
    view(
        "select sound() as x",
        "authenticated may not execute public.sound()",
        before="revoke all on function sound() from public;"
        "grant execute on function sound() to anon",
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
        BY_OWNER + "create materialized view v as select auth.uid(), id from t;"
        "grant select on v to anon, authenticated",
        None,
    ),
    (
        "v",
        "create materialized view v as select 1 as x; grant select on v to anon",
        "authenticated may not select from public.v",
    ),
]
