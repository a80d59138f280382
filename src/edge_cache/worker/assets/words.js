"use strict";

// Words for the members of /health. Nothing here changes the page.

const UNITS = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
  [Infinity, 86_400, "d"],
];
const SIZES = ["B", "kB", "MB"];

/** If an answer takes longer, the page says that it still waits. */
const SLOW_S = 4;

const count = (number) => number.toLocaleString("en");
const countOrNone = (number) => (number ? count(number) : "none");

function duration(seconds) {
  const [, size, unit] = UNITS.find(([below]) => seconds < below);
  return `${Math.floor(seconds / size)} ${unit}`;
}

const since = (seconds) => (seconds < 2 ? "just now" : `${duration(seconds)} ago`);

function bytes(number) {
  const power = number < 1000 ? 0 : number < 999_950 ? 1 : 2;
  const digits = power === 0 ? 0 : 1;
  return `${(number / 1000 ** power).toFixed(digits)} ${SIZES[power]}`;
}

/** A function that returns how many seconds ago a time was, by the Worker's clock. */
function clock(report, passedMs) {
  const now = (Date.parse(report.now) || Date.now()) + passedMs;
  return (time) => Math.max(0, (now - Date.parse(time)) / 1000);
}

const state = (mood, word, sentence) => ({ mood, word, sentence });

function stateOfTable(table) {
  if (table.error) return state("bad", "Unknown", "The Worker could not look at this table.");
  if (table.refused && !table.cached)
    return state("bad", "Refused", "Supabase refuses this table; the last error says why.");
  if (!table.serving)
    return state("bad", "Failing", "Supabase fails, and there is no entry to serve instead.");
  if (table.failures) return state("warn", "Supabase fails", "Readers get the last good answer.");
  if (table.pending) return state("busy", "Refreshing", "Something has changed and is being read.");
  if (table.cached) return state("good", "Cached", "Readers are answered from Workers KV.");
  return state("idle", "Not filled yet", "The first read asks Supabase, and fills it.");
}

/** The project. If no secret is set, nobody asks the outbox, so its old state does not count. */
function projectOf({ project, revalidation }) {
  const isAsked = !project.outbox || revalidation === "secret";
  return isAsked ? project : { ...project, outbox: { isWithoutSecret: true } };
}

function stateOfProject(project) {
  if (project.error) return state("bad", "Unknown", "The Worker could not look at this.");
  if (project.failures)
    return state("warn", "Supabase fails", "Readers get the last good answer, if there is one.");
  if (project.pending)
    return state("busy", "Refreshing", "Something has changed and is being read.");
  if (project.outbox?.error)
    return state("warn", "Outbox fails", "Changes of the database are found late, or not at all.");
  if (project.outbox?.unwatched?.length)
    return state("warn", "Not watched", "Some changes show only when answers are too old.");
  if (project.outbox?.isWithoutSecret)
    return state("warn", "No secret", "The Worker does not ask the database what has changed.");
  return state("good", "Fine", "If a table changes, what depends on it is outdated.");
}

function stateOfAll({ configuration, status, tables, project, revalidation }) {
  if (Array.isArray(configuration)) {
    return state(
      "bad",
      "Not configured",
      "Every request gets an error until what is listed below is put right.",
    );
  }
  const all = [...Object.values(tables), project];
  const named = (is) =>
    Object.keys(tables)
      .filter((name) => is(tables[name]))
      .join(", ");
  const failing = named((table) => !table.serving && !table.error);
  if (failing) return state("bad", "Failing", `Readers may get errors from: ${failing}.`);
  if (status !== "ok")
    return state("bad", "Unknown", `The Worker cannot look at: ${named((table) => table.error)}.`);
  if (all.some((one) => one.failures))
    return state("warn", "Supabase fails", "Readers get the last good answers, if there are any.");
  if (all.some((one) => one.pending))
    return state("busy", "Refreshing", "Changes are being read from Supabase.");
  if (project.outbox?.error)
    return state("warn", "Outbox fails", "Changes that no notification brings are not noticed.");
  if (project.outbox?.unwatched?.length)
    return state("warn", "Not watched", "Some changes show only when answers are too old.");
  const isServing = Object.keys(tables).length > 0;
  if (!isServing && !project.serves?.length)
    return state("idle", "Nothing to serve", "Nothing is declared that can be read.");
  if (revalidation !== "secret")
    return state("warn", "No secret", "Edits show only when answers are too old, or somebody revalidates.");
  return state("good", "Fine", isServing ? "Every table can be served." : "Queries can be answered.");
}

