// upstream.mjs PORT ROW_BYTES LARGE_ROW.json LIST.json EDITED_LIST.json TABLE.json…: answers in
// Supabase's place, from memory.
//
// All rows of a table have the same length in the file, so a page is a slice of it. Ids from LARGE_IDS on
// name large rows that differ only in their ids, so each can be a miss. A request with a limit gets the
// list, whatever else it asks for.
//
// With another path the benchmark controls it. GET /control returns how often it was asked for rows.
// PUT /control?table=I&rows=N selects the table and its length. With &snapshot=1 the database has the
// function that returns a whole table at once. With &edited=1 the edited list is served. With &hold_ms=N
// the next answer waits this long, and with &delay_ms=N every answer does.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const MAX_ROWS = 1000; // Supabase's default `max_rows`
const LARGE_IDS = 1_000_000;
const ID_AT = '{"id":'.length;

const SNAPSHOT_PATH = "/rest/v1/rpc/edge_cache_snapshot";
const NO_FUNCTION = Buffer.from(
  '{"code":"PGRST202","details":null,"hint":null,"message":"Could not find the function"}',
);

const [port, rowBytes, largeRowPath, listPath, editedPath, ...tablePaths] = process.argv.slice(2);
const tables = tablePaths.map((path) => readFileSync(path));
const largeRow = readFileSync(largeRowPath);
const lists = [listPath, editedPath].map((path) => readFileSync(path));
const stride = Number(rowBytes) + 1; // the comma
const pages = new Map();

let table = 0;
let total = 0;
let hasSnapshot = false;
let edition = 0;
let holdMs = 0;
let delayMs = 0;
let asked = 0;

function rowsBetween(first, last) {
  return tables[table].subarray(1 + first * stride, last * stride);
}

function page(first, last) {
  const name = `${table}: ${first}-${last}`;
  if (!pages.has(name)) {
    const [open, close] = [Buffer.from("["), Buffer.from("]")];
    pages.set(name, Buffer.concat([open, rowsBetween(first, last), close]));
  }
  return pages.get(name);
}

function send(response, status, headers, body) {
  response.writeHead(status, { ...headers, "content-length": body.length });
  response.end(body);
}

function largeRowOf(id) {
  const row = Buffer.from(largeRow);
  row.write(String(id), ID_AT);
  return row;
}

function sendRow(response, id) {
  const body = id >= LARGE_IDS ? largeRowOf(id) : rowsBetween(id - 1, id);
  const type = "application/vnd.pgrst.object+json; charset=utf-8";
  send(response, 200, { "content-type": type, "content-range": "0-0/*" }, body);
}

function sendPage(response, first, counted) {
  const last = Math.min(first + MAX_ROWS, total);
  const status = counted && last - first < total ? 206 : 200;
  const range = `${first}-${last - 1}/${counted ? total : "*"}`;
  const type = "application/json; charset=utf-8";
  send(response, status, { "content-type": type, "content-range": range }, page(first, last));
}

function sendList(response, url) {
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-range": `0-${url.searchParams.get("limit") - 1}/*`,
    "content-profile": "public",
    "content-location": url.pathname.replace("/rest/v1", "") + url.search,
  };
  send(response, 200, headers, lists[edition]);
}

function sendSnapshot(response) {
  const [status, body] = hasSnapshot ? [200, page(0, total)] : [404, NO_FUNCTION];
  send(response, status, { "content-type": "application/json" }, body);
}

function control(request, response, query) {
  if (request.method === "PUT") {
    table = Number(query.get("table"));
    total = Number(query.get("rows"));
    hasSnapshot = query.get("snapshot") === "1";
    edition = Number(query.get("edited"));
    holdMs = Number(query.get("hold_ms"));
    delayMs = Number(query.get("delay_ms"));
  }
  send(response, 200, {}, Buffer.from(JSON.stringify({ asked })));
}

function answer(request, response, url) {
  const query = url.searchParams;
  const id = query.get("id");
  if (url.pathname === SNAPSHOT_PATH) {
    sendSnapshot(response);
  } else if (query.has("limit")) {
    sendList(response, url);
  } else if (id) {
    sendRow(response, Number(id.replace("eq.", "")));
  } else {
    const counted = (request.headers.prefer ?? "").includes("count=exact");
    sendPage(response, Number(query.get("offset") ?? 0), counted);
  }
}

createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === "/control") {
    control(request, response, url.searchParams);
    return;
  }
  asked += 1;
  const waitMs = holdMs || delayMs;
  holdMs = 0;
  if (waitMs) {
    setTimeout(answer, waitMs, request, response, url);
  } else {
    answer(request, response, url);
  }
}).listen(Number(port), "127.0.0.1");
