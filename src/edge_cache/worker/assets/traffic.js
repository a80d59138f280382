"use strict";

// What was counted of requests: two sentences, two charts and a table.

const CHART = { width: 600, height: 80, gap: 1 };
const MOST_ROWS = 40;

/** Where a row of a time has all of them, and those from the cache. */
const REQUESTS = [1, 2];
const BYTES = [7, 3];
const FROM_CACHE = ["hit", "aged", "memory", "stale-if-error"];

/** What the outcomes mean; the details are explained in docs/responses.md. */
const OUTCOMES = {
  hit: "from the cache",
  aged: "from the cache, past its maximum age",
  memory: "from the object's memory",
  "stale-if-error": "an old answer, because Supabase failed or was slow",
  miss: "read from Supabase, and stored",
  outdated: "read again after a change",
  relayed: "Supabase's own answer, which may not be stored",
  passed: "passed on to Supabase",
  error: "an error",
};

const sumOf = (rows, place) => rows.reduce((sum, row) => sum + row[place], 0);
const share = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;

/** Say what Supabase did not have to answer, or what it had to answer besides. */
function balanceOf(requests, size) {
  if (requests < 0) return `That is ${count(-requests)} more than without a cache.`;
  const spared = size > 0 ? ` and ${bytes(size)}` : "";
  return `So it was spared ${count(requests)} requests${spared}.`;
}

/**
 * Sentences about rows of a time, all requests, those from the cache, the bytes of these, the
 * requests passed on, the cache's own, the bytes of these, and those of all answers that are known.
 */
function sentenceOf(rows, when) {
  const requests = sumOf(rows, 1);
  if (!requests) return `No request was counted in the last ${when}.`;
  const cached = sumOf(rows, 2);
  const [onward, own] = [sumOf(rows, 4), sumOf(rows, 5)];
  return (
    `In the last ${when} the cache answered ${share(cached, requests)} of ${count(requests)} ` +
    `requests, with ${bytes(sumOf(rows, 3))}. Supabase was asked ${count(onward + own)} times instead: ` +
    `${count(onward)} for requests that were passed on, and ${count(own)} by the cache itself, ` +
    `which read ${bytes(sumOf(rows, 6))}. ` +
    balanceOf(requests - onward - own, sumOf(rows, 7) - sumOf(rows, 6))
  );
}

function bar(svg, kind, place, width, value, most) {
  const rect = document.createElementNS(svg.namespaceURI, "rect");
  const height = most ? (CHART.height * value) / most : 0;
  const box = { x: place * width, y: CHART.height - height, width: width - CHART.gap, height };
  for (const [name, number] of Object.entries(box)) rect.setAttribute(name, number.toFixed(2));
  rect.setAttribute("class", kind);
  return rect;
}

/** Draw what two places of the rows have, all and before that what is from the cache, step by step. */
function draw(svg, rows, [all, cached], { steps, seconds, now }) {
  const byStep = new Map(rows.map((row) => [Math.floor(row[0] / seconds), row]));
  const last = Math.floor(now / seconds);
  const most = Math.max(0, ...rows.map((row) => row[all]));
  const width = CHART.width / steps;
  const bars = [...Array(steps).keys()].flatMap((place) => {
    const row = byStep.get(last - steps + 1 + place) ?? [];
    const both = { all: row[all] ?? 0, cached: row[cached] ?? 0 };
    return Object.entries(both).map(([kind, value]) => bar(svg, kind, place, width, value, most));
  });
  svg.setAttribute("viewBox", `0 0 ${CHART.width} ${CHART.height}`);
  svg.replaceChildren(...bars);
}

const isFromCache = ([, outcome]) => FROM_CACHE.includes(outcome);
const byRequests = (one, other) => other[3] - one[3];

function tableRow(mood, head, ...texts) {
  const row = document.createElement("tr");
  row.dataset.mood = mood;
  if (head) make("th", row, head).scope = "row";
  else make("td", row);
  for (const text of texts) make("td", row, text);
  return row;
}

/** Return the rows of one target: what the cache answered of it, and then each outcome. */
function rowsOf(target, rows) {
  const all = sumOf(rows, 3);
  const cached = share(sumOf(rows.filter(isFromCache), 3), all);
  const name = target === "*" ? "what is not declared" : target;
  const outcomes = rows.map((row) => {
    const [, outcome, detail, requests] = row;
    const what = `${OUTCOMES[outcome] ?? outcome}${detail ? ` (${detail})` : ""}`;
    const mood = isFromCache(row) ? "good" : "";
    return tableRow(mood, "", what, count(requests), share(requests, all));
  });
  return [tableRow("", name, "all, and the share of the cache", count(all), cached), ...outcomes];
}

/** Show the targets by their requests of the last hour. */
function showReasons(rows) {
  const sorted = [...rows].sort(byRequests);
  const targets = new Map(sorted.map((row) => [row[0], sorted.filter(([name]) => name === row[0])]));
  const most = [...targets].sort(([, one], [, other]) => sumOf(other, 3) - sumOf(one, 3));
  $("reasons").hidden = !sorted.length;
  $("reasons-rows").replaceChildren(
    ...most.flatMap(([target, own]) => rowsOf(target, own)).slice(0, MOST_ROWS),
  );
}

function showTraffic({ traffic, now }) {
  $("traffic").hidden = !traffic;
  if (!traffic) return;
  const { minutes, hours, hour } = traffic;
  const seconds = Date.parse(now) / 1000;
  for (const [id, rows, when, steps, step] of [
    ["hour", minutes, "hour", 60, 60],
    ["week", hours, "week", 168, 3600],
  ]) {
    const sentence = sentenceOf(rows, when);
    put($(`${id}-sentence`), sentence);
    const axis = { steps, seconds: step, now: seconds };
    draw($(`${id}-chart`), rows, REQUESTS, axis);
    draw($(`${id}-bytes`), rows, BYTES, axis);
  }
  showReasons(hour);
}