/** What it means that everything was revalidated. */
function doneOf({ tables }) {
  return Object.keys(tables).length
    ? "Done: every table is as Supabase has it now."
    : "Done: popular answers are read again at once, the others when somebody asks.";
}

/** What the page waits for, if the Worker has not answered yet. */
function stateOfAsking(seconds) {
  return seconds < SLOW_S
    ? state("busy", "Asking", "Asking the Worker …")
    : state("busy", "Asking", "The Worker takes long to answer. Still waiting …");
}

/** What is behind a path below /rest/v1/ that has no path of its own. */
function kindOf(path, watched) {
  if (path.startsWith("rpc/")) return "function";
  return watched?.includes(path) ? "watched table" : "view";
}

/** A sentence about what can be read as a query only. */
function servesOf({ serves, watched }) {
  if (!serves?.length) return "";
  const named = serves.map((path) => `${path} (${kindOf(path, watched)})`);
  return `Only under /rest/v1/: ${named.join(", ")}.`;
}

/** Whether the database's outbox answers. */
function outboxOf({ installed, asked_at, error, isWithoutSecret }, secondsSince) {
  if (isWithoutSecret) return "REVALIDATE_SECRET is not set";
  const answered = asked_at ? since(secondsSince(asked_at)) : "never";
  if (error) return `failing, last answered: ${answered}`;
  if (installed == null) return "not asked yet";
  return installed ? `asked ${answered}` : "not installed";
}

const OUTBOX_ERRORS = {
  "supabase-unreachable": "Supabase cannot be reached",
  "supabase-timeout": "Supabase did not answer in time",
  "supabase-unavailable": "Supabase is unavailable",
  "supabase-rejected": "Supabase refused it; the secret in Vault may be another one",
  "supabase-invalid-answer": "its answer is not usable",
};

function outboxErrorOf({ error }) {
  if (!error) return "";
  return `The outbox fails: ${OUTBOX_ERRORS[error] ?? "it could not be asked"} (${error}).`;
}

function unwatchedOf({ unwatched }) {
  if (!unwatched?.length) return "";
  return `Answers show rows of ${unwatched.join(", ")}, but no trigger tells of changes there. Declare it in src/tables.toml, and run the script of npm run sql again.`;
}

/** What readers who are signed in share: this table, or which of the queries' targets. */
function sharedOf(shared) {
  if (Array.isArray(shared)) return shared.length ? `share ${shared.join(", ")}` : "share nothing";
  return shared ? "share this" : "get their own answers";
}

/** The figures of a card by their names. A figure that is null is not shown. */
function factsOf(told, secondsSince) {
  const known = (value, text, otherwise = null) => (value == null ? otherwise : text(value));
  const ofEntry = (value, text) => known(value, text, told.cached ? "unknown" : null);
  return {
    Rows: ofEntry(told.rows, count),
    Size: ofEntry(told.bytes, bytes),
    Age: ofEntry(told.read_at, (time) => duration(secondsSince(time))),
    "Last refresh": known(told.refreshed_at, (time) => since(secondsSince(time))),
    "Changes pending": known(told.pending, countOrNone),
    "Failures in a row": known(told.failures, countOrNone),
    "Warm queries": known(told.queries, count),
    "Signed-in readers": known(told.shared, sharedOf),
    Version: ofEntry(told.version, String),
    Outbox: known(told.outbox, (outbox) => outboxOf(outbox, secondsSince)),
  };
}

function errorOf(told, secondsSince) {
  const outbox = told.outbox ?? {};
  const errors = [lastErrorOf(told, secondsSince), outboxErrorOf(outbox), unwatchedOf(outbox)];
  return errors.filter(Boolean).join(" ");
}

function lastErrorOf(told, secondsSince) {
  const { error, last_error, last_error_detail, failed_at, failures, refused } = told;
  if (error) return `${error.title}. ${error.detail}`;
  if (!last_error) return "";
  const words = last_error_detail || `Its type is ${last_error}.`;
  const isOver = !failures && !refused;
  return `Last error, ${since(secondsSince(failed_at))}${isOver ? ", now over" : ""}: ${words}`;
}
