"""What the two roles may read: grants, policies and settings."""

from __future__ import annotations

from proof import BY_EVERYBODY, SELECTABLE, Case

GRANTS: list[Case] = [
    ("t", "", None),
    ("t", "revoke select on t from anon", "anon may not select from public.t"),
    ("t", "revoke select on t from authenticated", "authenticated may not select from public.t"),
    ("t", "revoke select on t from anon, authenticated", "anon may not select from public.t"),
    ("t", "revoke select on t from anon, authenticated; grant select on t to public", None),
    (
        "t",
        "revoke select on t from anon; create role r; grant select on t to r; grant r to anon",
        None,
    ),
    (
        "t",
        "revoke select on t from anon; grant select (id) on t to anon",
        "anon may not select from public.t",
    ),
    (
        "t",
        (
            "revoke select on t from anon, authenticated;"
            " grant select (id) on t to anon; grant select (id, title) on t to authenticated"
        ),
        "anon may not select the column title of public.t",
    ),
    (
        "t",
        (
            "revoke select on t from anon, authenticated;"
            " grant select (id) on t to anon, authenticated"
        ),
        None,
    ),
    (
        "t",
        (
            "revoke select on t from anon, authenticated; grant select (id, ctid) on t to anon;"
            " grant select (id) on t to authenticated"
        ),
        "authenticated may not select the column ctid of public.t",
    ),
    (
        "t",
        "revoke usage on schema public from public; grant usage on schema public to authenticated",
        "anon may not use the schema public",
    ),
    ("u", "alter table u owner to anon; revoke all on u from anon", "anon may not select from"),
]

POLICIES: list[Case] = [
    ("t", BY_EVERYBODY, None),
    ("t", SELECTABLE + "to anon, authenticated using (id > 5)", None),
    ("t", SELECTABLE + "to anon using (id > 5)", "policy p of public.t is for anon only"),
    (
        "t",
        'create policy "own rows" on t to authenticated using (id > 5)',
        'policy "own rows" of public.t is for authenticated only',
    ),
    ("t", "create policy p on t for insert to authenticated with check (true)", None),
    ("t", "create policy p on t for update to authenticated using (auth.uid() = owner)", None),
    (
        "t",
        "create policy p on t for all to authenticated using (true)",
        "policy p of public.t is for authenticated only",
    ),
    ("t", "create policy p on t to members using (auth.uid() = owner)", None),
    (
        "t",
        "grant members to authenticated; create policy p on t to members using (true)",
        "policy p of public.t is for authenticated only",
    ),
    (
        "t",
        "grant members to authenticated, anon; create policy p on t to members using (true)",
        None,
    ),
    (
        "t",
        (
            "grant members to authenticated with inherit false;"
            " create policy p on t to members using (true)"
        ),
        None,
    ),
    # Copies for each of the roles.
    (
        "t",
        (
            "create policy a on t to anon using (id > 5);"
            "create policy b on t to authenticated using (id > 5)"
        ),
        None,
    ),
    (
        "t",
        (
            "create policy a on t to anon using (id > 5);"
            "create policy b on t to authenticated using (id > 6)"
        ),
        "policy a of public.t is for anon only",
    ),
    (
        "t",
        BY_EVERYBODY + "create policy a on t as restrictive to anon using (id > 5);"
        "create policy b on t to authenticated using (id > 5)",
        "policy a of public.t is for anon only",
    ),
    (
        "t",
        (
            "create policy a on t to anon using (id > 5);"
            "create policy b on t as restrictive to anon using (id > 6);"
            "create policy c on t to authenticated using (id > 6);"
            "create policy d on t as restrictive to authenticated using (id > 5)"
        ),
        "policy a of public.t is for anon only",
    ),
    # One that shows every row makes others that permit some pointless.
    ("t", BY_EVERYBODY + "create policy q on t to authenticated using (auth.uid() = owner)", None),
    (
        "t",
        (
            "create policy p on t using (1 = 1);"
            "create policy q on t to authenticated using (auth.uid() = owner)"
        ),
        "policy q of public.t is for authenticated only",
    ),
    (
        "t",
        (
            "create policy p on t to authenticated using (true);"
            "create policy q on t using (auth.uid() = owner)"
        ),
        "policy p of public.t is for authenticated only",
    ),
    (
        "t",
        (
            "create policy p on t to authenticated using (true);"
            "create policy r on t to anon using (true);"
            "create policy q on t using (auth.uid() = owner)"
        ),
        None,
    ),
    (
        "t",
        BY_EVERYBODY + "create policy q on t as restrictive using (auth.uid() = owner)",
        "policy q of public.t looks at auth.uid()",
    ),
    (
        "t",
        (
            "create policy p on t as restrictive using (true); create policy q on t"
            " using (auth.uid() = owner)"
        ),
        "policy q of public.t looks at auth.uid()",
    ),
    ("t", "create policy p on t for insert to anon with check (true)", None),
    ("t", "create policy p on t for select to authenticated", None),  # It shows nothing.
    (
        "t",
        "create policy p on t for select to authenticated; create policy q on t using (id > 5)",
        None,
    ),
    # Who is above the policies.
    (
        "t",
        SELECTABLE + "using (id > 5); alter role anon bypassrls",
        "row level security of public.t",
    ),
    ("t", "alter role anon bypassrls; alter role authenticated bypassrls", None),
    (
        "t",
        "alter role authenticated superuser",
        "row level security of public.t holds for anon only",
    ),
    ("t", "alter table t owner to authenticated", "row level security of public.t holds for anon"),
    (
        "t",
        "alter table t owner to keeper; grant keeper to anon",
        "row level security of public.t holds for authenticated only",
    ),
    ("t", "alter table t owner to authenticated; alter table t force row level security", None),
    # Without row level security only grants matter.
    ("u", "create policy p on u using (auth.uid() = owner)", None),
    ("u", "create policy p on u to anon using (true)", None),
]

