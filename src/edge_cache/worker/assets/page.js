"use strict";

// Shows /health's answer, and asks again from time to time. Nothing of an answer becomes markup,
// because the page puts texts in as texts. Nodes that are there stay, and so do focus and secret.

const EVERY_MS = 10_000;
const WHILE_PENDING_MS = 2_000;
const PATIENCE_MS = 15_000;
const TICK_MS = 1_000;

/** The path below which the cache is. The page stands there, and at /health below it. */
const below = location.pathname.replace(/\/(health\/*)?$/, "");

const $ = (id) => document.getElementById(id);
const heard = { report: null, at: 0, trouble: "", askedAt: null };

// ---- onto the page

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function putState(node, { mood, word }) {
  node.dataset.mood = mood;
  put(node, word);
}

function make(name, parent, text = "") {
  const node = document.createElement(name);
  node.textContent = text;
  parent.append(node);
  return node;
}

/** Make a list show one item for each name, in this order. Items that are there stay. */
function items(list, names, create) {
  const old = new Map([...list.children].map((item) => [item.dataset.name, item]));
  names.forEach((name, place) => {
    const item = old.get(name) ?? create(name);
    item.dataset.name = name;
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
    old.delete(name);
  });
  for (const gone of old.values()) gone.remove();
  return [...list.children];
}

function newCard(name) {
  const card = $("card").content.cloneNode(true).firstElementChild;
  put(card.querySelector("h3"), name);
  return card;
}

function newTable(name) {
  const card = newCard(name);
  const path = `${below}/${name}`;
  const link = make("a", card.querySelector(".links"), path);
  link.href = path;
  card.querySelector(".links").append(", its rows by their key at ");
  make("code", card.querySelector(".links"), `${path}/…`);
  return card;
}

function newFact(name) {
  const fact = document.createElement("div");
  make("dt", fact, name);
  make("dd", fact);
  return fact;
}

function showCard(card, shown, told, secondsSince) {
  putState(card.querySelector(".word"), shown);
  put(card.querySelector(".sentence"), shown.sentence);
  const facts = Object.entries(factsOf(told, secondsSince)).filter(([, value]) => value != null);
  const rows = items(
    card.querySelector(".facts"),
    facts.map(([name]) => name),
    newFact,
  );
  rows.forEach((row, place) => put(row.lastElementChild, facts[place][1]));
  const error = card.querySelector(".error");
  put(error, errorOf(told, secondsSince));
  error.hidden = !error.textContent;
}

function showCards(list, cards, stateOf, create, secondsSince) {
  const names = Object.keys(cards);
  items(list, names, create).forEach((card, place) => {
    const told = cards[names[place]];
    showCard(card, stateOf(told), told, secondsSince);
  });
}

/** How many seconds ago something was, by this browser's clock. If it never was, 0. */
const passed = (at) => (at == null ? 0 : (performance.now() - at) / 1000);

function overallOf({ report, trouble, askedAt }) {
  if (trouble)
    return state(
      "bad",
      "No answer",
      `${trouble} ${report ? "Below is what it said last." : ""}`.trim(),
    );
  return report ? stateOfAll(report) : stateOfAsking(passed(askedAt));
}

function heardOf({ report, at, askedAt }) {
  if (!report) return "";
  const slow = passed(askedAt) >= SLOW_S ? " Asking again, which takes long." : "";
  return `Updated ${since(passed(at))}.${slow}`;
}

function showOverall() {
  const shown = overallOf(heard);
  $("overall").hidden = false;
  putState($("overall-word"), shown);
  put($("overall-sentence"), shown.sentence);
  put($("heard"), heardOf(heard));
  document.title = `${shown.word} · supabase-edge-cache`;
}

function showFaults({ configuration }) {
  const faults = Array.isArray(configuration) ? configuration : [];
  $("faults").hidden = !faults.length;
  items($("faults-list"), faults, (fault) => {
    const item = document.createElement("li");
    put(item, fault);
    return item;
  });
}

function showRevalidation({ revalidation }) {
  $("revalidation").hidden = !revalidation;
  $("revalidate").hidden = revalidation === "closed";
  $("closed").hidden = revalidation !== "closed";
  $("secret-field").hidden = revalidation === "open";
  $("secret").required = revalidation === "secret";
}

/** Show a command, or hide its place if there is none. */
function showCommand(id, command) {
  $(id).closest("div").hidden = !command;
  put($(id), command);
}

function showCommands(tables, { serves = [] }) {
  const [name] = Object.keys(tables);
  const [target = serves[0]] = Object.keys(tables);
  const worker = location.origin + below;
  const rest = `"${worker}/rest/v1/${target}?limit=3" -H "apikey: YOUR_PUBLISHABLE_KEY"`;
  showCommand("try-table", name ? `curl -i ${worker}/${name}` : "");
  showCommand("try-rest", target ? `curl -i ${rest}` : "");
  showCommand("try-health", `curl ${worker}/health`);
}

function showTables(tables, secondsSince) {
  $("no-tables").hidden = Object.keys(tables).length > 0;
  showCards($("tables-list"), tables, stateOfTable, newTable, secondsSince);
}

function showProject(project, secondsSince) {
  put($("serves"), servesOf(project));
  showCards($("project-list"), { Queries: project }, stateOfProject, newCard, secondsSince);
}

function show() {
  showOverall();
  const { report } = heard;
  if (!report) return;
  const secondsSince = clock(report, performance.now() - heard.at);
  const { tables, project } = report;
  const isConfigured = !Array.isArray(report.configuration);
  showFaults(report);
  for (const id of ["tables", "project", "try"]) $(id).hidden = !isConfigured;
  showRevalidation(report);
  if (!isConfigured) {
    $("traffic").hidden = true;
    return;
  }
  showTraffic(report);
  showTables(tables, secondsSince);
  showProject(project, secondsSince);
  showCommands(tables, project);
}

// ---- asking

/** Ask this Worker. If the answer is no JSON, `told` is empty. Fails if there is no answer. */
async function ask(path, options, patienceMs) {
  const signal = AbortSignal.timeout(patienceMs);
  const response = await fetch(path, { cache: "no-store", signal, ...options });
  const told = await response.json().catch(() => ({}));
  return { status: response.status, told };
}

/** Keep the Worker's report. */
function hear(told) {
  const report = { ...told, project: projectOf(told) };
  Object.assign(heard, { report, at: performance.now(), trouble: "" });
}

async function look() {
  heard.askedAt = performance.now();
  show();
  try {
    const headers = { accept: "application/json" };
    const { status, told } = await ask(`${below}/health`, { headers }, PATIENCE_MS);
    if (told.tables) hear(told);
    else heard.trouble = `It answers ${status}. ${told.detail ?? ""}`.trim();
  } catch {
    heard.trouble = "This Worker does not answer.";
  }
  heard.askedAt = null;
  show();
}

let wake = () => {};

/** Wait for some milliseconds. If the page is hidden, wait until somebody looks at it. */
function pause(ms) {
  return new Promise((resolve) => {
    wake = resolve;
    if (!document.hidden) setTimeout(resolve, ms);
  });
}

function isPending(report) {
  return report && [...Object.values(report.tables), report.project].some((one) => one.pending);
}

async function watch() {
  for (;;) {
    await look();
    await pause(isPending(heard.report) ? WHILE_PENDING_MS : EVERY_MS);
  }
}

// ---- revalidating

function tell(mood, text) {
  $("outcome").dataset.mood = mood;
  put($("outcome"), text);
}

/** Ask with the secret. It is sent in a header, and stays in its field. */
async function askWithSecret(path) {
  const headers = $("secret").value ? { authorization: `Bearer ${$("secret").value}` } : {};
  const { status, told } = await ask(`${below}${path}`, { headers }, 6 * PATIENCE_MS);
  const isRefused = status === 401;
  $("secret").setAttribute("aria-invalid", isRefused);
  if (isRefused) $("secret").focus();
  if (isRefused) tell("bad", "This is not the value of REVALIDATE_SECRET.");
  else if (status !== 200) tell("bad", told.detail ?? `It answered ${status}.`);
  return status === 200 ? told : null;
}

async function revalidate() {
  if (await askWithSecret("/revalidate")) tell("good", doneOf(heard.report));
}

let queries = null;

async function showMost() {
  queries = await askWithSecret("/queries");
  if (!queries) return;
  tell("", "");
  showQueries(queries);
  $("queries-title").focus();
}

/** Let a button do something, once at a time. */
async function during(button, words, act) {
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  tell("", words);
  try {
    await act();
  } catch {
    tell("bad", "The Worker did not answer, or the secret has characters that cannot be sent.");
  }
  button.ariaDisabled = "false";
  await look();
}

$("revalidate").addEventListener("submit", (event) => {
  event.preventDefault();
  during($("button"), "Reading from Supabase …", revalidate);
});
$("most-button").addEventListener("click", () =>
  during($("most-button"), "Asking the Worker …", showMost),
);
$("queries-by").addEventListener("change", () => showQueries(queries));
document.addEventListener("visibilitychange", () => wake());
setInterval(show, TICK_MS);
watch();
