"""Which tables give everybody the same: their columns, their parts, and what policies read."""

from __future__ import annotations

from proof import SELECTABLE, Case


def table(columns: str, fault: str | None = None, *, before: str = "") -> Case:
    """Return the case of a table with some columns."""
    change = f"{before}; create table a ({columns}); grant select on a to anon, authenticated"
    return "a", change, fault


TEXT = "language sql stable as 'select null::json'"

TABLES = [
    table("a int, b text, c timestamptz, d uuid[], e jsonb, f numeric(5, 2), g tsvector, h money"),
    table("a regclass", "a value has the type regclass, which shows what the search path finds"),
    table("a regproc[]", "a value has the type regproc"),
    table("a kind", before="create type kind as enum ('a')"),
    table("a pair", before="create type pair as (x int, y text)"),
    table(
        "a pair[]", "a value has the type regrole", before="create type pair as (x int, y regrole)"
    ),
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
    *(
        table(
            "a kind",
            f"type public.kind calls public.same({full}), whose body",
            before="create type kind as enum ('a');"
            f"create function same({short}) returns json {TEXT};"
            f"create operator === (leftarg = {left}, rightarg = {right}, function = same)",
        )
        for left, right, short, full in (
            ("kind", "int", "kind, int", "public.kind,integer"),
            ("int", "kind", "int, kind", "integer,public.kind"),
        )
    ),
    (
        "a",
        (
            "create foreign data wrapper w; create server s foreign data wrapper w;"
            "create foreign table a (id int) server s; grant select on a to anon, authenticated"
        ),
        "public.a is a foreign table",
    ),
    (
        "a",
        (
            "create table a (id int) partition by range (id);"
            "grant select on a to anon, authenticated;"
            "create table part partition of a for values from (0) to (9);"
            "alter table part enable row level security;"
            "create policy p on part using (auth.uid() is null)"
        ),
        None,
    ),
    (
        "part",
        (
            "create table a (id int) partition by range (id);"
            "create table part partition of a for values from (0) to (9);"
            "grant select on part to anon, authenticated;"
            "alter table part enable row level security;"
            "create policy p on part using (auth.uid() is null)"
        ),
        "policy p of public.part looks at auth.uid()",
    ),
    (
        "a",
        (
            "create table a (id int) partition by range (id);"
            "grant select on a to anon, authenticated;"
            "create foreign data wrapper w; create server s foreign data wrapper w;"
            "create table b partition of a for values from (0) to (9) partition by range (id);"
            "create foreign table c partition of b for values from (0) to (9) server s"
        ),
        "public.a has a part that is a foreign table",
    ),
    (
        "s",
        (
            "create table private.s (id int); grant select on private.s to anon, authenticated;"
            "revoke usage on schema private from anon"
        ),
        "anon may not use the schema private",
    ),
    (
        "s",
        (
            "create table private.s (id int); grant select on private.s to anon, authenticated;"
            "revoke usage on schema private from authenticated"
        ),
        "authenticated may not use the schema private",
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
        (
            "revoke select on u from anon, authenticated;"
            f"{SELECTABLE} using (id in (select id from u))"
        ),
        None,
    ),
    (
        "t",
        (
            "alter table u enable row level security;"
            "create policy q on u using (owner = auth.uid());"
            f"{SELECTABLE} using (exists (select from u))"
        ),
        "policy q of public.u looks at auth.uid()",
    ),
    (
        "t",
        (
            "alter table u enable row level security; create policy q on u to anon using (true);"
            f"{SELECTABLE} using (exists (select from u))"
        ),
        "policy q of public.u is for anon only",
    ),
    (
        "t",
        (
            "alter table u enable row level security;"
            "create policy q on u using (id in (select id from t));"
            f"{SELECTABLE} using (id in (select id from u))"
        ),
        None,
    ),
]
