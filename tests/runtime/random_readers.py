"""Projects made at random, of which several readers ask everything, each with a role and a token.

Some of their policies, grants, views and functions give everybody the same, and some do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from pglite import Pglite

ALICE = "00000000-0000-4000-8000-00000000000a"
BOB = "00000000-0000-4000-8000-00000000000b"
CAROL = "00000000-0000-4000-8000-00000000000c"

PREPARATION = f"""
  create schema auth;
  create schema r;
  create schema private;
  create role keeper;
  create role owner bypassrls;
  create role members;
  grant keeper, owner to postgres;
  grant usage on schema auth, r, private to anon, authenticated, members, keeper, owner;
  create function auth.jwt() returns jsonb language sql stable
    as 'select nullif(current_setting(''request.jwt.claims'', true), '''')::jsonb';
  create function auth.uid() returns uuid language sql stable
    as 'select (auth.jwt() ->> ''sub'')::uuid';
  create function auth.role() returns text language sql stable as 'select auth.jwt() ->> ''role''';
  create function private.answers(queries text[]) returns text[] language plpgsql as $$
    declare found text[] := '{{}}'; query text; answer text;
    begin
      foreach query in array queries loop
        begin
          execute format('select json_agg(x order by x::text) from (%s) as x', query)
            into answer;
        exception when others then
          answer := 'error ' || sqlstate;
        end;
        found := found || coalesce(answer, 'nothing');
      end loop;
      return found;
    end
  $$;
  create table private.members (usr uuid, org text);
  insert into private.members values ('{ALICE}', 'a'), ('{BOB}', 'b'), ('{CAROL}', 'a');
"""

READERS = (
    ("anon", {"role": "anon"}),
    ("authenticated", {"role": "authenticated", "sub": ALICE, "org": "a"}),
    ("authenticated", {"role": "authenticated", "sub": BOB, "org": "b"}),
    ("authenticated", {"role": "authenticated", "sub": CAROL, "is_anonymous": True}),
)

COLUMNS = ("id", "owner", "org", "published", "at", "n")

PLAIN = (
    "true",
    "true",
    "true",
    "published",
    "n > 1",
    "at < now()",
    "at::text > '2020'",
    "org = any (array['a', 'c'])",
    "n = (select max(n) from private.members, lateral (values (1), (2)) as x(n))",
    "lower(org) = 'a' or published",
)
"""What nobody's token or role changes."""

LOOKING = (
    "owner = auth.uid()",
    "owner = (select auth.uid())",
    "published or owner = auth.uid()",
    "auth.role() = 'authenticated'",
    "org = (auth.jwt() ->> 'org')",
    "current_user <> 'anon'",
    "coalesce((auth.jwt() ->> 'is_anonymous')::boolean, false) is false",
    "current_setting('request.jwt.claims', true) like '%sub%'",
    "pg_has_role(current_user, 'members', 'usage')",
    "org in (select org from private.members where usr = auth.uid())",
)


@dataclass
class Project:
    """What a project is made of, and what can be asked of it, by names."""

    statements: list[str] = field(default_factory=list)
    queries: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, list[str]] = field(default_factory=dict)


def project_at_random(random: Random) -> Project:
    """Return a project in the schema ``r``."""
    project = Project()
    _Maker(project, random).make()
    return project


def reasons(database: Pglite) -> dict[str, str | None]:
    """Return what the proof says of each relation and function of the project."""
    rows = database.run("""
        select coalesce(relname, proname) as name, differs
        from edge_cache.differs_of(
          (
            select array_agg(oid)
            from pg_class
            where relnamespace = 'r'::regnamespace and relkind in ('r', 'v')
          ),
          (select array_agg(oid) from pg_proc where pronamespace = 'r'::regnamespace)
        )
        left join pg_class on kind = 'relation' and pg_class.oid = node
        left join pg_proc on kind = 'function' and pg_proc.oid = node
    """)
    return {f"r.{row['name']}": row["differs"] for row in rows}


def answers(database: Pglite, project: Project) -> dict[str, set[tuple[str, ...]]]:
    """Return the answers that the readers get of each relation and function."""
    asked = [(name, query) for name, queries in project.queries.items() for query in queries]
    texts = ", ".join("'" + query.replace("'", "''") + "'" for _, query in asked)
    found: dict[str, set[tuple[str, ...]]] = {name: set() for name in project.queries}
    for role, claims in READERS:
        database.run(f"""
            savepoint reader; set local role {role};
            {"; ".join(project.settings.get(role, []))};
            set local request.jwt.claims = '{json.dumps(claims)}'
        """)
        told = database.value(f"select private.answers(array[{texts}])")
        database.run("rollback to reader")
        for name, answered in found.items():
            pairs = zip(asked, told, strict=True)
            answered.add(tuple(answer for (of, _), answer in pairs if of == name))
    return found


