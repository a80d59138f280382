"""What an expression may look at, if everybody is to get the same."""

from __future__ import annotations

from proof import SELECTABLE, Case


def using(expression: str, fault: str | None = None) -> Case:
    """Return the case of a policy."""
    return "t", f"{SELECTABLE} using ({expression})", fault


EXPRESSIONS: list[Case] = [
    using("auth.uid() = owner", "looks at auth.uid()"),
    using("(select auth.uid()) = owner", "looks at auth.uid()"),
    using("auth.always()", "looks at auth.always()"),
    using("current_setting('a.b', true) = 'x'", "looks at current_setting(text,boolean)"),
    using("current_user = 'anon'", "looks at current_user"),
    using("session_user = 'anon'", "looks at session_user"),
    using("user = 'anon'", "looks at user"),
    using("current_role = 'anon'", "looks at current_role"),
    using("current_schema = 'anon'", "looks at current_schema"),
    using("current_catalog = 'postgres'"),
    using("at < current_timestamp and at::date < current_date and localtime > '10:00'"),
    using("at < now() and at > now() - interval '1 day' and at < '2030-01-01'::date"),
    using("at < clock_timestamp()", "calls clock_timestamp(), which is volatile"),
    using("random() > 0.5", "calls random(), which is volatile"),
    using("pg_has_role('members', 'usage')", "calls pg_has_role(name,text), which may look at"),
    using("has_table_privilege('u', 'select')", "calls has_table_privilege(text,text), which may"),
    using("row_security_active('u')", "calls row_security_active(text), which may look at"),
    using("inet_client_addr() is null", "calls inet_client_addr(), which may look at who asks"),
    using("pg_backend_pid() > 0", "calls pg_backend_pid(), which may look at who asks"),
    using("to_regclass('u') is null", "a value has the type regclass"),
    # Strings, time zones, texts, JSON and text search.
    using("title = 'x' or title like 'y%' or lower(title) = any (array['a', 'b'])"),
    using("at::text > '2020' and to_char(at, 'YYYY') > '2020' and date_trunc('day', at) = at"),
    using("concat(id, title) = '1x' and format('%s', id) = '1' and id || title = '1x'"),
    using("to_json(title)::text = '\"x\"' and jsonb_build_object('a', id) ->> 'a' = '1'"),
    using("to_tsvector('english', title) @@ plainto_tsquery('x')"),
    using("id::text::regclass is null", "a value has the type regclass"),
    # Other kinds of nodes.
    using("case when id = 1 then coalesce(title, 'a') else nullif(title, 'b') end = 'x'"),
    using("greatest(id, 3) > 4 and (id, title) < (3, 'x') and row(id, id) is distinct from (1, 2)"),
    using(
        "(array[1, 2])[id] = 1 and id between 1 and 3 and title is not null and (id > 1) is true"
    ),
    using("title collate \"C\" > 'a' and title in ('a', 'b')"),
    using("at in (select x from generate_series(now(), now(), '1 day') as x)"),
    using("xmlelement(name x) is null", "has what we do not know (xmlexpr)"),
    using("(select sum(id) over (order by id) from u limit 1) > 1"),
    using("(with a as (select id from u union select 1) select max(id) from a) > 1"),
    using(
        "id in (select id from u tablesample bernoulli (5))",
        "has what we do not know (tablesampleclause)",
    ),
    using("id in (select id from u for share)", "has what we do not know (rowmarkclause)"),
    using("exists (select from pg_class)", "reads pg_class, which is Postgres's own"),
    using("exists (select from pg_roles)", "reads pg_roles, which is Postgres's own"),
    # Functions.
    using("sound()"),
    using("promised()"),
    using("text_body()", "calls public.text_body(), whose body the database does not know"),
]

FOLLOWED = "create function g({}) returns boolean language sql {} begin atomic select {}; end;"

FUNCTIONS_CALLED: list[Case] = [
    (
        "t",
        FOLLOWED.format("", "stable", "auth.uid() is null") + SELECTABLE + "using (g())",
        "function public.g() looks at auth.uid()",
    ),
    (
        "t",
        FOLLOWED.format("", "immutable", "auth.uid() is null") + SELECTABLE + "using (g())",
        "function public.g() looks at auth.uid()",
    ),
    ("t", FOLLOWED.format("n int", "stable", "n > 5") + SELECTABLE + "using (g(id))", None),
    (
        "t",
        FOLLOWED.format("", "volatile", "true") + SELECTABLE + "using (g())",
        "policy p of public.t calls public.g(), which is volatile",
    ),
    (
        "t",
        FOLLOWED.format("n text default current_user", "immutable", "true")
        + SELECTABLE
        + "using (g())",
        "a default argument of public.g(text) looks at current_user",
    ),
    (
        "t",
        FOLLOWED.format("n int default 5", "immutable", "n > 3") + SELECTABLE + "using (g())",
        None,
    ),
    (
        "t",
        FOLLOWED.format("", "stable set role members", "true") + SELECTABLE + "using (g())",
        "policy p of public.t calls public.g(), which changes the role",
    ),
    (
        "t",
        "revoke all on function sound() from public; grant execute on function sound() to"
        " authenticated;" + SELECTABLE + "using (sound())",
        "anon may not execute public.sound()",
    ),
    (
        "t",
        "revoke all on function sound() from public;"
        "grant execute on function sound() to anon, authenticated;"
        + SELECTABLE
        + "using (sound())",
        None,
    ),
    (
        "t",
        "create function same(int, int) returns boolean language sql stable as 'select true';"
        "create operator === (leftarg = int, rightarg = int, function = same);"
        + SELECTABLE
        + "using (id === 5)",
        "policy p of public.t calls public.same(integer,integer), whose body the database",
    ),
    (
        "t",
        "create function add(int, int) returns int language sql stable as 'select 1';"
        "create aggregate total(int) (sfunc = add, stype = int);"
        + SELECTABLE
        + "using ((select total(id) from u) > 1)",
        "aggregate public.total(integer) calls public.add(integer,integer), whose body",
    ),
    (
        "t",
        "create function add(int, int) returns int language sql immutable as 'select 1';"
        "create aggregate total(int) (sfunc = add, stype = int);"
        + SELECTABLE
        + "using ((select total(id) from u) > 1)",
        None,
    ),
    (
        "t",
        "create domain small as int check (value < 9 and text_body());"
        + SELECTABLE
        + "using (id::small > 1)",
        "domain public.small calls public.text_body(), whose body the database does not know",
    ),
    (
        "t",
        "create domain small as int check (value < 9);" + SELECTABLE + "using (id::small > 1)",
        None,
    ),
]