SETTINGS: list[Case] = [
    ("t", "alter role anon set timezone = 'UTC'", "the setting TimeZone of anon and that of"),
    ("t", "alter role authenticated set datestyle = 'iso'", "the setting DateStyle of anon and"),
    (
        "t",
        "alter role authenticated set timezone = 'UTC'; alter role anon set timezone = 'Japan'",
        "the setting TimeZone of anon and that of authenticated differ",
    ),
    (
        "t",
        "alter role authenticated set timezone = 'UTC'; alter role anon set timezone = 'UTC'",
        None,
    ),
    ("t", "alter role authenticator set timezone = 'UTC'", None),
    ("t", "alter database postgres set timezone = 'UTC'", None),
    (
        "t",
        "alter role anon in database postgres set search_path = 'x'",
        "the setting search_path of anon and that of authenticated differ",
    ),
    ("t", "alter role anon set app.thing = '1'", "the setting app.thing of anon and that of"),
    (
        "t",
        "alter role anon set statement_timeout = '3s'; alter role anon set log_statement = 'all'",
        None,
    ),
    (
        "t",
        "alter role authenticator set pgrst.db_pre_request = 'public.look'",
        "public.look() runs before each request (pgrst.db_pre_request)",
    ),
    (
        "t",
        "alter database postgres set pgrst.db_pre_request = 'public.look'",
        "public.look() runs before each request (pgrst.db_pre_request)",
    ),
    ("t", "alter role authenticator set pgrst.db_pre_request = ''", None),
    ("t", "alter role members set pgrst.db_pre_request = 'public.look'", None),
    (
        "t",
        "alter role authenticator set pgrst.jwt_role_claim_key = '.a'",
        "the setting pgrst.jwt_role_claim_key may change who reads what",
    ),
    ("t", "alter role authenticator set pgrst.db_max_rows = '10'", None),
    (
        "t",
        "create schema extensions; grant usage on schema extensions to authenticated",
        "anon may not use the schema extensions",
    ),
    (
        "t",
        """create schema "More"; grant usage on schema "More" to anon;
           alter role authenticator set pgrst.db_extra_search_path = 'public, "More"'""",
        'authenticated may not use the schema "More"',
    ),
    ("t", "create schema more; grant usage on schema more to authenticated", None),
    (
        "t",
        """create schema more; grant usage on schema more to authenticated;
           create function more.same(int, text) returns boolean language sql immutable
             as 'select true';
           create operator more.= (leftarg = int, rightarg = text, function = more.same)""",
        "anon may not use the schema more",
    ),
    (
        "t",
        """create schema more; grant usage on schema more to anon;
           create domain code as text;
           create function more.json(code) returns json language sql immutable
             as 'select to_json($1::text)';
           create cast (code as json) with function more.json(code) as implicit""",
        "authenticated may not use the schema more",
    ),
]
