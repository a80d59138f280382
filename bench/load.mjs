// load.mjs PORT: runs bursts of load with autocannon and compares every answer, byte for byte.
//
// One process runs all bursts, so that its own warm-up affects all Workers equally. POST /burst takes
// a burst as JSON. The answer has what was measured, or what was wrong with the first bad answer.
// POST /herd takes the same without a time, for readers who all ask at once. POST /paced takes a number of
// requests and a pause, for one reader who asks one after the other. POST /steady takes readers
// who ask at a steady rate, and returns their answers, which somebody else compares.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { Comparison } from "./comparison.mjs";
import { herd } from "./herd.mjs";
import { paced } from "./paced.mjs";
import { steady } from "./steady.mjs";

const SAMPLE_MS = 20; // how often autocannon checks whether to stop
const TIMEOUT_S = 30;
const LONGEST_S = 60;

const bodies = new Map();
let freshId = 1_000_000;

function bodyAt(path) {
  if (!bodies.has(path)) {
    bodies.set(path, readFileSync(path));
  }
  return bodies.get(path);
}

/** Counts an answer by its Cache-Status, without the numbers in it. */
function tally(headers, told) {
  const at = headers.findIndex((text, index) => index % 2 === 0 && /^cache-status$/i.test(text));
  const status = (headers[at + 1] ?? "").replace(/-?\d+/g, "N");
  told[status] = (told[status] ?? 0) + 1;
}

/** Compares a client's answers with the expected one while they arrive. */
function watch(client, expected, report) {
  let comparison = new Comparison(expected);
  // This replaces autocannon's own code, which makes a string of every body.
  client.pipelinedRequests.addBody = (chunk) => comparison.add(chunk);
  if (report.told) {
    client.on("headers", ({ headers }) => tally(headers, report.told));
  }
  client.on("response", (status, _bytes, ms) => {
    const fault = comparison.faultOf(status);
    if (fault) {
      report.wrong ??= fault;
    } else {
      report.times.push(ms);
      report.lastAt = performance.now();
    }
    comparison = new Comparison(expected);
  });
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Returns what replaces `{n}` in a path by a number that no request had before, or by one from `firstId` on. */
function pathsOf({ path, firstId }) {
  let nextId = firstId;
  const idOf = () => String(firstId ? nextId++ : freshId++);
  return () => (path.includes("{n}") ? path.replace("{n}", idOf()) : path);
}

function requestOf(order) {
  const { method, path, headers, body } = order;
  const fixed = { method, path, headers, body: body ?? undefined };
  if (!path.includes("{n}")) {
    return fixed;
  }
  const pathOf = pathsOf(order);
  const setupRequest = (request) => ({ ...request, path: pathOf() });
  return { ...fixed, path: path.replace("{n}", "0"), setupRequest };
}

/** Stops a run when its time is over and there are at least as many answers as connections. */
function stopInTime(tracker, { seconds, connections }, report) {
  const began = performance.now();
  const timer = setInterval(() => {
    const enough = report.wrong || report.times.length >= connections;
    if (enough && performance.now() - began >= seconds * 1000) {
      tracker.stop();
      clearInterval(timer);
    }
  }, SAMPLE_MS);
  return () => clearInterval(timer);
}

function expectedOf({ status, expected, from }) {
  return { status, body: bodyAt(expected), from };
}

async function run(burst, expected) {
  const { default: autocannon } = await import("autocannon"); // the steady load does without
  const report = { times: [], lastAt: 0, wrong: undefined, told: burst.tells ? {} : null };
  const began = performance.now();
  const tracker = autocannon({
    url: burst.url,
    connections: burst.connections,
    duration: LONGEST_S,
    sampleInt: SAMPLE_MS,
    timeout: TIMEOUT_S,
    requests: [requestOf(burst)],
    setupClient: (client) => watch(client, expected, report),
  });
  const forget = stopInTime(tracker, burst, report);
  const result = await tracker;
  forget();
  if (result.errors) {
    report.wrong ??= `${result.errors} connections failed, ${result.timeouts} of them by time-out`;
  }
  const times = report.times.sort((a, b) => a - b);
  return {
    wrong: report.wrong ?? null,
    answers: times.length,
    seconds: (report.lastAt - began) / 1000,
    p50_ms: quantile(times, 0.5) ?? null,
    p99_ms: quantile(times, 0.99) ?? null,
    longest_ms: times.at(-1) ?? null,
    told: report.told,
  };
}

const RUNS = {
  "/burst": (order) => run(order, expectedOf(order)),
  "/herd": (order) => herd(order, expectedOf(order)),
  "/paced": (order) => paced(order, pathsOf(order), expectedOf(order)),
  "/steady": steady,
};

createServer(async (request, response) => {
  if (request.method !== "POST") {
    response.end();
    return;
  }
  try {
    response.end(JSON.stringify(await RUNS[request.url](await json(request))));
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error.stack));
  }
}).listen(Number(process.argv[2]), "127.0.0.1");