class _Maker:
    def __init__(self, project: Project, random: Random) -> None:
        self.project = project
        self.random = random
        self.relations: list[str] = []
        self.functions: list[str] = []

    def run(self, statement: str) -> None:
        self.project.statements.append(statement)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one_of(self, *texts: str) -> str:
        return self.random.choice(texts)

    def make(self) -> None:
        if self.chance(0.6):
            self.grant("private.members", ("usr", "org"))
        else:
            self.run("grant select on private.members to anon, authenticated")
        self.run("grant select on private.members to keeper, owner")
        if self.chance(0.3):
            self.run("alter table private.members enable row level security")
            for number in range(self.random.randint(0, 2)):
                self.policy(
                    f"p{number}", "private.members", ("true", "org = 'a'", "usr = auth.uid()")
                )
        self.helpers()
        for number in range(4):
            self.table(f"r.t{number}")
        for number in range(5):
            self.view(f"r.v{number}")
        for number in range(4):
            self.function(f"r.f{number}")
        self.roles()

    def roles(self) -> None:
        for _ in range(self.random.randint(0, 2)):
            how = self.random.choice(["", "", " with inherit false"])
            self.run(f"grant members to {self.role()}{how}")
        if self.chance(0.06):
            self.run(f"alter role {self.role()} bypassrls")
        for role in ("anon", "authenticated"):
            if self.chance(0.06):
                zone = self.random.choice(["UTC", "Asia/Tokyo"])
                self.run(f"alter role {role} set timezone = '{zone}'")
                self.project.settings[role] = [f"set local timezone = '{zone}'"]

    def role(self) -> str:
        return self.random.choice(["anon", "authenticated", "anon, authenticated"])

    def helpers(self) -> None:
        """Make functions that policies and views call."""
        for number in range(4):
            name = f"private.h{number}"
            kind = self.random.choice(
                ["body", "body", "body", "text", "default", "rows", "promised"]
            )
            safety = self.random.choice(["", "", "security definer"])
            inner = self.expression("true", "auth.uid() is null", "current_user = 'anon'")
            start = "() returns boolean language sql stable"
            rows = f"exists (select from private.members where usr = '{ALICE}')"
            text = {
                "body": f"{start} {safety} begin atomic select {inner}; end",
                "rows": f"{start} {safety} begin atomic select {rows}; end",
                "text": f"{start} {safety} as $$ select {inner} $$",
                "promised": "() returns boolean language sql immutable as 'select true'",
                "default": "(u text default current_user) returns boolean language sql immutable"
                " as $$ select u = 'anon' $$",
            }[kind]
            self.run(f"create function {name}{text}")
            if safety and kind in {"body", "rows", "text"}:
                self.run(f"alter function {name} owner to {self.one_of('keeper', 'owner')}")
            if self.chance(0.15):
                self.run(f"revoke all on function {name} from public")
                self.run(f"grant execute on function {name} to keeper, owner, {self.role()}")
            self.functions.append(f"{name}()")

    def expression(self, *more: str) -> str:
        if more:
            return self.random.choice(more)
        choice = self.random.random()
        if choice < 0.5:
            return self.random.choice(PLAIN)
        if choice < 0.68:
            return self.random.choice(LOOKING)
        if choice < 0.85 or not self.relations:
            return self.random.choice(self.functions)
        other = self.random.choice(self.relations)
        return f"n <= (select count(*) from {other} as o where o.n > 0)"

    def grant(self, name: str, columns: tuple[str, ...] = COLUMNS) -> None:
        kind = self.random.random()
        if kind < 0.78:
            self.run(f"grant select on {name} to anon, authenticated")
        elif kind < 0.86:
            self.run(f"grant select on {name} to {self.one_of('anon', 'authenticated', 'public')}")
        elif kind < 0.96:
            for role in ("anon", "authenticated"):
                some = columns if self.chance(0.5) else columns[:-1]
                self.run(f"grant select ({', '.join(some)}) on {name} to {role}")

    def table(self, name: str) -> None:
        self.run(
            f"create table {name} (id int primary key, owner uuid, org text, published boolean,"
            " at timestamptz, n int)"
        )
        for number in range(1, 5):
            owner = self.random.choice([ALICE, BOB, CAROL])
            self.run(
                f"insert into {name} values ({number}, '{owner}', '{self.random.choice('abc')}',"
                f" {self.random.choice(['true', 'false'])}, '2024-01-0{number}Z', {number})"
            )
        self.run(f"grant select on {name} to keeper, owner, members")
        self.grant(name)
        if self.chance(0.8):
            self.run(f"alter table {name} enable row level security")
            for number in range(self.random.choice([0, 1, 1, 1, 2, 2, 3])):
                self.policy(f"p{number}", name)
        if self.chance(0.05):
            self.run(
                f"alter table {name} owner to {self.one_of('anon', 'authenticated', 'members')}"
            )
            if self.chance(0.4):
                self.run(f"alter table {name} force row level security")
        self.add(name, COLUMNS)

    def add(self, name: str, columns: tuple[str, ...]) -> None:
        self.relations.append(name)
        queries = [f"select {column} from {name}" for column in columns]
        queries += [
            f"select * from {name}",
            f"select count(*) from {name}",
            f"select n, ctid from {name}",
        ]
        self.project.queries[name] = queries

    def policy(self, name: str, relation: str, expressions: tuple[str, ...] = ()) -> None:
        command = self.random.choice(["", "", "for select", "for select", "for update"])
        permissive = self.random.choice(["", "", "", "as restrictive"])
        readers = ["public", "public", "anon", "authenticated", "anon, authenticated", "members"]
        expression = self.expression(*expressions)
        text = f"on {relation} {permissive} {command} to {{}} using ({expression})"
        if self.chance(0.15):  # one for each role
            self.run(f"create policy {name}a {text.format('anon')}")
            self.run(f"create policy {name}b {text.format('authenticated')}")
        else:
            self.run(
                f"create policy {name} {text.format(self.random.choice([*readers, 'keeper']))}"
            )

    def view(self, name: str) -> None:
        below, other = self.random.choice(self.relations), self.random.choice(self.relations)
        options = self.random.choice(["", "", "with (security_invoker = true)"])
        call = self.random.choice(self.functions)
        text = self.one_of(
            f"select * from {below} as b",
            f"select * from {below} as b where {self.expression()}",
            f"select * from {below} as b where exists (select from {other} as o where o.n = b.n)",
            f"select id, owner, org, published, at, (select count(*)::int from {other}) as n"
            f" from {below}",
            f"select id, owner, org, {call} as published, at, n from {below}",
            "select 1 as id, null::uuid as owner, max(org) as org, bool_or(published) as published,"
            f" max(at) as at, sum(n)::int as n from {below}",
            f"select * from {below} union select * from {other}",
        )
        self.run(f"create view {name} {options} as {text}")
        if self.chance(0.4):
            self.run(f"grant select on {name} to keeper, owner")
            self.run(
                f"alter view {name} owner to {self.one_of('keeper', 'owner', 'authenticated')}"
            )
        self.run(f"grant select on {name} to keeper, owner")
        self.grant(name)
        self.add(name, COLUMNS)

    def function(self, name: str) -> None:
        below = self.random.choice(self.relations)
        inner = self.random.choice(
            [
                f"select count(*) from {below}",
                f"select count(*) from {below} where {self.expression()}",
                f"select count(*) from {below} as b where {self.random.choice(self.functions)}",
            ]
        )
        safety = self.random.choice(["", "security definer"])
        text = self.random.choice([*3 * [f"begin atomic {inner}; end"], f"as $$ {inner} $$"])
        arguments = self.random.choice(
            [*3 * [""], "u text default current_user", "n int default 5"]
        )
        volatility = self.random.choice(["stable", "stable", "stable", "volatile"])
        self.run(
            f"create function {name}({arguments}) returns bigint language sql"
            f" {volatility} {safety} {text}"
        )
        if safety:
            self.run(f"alter function {name} owner to {self.one_of('keeper', 'owner')}")
        if self.chance(0.15):
            self.run(f"revoke all on function {name} from public")
            self.run(f"grant execute on function {name} to {self.role()}")
        self.project.queries[name] = [f"select {name}()"]


def numbered(first: int, count: int) -> Iterator[Random]:
    """Return sources of chance, each of which can be had again by its number."""
    for number in range(first, first + count):
        yield Random(number)
