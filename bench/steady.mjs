// steady.mjs: readers who ask at a steady rate, whether or not their last answer has come.

import { once } from "node:events";
import { get } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

async function ask(url, headers) {
  const asked_at = Date.now() / 1000;
  const [response] = await once(get(url, { headers }), "response");
  const cache_status = response.headers["cache-status"] ?? "";
  return { asked_at, status: response.statusCode, cache_status, body: await text(response) };
}

/** Asks for one path after the other. A failed connection is an answer without a status. */
async function read({ url, headers, paths }, began, everyMs) {
  const answers = [];
  for (const [number, path] of paths.entries()) {
    await sleep(began + number * everyMs - performance.now());
    const failed = (error) => ({ asked_at: 0, status: 0, cache_status: "", body: error.message });
    answers.push(ask(url + path, headers).catch(failed));
  }
  return Promise.all(answers);
}

/** Returns the answers of each reader. All ask at the same rate, but one after the other. */
export async function steady({ readers, everyMs }) {
  const began = performance.now();
  const offsetMs = everyMs / readers.length;
  return Promise.all(readers.map((one, number) => read(one, began + number * offsetMs, everyMs)));
}
