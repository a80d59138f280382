"use strict";

// What is asked for most, for who has the secret: a table. A query's text is put in as a text.

const MOST_QUERIES = 20;

/** Return of each target the most by one place of its rows, and then the most of all first. */
function mostOf(targets, place) {
  const byPlace = (one, other) => other[place] - one[place];
  return Object.entries(targets)
    .flatMap(([target, rows]) =>
      rows
        .map((row) => [target, ...row])
        .sort(byPlace)
        .slice(0, MOST_QUERIES),
    )
    .sort(byPlace);
}

function queryRow([target, path, requests, misses, ms]) {
  const row = document.createElement("tr");
  make("td", row, target);
  make("code", make("td", row), path);
  for (const text of [count(requests), count(misses), `${(ms / 1000).toFixed(1)} s`])
    make("td", row, text);
  return row;
}

/** Show the answer of /queries, ordered as the field says. */
function showQueries({ since, targets }) {
  const most = mostOf(targets, Number($("queries-by").value));
  put($("queries-since"), new Date(since).toLocaleString("en"));
  $("queries-none").hidden = most.length > 0;
  $("queries-table").hidden = !most.length;
  $("queries-rows").replaceChildren(...most.map(queryRow));
  $("queries").hidden = false;
}
