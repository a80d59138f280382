// herd.mjs: many readers ask for the same at once, each a single time and on its own connection.

import { once } from "node:events";
import { request } from "node:http";
import { Comparison } from "./comparison.mjs";

const HIT = /;\s*hit\b/; // in Cache-Status: the answer was in the cache (RFC 9211, section 2.1)

/** Returns why the reader who gets this answer was not part of a herd, or undefined. */
function strayOf(response, { connections }, asking) {
  if (asking < connections) {
    return `an answer began when ${asking} of ${connections} readers had asked`;
  }
  if (HIT.test(response.headers["cache-status"] ?? "")) {
    return "a reader came when the answer was already in the cache";
  }
  return undefined;
}

async function read(order, expected, report) {
  const { url, method, path, headers } = order;
  const comparison = new Comparison(expected);
  const asking = request(new URL(path, url), { method, headers, agent: false });
  asking.once("finish", () => {
    report.asking += 1;
  });
  asking.end();
  const [response] = await once(asking, "response");
  const stray = strayOf(response, order, report.asking);
  for await (const chunk of response) {
    comparison.add(chunk);
  }
  report.wrong ??= comparison.faultOf(response.statusCode) ?? stray ?? null;
}

/** Returns what was wrong with the first bad answer, or that the readers did not ask at once. */
export async function herd(order, expected) {
  const report = { asking: 0, wrong: null };
  const readers = Array.from({ length: order.connections }, () =>
    read(order, expected, report).catch((error) => {
      report.wrong ??= `a connection failed: ${error.message}`;
    }),
  );
  await Promise.all(readers);
  return { wrong: report.wrong };
}
