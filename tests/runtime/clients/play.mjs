// Plays with the real supabase-js. For each line of JSON on standard input, which names a read or
// write, where Supabase and the edge are, a key, and perhaps a user and his token, it prints a line:
// the outcome.
import { createInterface } from "node:readline";
import { createClient } from "@supabase/supabase-js";
import { OTHERS } from "./others.mjs";
import { READS } from "./reads.mjs";

const clients = new Map();

// The change that an app makes: what it reads comes from the edge; all else stays with Supabase, or
// takes the same way where it is to.
function fromTheEdge(supabase, edge, methods) {
  return (url, options) =>
    fetch(
      methods.includes(options.method) ? url.replace(`${supabase}/rest/v1/`, `${edge}/rest/v1/`) : url,
      options,
    );
}

function clientFor({ supabase, edge, methods, key, token }) {
  const name = JSON.stringify([supabase, edge, methods, key, token]);
  if (!clients.has(name)) {
    clients.set(
      name,
      createClient(supabase, key, {
        global: { fetch: fromTheEdge(supabase, edge, methods) },
        ...(token ? { accessToken: async () => token } : {}),
      }),
    );
  }
  return clients.get(name);
}

async function play(request) {
  const asked = { ...READS, ...OTHERS }[request.name](clientFor(request), request.user);
  const { data, count, status, error } = await asked;
  const { code, message, details, hint } = error ?? {};
  return { data, count, status, error: error && { code, message, details, hint } };
}

for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await play(JSON.parse(line)).catch((failure) => ({ failure: failure.stack }));
  console.log(JSON.stringify(outcome));
}
