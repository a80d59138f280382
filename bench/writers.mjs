// writers.mjs: what the script of `npm run sql` costs whoever writes a table, on PGlite.
//
//   npm run --silent sql | node bench/writers.mjs
//
// The same statements run in two databases, one of which has the script, in turns; each line is how
// many times as long the latter takes: the median of the rounds, the lowest and the highest.
import { readFileSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";

const ROUNDS = 15;
const STATEMENTS = { "one row": 200, "1,000 rows": 5 }; // of each, in a round

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const ROLES = "create role anon; create role authenticated; create role service_role;";
const VAULT = `insert into vault.secrets values
  ('edge_cache_url', 'https://edge.example/revalidate'), ('edge_cache_secret', 'secret')`;

async function database(script) {
  const db = new PGlite();
  const files = ["../tests/runtime/stand_ins.sql", "../supabase/schemas/articles.sql"];
  for (const sql of [ROLES, ...files.map(read), VAULT, script]) await db.exec(sql);
  return db;
}

async function seconds(db, rows, statements) {
  const insert = `insert into public.articles (title, body)
    select 'Title ' || n, repeat('x', 1000) from generate_series(1, ${rows}) as n`;
  const began = performance.now();
  for (let n = 0; n < statements; n += 1) await db.query(insert);
  return (performance.now() - began) / 1000;
}

const [without, told] = [await database(""), await database(readFileSync(0, "utf8"))];

for (const [name, statements] of Object.entries(STATEMENTS)) {
  const rows = name === "one row" ? 1 : 1000;
  const ratios = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const plain = await seconds(without, rows, statements);
    const ratio = (await seconds(told, rows, statements)) / plain;
    if (round >= 0) ratios.push(ratio); // the first one warms up
    for (const db of [without, told]) await db.exec("truncate public.articles");
  }
  ratios.sort((a, b) => a - b);
  const [low, median, high] = [0, ROUNDS >> 1, ROUNDS - 1].map((n) => ratios[n].toFixed(2));
  await told.exec("truncate net.sent");
  await seconds(told, rows, 1);
  const { requests } = (await told.query("select count(*)::int as requests from net.sent")).rows[0];
  console.log(`insert of ${name}: ${median} (${low} to ${high}), requests: ${requests}`);
}
await Promise.all([without.close(), told.close()]);
