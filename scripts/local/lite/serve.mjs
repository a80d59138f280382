// Serves Supabase Lite from the folder that it is started in, whose `supabase/` has a project.
//
// `lite dev` would do most of it. But it does not run the INSERTs of schema files, seeds again after a
// change, names the wrong file if one fails, and refuses what a browser asks before it calls a function.
//
// The argument is a JSON object, which scripts/local/supabase_lite.py makes. If SQL of the user's fails,
// the last line of the output says where, and the exit status is 2.
import { createApi } from "@supabase/lite/cli";
import { createAdaptorServer } from "@hono/node-server";
import { gateway } from "./gateway.mjs";
import { deliverRequests } from "./pg_net.mjs";
import { FaultInSql, install, migrate, remember } from "./schema.mjs";

const HOST = "127.0.0.1";
const IS_MISTAKEN = 2;

/** Returns a function that runs one thing after the other: all requests share one connection. */
function inTurn() {
  let last = Promise.resolve();
  return (act) => {
    const done = last.then(act);
    last = done.catch(() => {});
    return done;
  };
}

async function main({ port, migration, script, vault }) {
  const api = await createApi({ withSupabaseClient: false });
  const app = await api.project.local.createApp(undefined, { admin: false });
  if (migration) await migrate(app, migration);
  if (script) await install(app, script);
  const turn = inTurn();
  if (vault) {
    await remember(app.connection.driver, vault);
    await deliverRequests(app.connection.driver, turn);
  }
  const server = createAdaptorServer({ fetch: gateway((request) => turn(() => app.fetch(request))) });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, resolve);
  });
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => turn(() => app.connection.close()).finally(() => process.exit(0)));
  }
}

try {
  await main(JSON.parse(process.argv[2]));
} catch (error) {
  if (!(error instanceof FaultInSql)) throw error;
  console.log(error.message);
  process.exit(IS_MISTAKEN);
}
