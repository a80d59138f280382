// paced.mjs: one reader who asks, waits for the answer, thinks, and asks again.
//
// So each answer's time is its own. What a Worker does behind an answer is over before the next one begins.

import { once } from "node:events";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Comparison } from "./comparison.mjs";

/** Returns the milliseconds until the last byte. Throws an Error if the answer is wrong. */
async function ask(url, { method, headers, body }, agent, expected) {
  const comparison = new Comparison(expected);
  const began = performance.now();
  const asking = request(url, { method, headers, agent });
  asking.end(body);
  const [response] = await once(asking, "response");
  for await (const chunk of response) {
    comparison.add(chunk);
  }
  const ms = performance.now() - began;
  const fault = comparison.faultOf(response.statusCode);
  if (fault) {
    throw new Error(fault);
  }
  return ms;
}

/** Asks so often, over one connection. Returns the times, or what was wrong with the first bad answer. */
export async function paced({ url, count, pauseMs, ...order }, pathOf, expected) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  try {
    for (let number = 0; number < count; number += 1) {
      times.push(await ask(new URL(pathOf(), url), order, agent, expected));
      await sleep(pauseMs);
    }
    return { wrong: null, times };
  } catch (error) {
    return { wrong: error.message };
  } finally {
    agent.destroy();
  }
}
