"""A project in which nothing is wrong, for the tests of `edge_cache.check()`."""

from __future__ import annotations

from pglite import Pglite

from edge_cache.tables import Declared, Table

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
  create table fresh (id bigint primary key);

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


def found(database: Pglite, fault: str) -> list[tuple[str, str]]:
    """Return (object, finding) once something is wrong."""
    database.run(fault)
    findings = database.run("select * from edge_cache.check()")
    assert all(row["advice"] for row in findings)
    assert {row["severity"] for row in findings} <= {"error", "warning", "info"}
    return [(row["object"], row["finding"]) for row in findings if row["severity"] != "info"]
