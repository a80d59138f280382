// A real Postgres (PGlite) for the tests: takes SQL, a JSON text a line, and answers each with a line:
// the last statement's rows, or the error's code, and what it warned of.
import { createInterface } from "node:readline";
import { PGlite } from "@electric-sql/pglite";

const db = new PGlite();
const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);

for await (const line of createInterface({ input: process.stdin })) {
  const warnings = [];
  const onNotice = ({ severity, message }) => severity === "WARNING" && warnings.push(message);
  const said = await db.exec(JSON.parse(line), { onNotice }).then(
    (results) => ({ rows: results.at(-1)?.rows ?? [] }),
    ({ code, message }) => ({ rows: [], code, message }),
  );
  console.log(JSON.stringify({ ...said, warnings }, plain));
}
await db.close();
