// Brings the database to what the SQL files of the project say.
import { appliedVersions, recordVersion } from "@supabase/lite";
import { listMigrationFiles } from "@supabase/lite/cli";
import { parse } from "libpg-query";
import { readFile } from "node:fs/promises";
import { relative } from "node:path";

/** SQL of the user's fails. The message is a sentence that names the file and the line. */
export class FaultInSql extends Error {}

const ROLES = ["anon", "authenticated", "service_role bypassrls"]
  .map((role) => `create role ${role};`)
  .map((create) => `do $$ begin ${create} exception when duplicate_object then null; end $$;`)
  .join("\n");

const OF_THE_SCRIPT = "drop schema if exists vault cascade; drop schema if exists net cascade;";

/**
 * Makes a new database from migrations, schema files and seeds. If there is one, it only applies what
 * has changed: its rows stay, and seeds do not run again.
 */
export async function migrate(app, { isNew, schemas, seeds, removing }) {
  const { connection } = app;
  const db = connection.driver;
  await app.ensureSystemSchema();
  await db.exec(ROLES);
  if (!isNew) await db.exec(`${await readFile(removing, "utf8")}; ${OF_THE_SCRIPT}`);
  const migrations = await applyMigrations(app);
  if (isNew && migrations === 0) await run(db, schemas);
  else if (schemas.length > 0) await applyDifference(connection, schemas);
  if (isNew) await run(db, seeds);
  await connection.clearSchemaCache();
}

/** Runs the migrations that did not run yet, and returns how many there are. */
async function applyMigrations(app) {
  const files = await listMigrationFiles(app);
  const applied = new Set(await appliedVersions(app.connection));
  for (const { version, name, path } of files) {
    if (applied.has(version)) continue;
    await run(app.connection.driver, [path]);
    await recordVersion(app.connection, { version, name, statements: [] });
  }
  return files.length;
}

async function applyDifference(connection, schemas) {
  const wanted = await Promise.all(schemas.map((path) => readFile(path, "utf8")));
  const migrator = connection.createMigrator(wanted.join("\n"));
  let plan;
  try {
    ({ plan } = await migrator.diff());
  } catch (error) {
    await findFault(connection, schemas);
    throw error;
  }
  await migrator.migratePlan(plan, { force: true });
}

/** Runs schema files in an empty database. Raises FaultInSql with the place of the first error. */
async function findFault(connection, schemas) {
  const empty = new connection.constructor();
  try {
    await empty.driver.exec(`${ROLES}\n${connection.config.baseSchema}`);
    await run(empty.driver, schemas);
  } finally {
    await empty.close();
  }
}

/** Runs files, each in a transaction. Raises FaultInSql. */
export async function run(db, paths) {
  for (const path of paths) await runFile(db, path);
}

async function runFile(db, path) {
  const text = await readFile(path);
  let at = 0;
  if (text.toString().trim() === "") return; // the parser refuses that
  try {
    const { stmts = [] } = await parse(text.toString());
    await db.exec("begin");
    for (const { stmt_location: start = 0, stmt_len: length } of stmts) {
      at = start;
      await db.exec(text.subarray(start, length ? start + length : undefined).toString());
    }
    await db.exec("commit");
  } catch (error) {
    await db.exec("rollback");
    throw new FaultInSql(sentence(path, text, at, error));
  }
}

function sentence(path, text, at, { code, message, hint, position, sqlDetails }) {
  const rest = text.subarray(at).toString();
  const inRest = sqlDetails?.cursorPosition ?? (position ? position - 1 : beginning(rest));
  const line = text.subarray(0, at).toString().split("\n").length + newlines(rest.slice(0, inRest));
  const advice = [hint, MISSING.has(code) && ORDER].filter(Boolean).map((said) => ` ${said}`);
  return `${relative(process.cwd(), path)}, line ${line}: ${message}.${advice.join("")}`;
}

/** Errors about a relation, a column, a function, another object or a schema that does not exist. */
const MISSING = new Set(["42P01", "42703", "42883", "42704", "3F000"]);

const ORDER = "If another file makes it: files of one folder run in the order of their names.";

const newlines = (text) => text.split("\n").length - 1;

/** Returns where a statement begins, after the comments before it. */
const beginning = (text) => /^(?:\s+|--[^\n]*|\/\*[^]*?\*\/)*/.exec(text)[0].length;

/** Installs the stand-ins for Vault and pg_net, and the script. Both may be there already. */
export async function install(app, script) {
  const standIns = await readFile(new URL("stand_ins.sql", import.meta.url), "utf8");
  await app.connection.driver.exec(`${OF_THE_SCRIPT} ${standIns}`);
  await app.connection.driver.exec(await readFile(script, "utf8"));
  await app.connection.clearSchemaCache();
}

/** Puts the Worker's address and the secret into Vault. */
export async function remember(db, vault) {
  for (const [name, secret] of Object.entries(vault)) {
    await db.query("delete from vault.secrets where name = $1", [name]);
    await db.query("select vault.create_secret($1, $2)", [secret, name]);
  }
}
