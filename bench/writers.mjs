// writers.mjs: how much slower writes of a table are with the script of `npm run sql`, on PGlite.
//
//   npm run --silent sql | node bench/writers.mjs
//
// The same statement runs in turns in two databases, of which only one has the script. Each line says
// how many times as long it takes with the script: the median of the rounds, the lowest, the highest.
import { readFileSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";

const ROUNDS = 15;

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const ROLES = "create role anon; create role authenticated; create role service_role;";
const VAULT = `insert into vault.secrets values
  ('edge_cache_url', 'https://edge.example/revalidate'), ('edge_cache_secret', 'secret')`;

async function database(script) {
  const db = new PGlite();
  const files = ["../scripts/local/lite/stand_ins.sql", "../supabase/schemas/articles.sql"];
  for (const sql of [ROLES, ...files.map(read), VAULT, script]) await db.exec(sql);
  return db;
}

async function msOf(db, rows) {
  const began = performance.now();
  await db.query(`insert into public.articles (title, body)
    select 'Title ' || n, repeat('x', 1000) from generate_series(1, ${rows}) as n`);
  return performance.now() - began;
}

const [without, told] = [await database(""), await database(readFileSync(0, "utf8"))];

async function ratioOf(rows, statements) {
  let [plain, more] = [0, 0];
  for (let n = 0; n < statements; n += 1) {
    plain += await msOf(without, rows);
    more += await msOf(told, rows);
  }
  for (const db of [without, told]) await db.exec("truncate public.articles");
  return more / plain;
}

for (const [rows, statements] of [[1, 300], [1000, 15]]) {
  await ratioOf(rows, statements); // warms up
  const ratios = [];
  for (let round = 0; round < ROUNDS; round += 1) ratios.push(await ratioOf(rows, statements));
  ratios.sort((a, b) => a - b);
  const [low, median, high] = [0, ROUNDS >> 1, ROUNDS - 1].map((n) => ratios[n].toFixed(2));
  await told.exec("truncate net.http_request_queue");
  await msOf(told, rows);
  const { requests } = (await told.query("select count(*)::int as requests from net.http_request_queue")).rows[0];
  console.log(`insert of ${rows}: ${median} (${low} to ${high}), requests: ${requests}`);
}
await Promise.all([without.close(), told.close()]);
