// serve.mjs SPEC.json: one Worker in a Miniflare, and so in a workerd process, of its own.
//
// There is no dev proxy in front of it. Miniflare's own server rewrites URLs, so a second port gives the
// Worker requests as they were sent. With a third port the benchmark controls it:
//   GET /               how long the runtime took from its start to its first answer
//   GET /keys           the metadata of each key of KV
//   GET /entry?key=K    a KV value, with its metadata in a header
//   PUT /entry?key=K    writes such a value
//   DELETE /entry?key=K removes it
//   POST /restart       restarts workerd, as a deployment does. KV and the objects' storage stay

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Log, LogLevel, Miniflare } from "miniflare";

const METADATA = "x-metadata";
const HOST = "127.0.0.1";

const spec = JSON.parse(readFileSync(process.argv[2], "utf8"));

function contents({ type, path }) {
  return type === "data" ? new Uint8Array(readFileSync(path)) : readFileSync(path, "utf8");
}

function manifest() {
  const modules = Object.fromEntries(
    spec.modules.map((module) => [module.name, { type: module.type, contents: contents(module) }]),
  );
  return { mainModule: spec.main, modulesRoot: "/", modules };
}

const config = {
  name: spec.name,
  compatibilityDate: spec.compatibilityDate,
  compatibilityFlags: spec.compatibilityFlags,
  manifest: manifest(),
  env: spec.env,
  exports: spec.exports,
};

const dev = { unsafeDirectSockets: [{ host: HOST, port: spec.directPort }] };

const options = {
  host: HOST,
  port: spec.port,
  log: new Log(LogLevel.WARN),
  logRequests: false,
  cf: false,
  workers: [{ config, dev }],
};

async function put(kv, key, value, metadata) {
  await kv.put(key, value, metadata ? { metadata: JSON.parse(metadata) } : {});
}

async function keysOf(kv) {
  const { keys } = await kv.list();
  return Object.fromEntries(keys.map(({ name, metadata }) => [name, JSON.stringify(metadata ?? null)]));
}

async function answer(kv, request, response) {
  const url = new URL(request.url, "http://localhost");
  const key = url.searchParams.get("key");
  if (url.pathname === "/") {
    response.end(JSON.stringify({ firstAnswerMs }));
  } else if (url.pathname === "/keys") {
    response.end(JSON.stringify(await keysOf(kv)));
  } else if (url.pathname === "/restart") {
    await miniflare.setOptions(options);
    response.end();
  } else if (request.method === "PUT") {
    await put(kv, key, await buffer(request), request.headers[METADATA]);
    response.end();
  } else if (request.method === "DELETE") {
    await kv.delete(key);
    response.end();
  } else {
    const { value, metadata } = await kv.getWithMetadata(key, "arrayBuffer");
    response.setHeader(METADATA, metadata ? JSON.stringify(metadata) : "");
    response.end(Buffer.from(value));
  }
}

let began = performance.now();
const miniflare = new Miniflare(options);
await miniflare.ready;
let firstAnswerMs = performance.now() - began;

// The time to write this entry does not count as start-up: only Miniflare does it.
const kv = await miniflare.getKVNamespace("ARTICLES");
await put(kv, "/articles", readFileSync(spec.seed.path), spec.seed.metadata);

began = performance.now();
const first = await fetch(`http://${HOST}:${spec.port}/articles`);
const text = await first.text();
firstAnswerMs += performance.now() - began;
if (first.status !== 200) {
  console.error(`The first answer was ${first.status}: ${text.slice(0, 1000)}`);
  process.exit(1);
}

const admin = createServer((request, response) => {
  answer(kv, request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error.stack));
  });
});
admin.listen(spec.adminPort, HOST);
