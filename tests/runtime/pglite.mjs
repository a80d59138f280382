// A real Postgres (PGlite) for the tests: takes SQL, a JSON text a line, and answers each with a line:
// the last statement's rows, or the error's code, and what it warned of. An argument names a copy of a
// database, to begin with. For a JSON object with a path, the database is copied to there.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { PGlite } from "@electric-sql/pglite";

const [copy] = process.argv.slice(2);
const db = new PGlite(copy ? { loadDataDir: new Blob([readFileSync(copy)]) } : {});
const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);

async function copyTo(path) {
  const dump = await db.dumpDataDir("none");
  writeFileSync(path, Buffer.from(await dump.arrayBuffer()));
  return { rows: [] };
}

for await (const line of createInterface({ input: process.stdin })) {
  const warnings = [];
  const onNotice = ({ severity, message }) => severity === "WARNING" && warnings.push(message);
  const asked = JSON.parse(line);
  const done = asked.path
    ? copyTo(asked.path)
    : db.exec(asked, { onNotice }).then((results) => ({ rows: results.at(-1)?.rows ?? [] }));
  const said = await done.catch(({ code, message }) => ({ rows: [], code, message }));
  console.log(JSON.stringify({ ...said, warnings }, plain));
}
await db.close();
