// Runs supabase/snapshot.sql twice on a real Postgres (PGlite), then asks the function as several
// roles and prints, as JSON, what each asking gave: a value, or an error's code.
import { readFileSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";

const [schema, snapshot] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const db = new PGlite();

await db.exec("create role anon; create role authenticated; create role service_role;");
await db.exec("create role stranger;");
await db.exec(schema);
await db.exec(snapshot);
await db.exec(snapshot);
await db.exec(`
  insert into public.articles (id, title, published) values
    (3, 'third', true), (1, 'first', true), (2, 'draft', false), (10, 'tenth', true);

  create table public."Odd ""name""" (found_rows text, "Key, column" text, found int);
  grant select on public."Odd ""name""" to anon;
  insert into public."Odd ""name""" values ('a', null, 1), ('b', 'b', 2), ('c', 'B', 3), ('d', '', 4);

  create table public.members (name text);
  insert into public.members values ('anon');
  grant select on public.members to anon;
  create function public.is_member() returns boolean language sql stable
    as $$ select exists (select from members where name = current_user) $$;
  create table public.for_members (id int);
  insert into public.for_members values (1);
  alter table public.for_members enable row level security;
  create policy "Members" on public.for_members for select to anon using (is_member());
  grant select on public.for_members to anon;

  create table public.closed (id int);
  insert into public.closed values (1);
  alter table public.closed enable row level security;
  grant select on public.closed to anon;

  create table public.secrets (id int);
  create schema elsewhere;
  grant usage on schema elsewhere to anon;
  create table elsewhere.articles (id int);
  grant select on elsewhere.articles to anon;
  grant select on public.articles to stranger;
`);

async function ask(role, ...names) {
  return await db.transaction(async (transaction) => {
    await transaction.exec(`set transaction read only; set local role ${role}`);
    const call = "select public.edge_cache_snapshot($1, $2, $3) as value";
    return (await transaction.query(call, names)).rows[0].value;
  }).catch((error) => error.code);
}

async function all(sql) {
  return (await db.query(sql)).rows;
}

console.log(
  JSON.stringify({
    articles: await ask("anon", "public", "articles", "id"),
    to_authenticated: await ask("authenticated", "public", "articles", "id"),
    to_stranger: await ask("stranger", "public", "articles", "id"),
    odd: await ask("anon", "public", 'Odd "name"', "Key, column"),
    odd_ordered: await all('select * from public."Odd ""name""" order by "Key, column" asc'),
    for_members: await ask("anon", "public", "for_members", "id"),
    empty: await ask("anon", "public", "closed", "id"),
    ungranted: await ask("anon", "public", "secrets", "id"),
    catalogue: await ask("anon", "pg_catalog", "pg_proc", "oid"),
    elsewhere: await ask("anon", "elsewhere", "articles", "id"),
    nowhere: await ask("anon", null, "articles", "id"),
    injected: await ask("anon", "public", "articles", 'id"), (select 1) --'),
    function: await all("select provolatile, prosecdef, proconfig from pg_proc where proname like 'edge_%'"),
  }),
);
await db.close();
