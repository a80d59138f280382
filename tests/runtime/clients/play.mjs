// Plays with the real supabase-js. For each line of JSON on standard input, which names a read or
// write, where Supabase and the edge are, a key, and perhaps a user's account, it prints a line: the
// outcome. A user signs in once for each client.
import { createInterface } from "node:readline";
import { createClient } from "@supabase/supabase-js";
import { OTHERS } from "./others.mjs";
import { READS } from "./reads.mjs";
import { SHOP } from "./shop.mjs";

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

async function newClient({ supabase, edge, methods, key, email, password }) {
  const client = createClient(supabase, key, {
    global: { fetch: fromTheEdge(supabase, edge, methods) },
    auth: { autoRefreshToken: false, persistSession: false },
  });
  if (email) {
    const { error } = await client.auth.signInWithPassword({ email, password });
    if (error) throw error;
  }
  return client;
}

async function clientFor({ supabase, edge, methods, key, email, password }) {
  const name = JSON.stringify([supabase, edge, methods, key, email]);
  if (!clients.has(name)) {
    clients.set(name, await newClient({ supabase, edge, methods, key, email, password }));
  }
  return clients.get(name);
}

async function play(request) {
  const client = await clientFor(request);
  const { data, count, status, error } = await { ...READS, ...SHOP, ...OTHERS }[request.name](
    client,
    request.user,
  );
  const { code, message, details, hint } = error ?? {};
  return { data, count, status, error: error && { code, message, details, hint } };
}

for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await play(JSON.parse(line)).catch((failure) => ({ failure: failure.stack }));
  console.log(JSON.stringify(outcome));
}
