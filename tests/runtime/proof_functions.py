"""Which functions give everybody the same."""

from __future__ import annotations

from proof import BY_OWNER, IS_BY_OWNER, Case


def function(body: str, fault: str | None = None, *, before: str = "", **how: str) -> Case:
    """Return the case of a function. ``how`` has its arguments, its type, and its options."""
    of = {"arguments": "", "type": "bigint", "options": "stable", **how}
    text = f"create function f({of['arguments']}) returns {of['type']} language sql {of['options']}"
    return "f", f"{before}; {text} {body}", fault


COUNT = "begin atomic select count(*) from t; end"

FUNCTIONS = [
    function(COUNT),
    function(COUNT, IS_BY_OWNER, before=BY_OWNER),
    function(COUNT, before=BY_OWNER, options="stable security definer"),
    function(
        COUNT + "; alter function f owner to keeper",
        IS_BY_OWNER,
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
    function(
        "begin atomic select n from t where id = n for update; end",
        "(rowmarkclause)",
        arguments="n int",
    ),
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
    function(
        "begin atomic select 1::regclass; end", "a value has the type regclass", type="regclass"
    ),
    function(
        "begin atomic select id, 1::regclass from t; end",
        "a value has the type regclass",
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
    # The API casts arguments to their types.
    *(
        function(
            "begin atomic select 1; end",
            fault,
            before=f"create schema other; grant usage on schema other to {roles};"
            "create domain other.pos as int check (value > 0);"
            "create type other.pair as (a int, b int)",
            arguments=arguments,
        )
        for arguments, roles, fault in (
            ("n other.pos", "anon", "authenticated may not use the schema other"),
            ("n other.pos", "authenticated", "anon may not use the schema other"),
            ("n other.pos", "anon, authenticated", None),
            ("n other.pos[]", "anon", "authenticated may not use the schema other"),
            (
                "a int, n other.pair default null",
                "anon",
                "authenticated may not use the schema other",
            ),
            ("variadic n other.pos[]", "anon", "authenticated may not use the schema other"),
        )
    ),
    function(
        "begin atomic select 1, 2; end",
        before="create schema other; grant usage on schema other to anon;"
        "create type other.pair as (a int, b int)",
        type="other.pair",
    ),
    function(
        "begin atomic select 1; end",
        "the API calls public.f(), which changes the role",
        options="stable set role members",
    ),
    function("begin atomic select 1; end", options="stable set search_path = ''"),
    # Who may execute what it calls is asked of its owner.
    function(
        "begin atomic select count(*) from t where sound(); end; alter function f owner to keeper",
        before="revoke all on function sound() from public;"
        "grant execute on function sound() to anon, keeper; grant all on schema public to keeper",
        options="stable security definer",
    ),
    (
        "inner",
        (
            "create function private.inner() returns int language sql immutable as 'select 1';"
            "revoke usage on schema private from authenticated"
        ),
        "authenticated may not use the schema private",
    ),
]
