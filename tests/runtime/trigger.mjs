// Runs supabase/webhook.sql on a real Postgres (PGlite) and prints, as JSON, what its trigger sends.
// Vault and pg_net exist on Supabase only; tables of the same shape stand in for them.
import { readFileSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";

const [schema, webhook] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const db = new PGlite();

await db.exec(`
  create role anon; create role authenticated; create role service_role;
  create schema vault; create schema net;
  create table vault.decrypted_secrets (name text, decrypted_secret text);
  create table net.sent (url text, headers jsonb, body jsonb, timeout int);
  create function net.http_post(url text, headers jsonb, body jsonb, timeout_milliseconds int)
    returns bigint language sql as
    $$ insert into net.sent values (url, headers, body, timeout_milliseconds); select 1::bigint $$;
`);
await db.exec(schema);
await db.exec(webhook.replace("create extension if not exists pg_net;", ""));
await db.exec(`
  insert into public.articles (id, title) values (7, 'before the secrets are there');
  insert into vault.decrypted_secrets values ('edge_cache_url', 'https://x/revalidate'),
                                             ('edge_cache_secret', 'from-vault');
  insert into public.articles (id, title) values (8, 'private text');
  update public.articles set id = 9 where id = 8;
  delete from public.articles where id = 9;
`);
const definition = await db.query("select pg_get_functiondef('edge_cache.notify'::regproc) as text");
const sent = await db.query("select * from net.sent");
console.log(JSON.stringify({ sent: sent.rows, definition: definition.rows[0].text }));
await db.close();
