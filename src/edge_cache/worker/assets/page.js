// Shows what /health tells, and asks it again from time to time. Nothing that it tells becomes
// markup: texts go in as texts, and what is there already stays, and with it focus and secret.

const EVERY_MS = 10_000
const WHILE_PENDING_MS = 2_000
const PATIENCE_MS = 15_000
const TICK_MS = 1_000

const $ = (id) => document.getElementById(id)
const heard = { report: null, at: 0, trouble: "" }

// ---- words, figures and times

const UNITS = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
  [Infinity, 86_400, "d"],
]
const SIZES = ["B", "kB", "MB"]

const count = (number) => number.toLocaleString("en")
const many = (number, thing) => `${count(number)} ${thing}${number === 1 ? "" : "s"}`

function duration(seconds) {
  const [, size, unit] = UNITS.find(([below]) => seconds < below)
  return `${Math.floor(seconds / size)} ${unit}`
}

const since = (seconds) => (seconds < 2 ? "just now" : `${duration(seconds)} ago`)

function bytes(number) {
  const power = number < 1000 ? 0 : number < 999_950 ? 1 : 2
  const digits = power === 0 ? 0 : 1
  return `${(number / 1000 ** power).toFixed(digits)} ${SIZES[power]}`
}

/** A function that tells how long ago a time of the Worker's clock is. */
function clock(report) {
  const now = Date.parse(report.now) + performance.now() - heard.at
  return (time) => since(Math.max(0, (now - Date.parse(time)) / 1000))
}

// ---- what it comes to

const state = (mood, word, sentence) => ({ mood, word, sentence })

function stateOfTable(table) {
  if (table.error) return state("bad", "Unknown", "This table could not be looked at.")
  if (!table.serving) return state("bad", "Failing", "Supabase fails, and there is no entry to serve instead.")
  if (table.failures) return state("warn", "Supabase fails", "Readers get the last good answer.")
  if (table.pending) return state("busy", "Refreshing", "Something has changed and is being read.")
  if (table.cached) return state("good", "Cached", "Readers are answered from Workers KV.")
  return state("idle", "Not filled yet", "The first reader has Supabase asked, and fills it.")
}

function stateOfProject(project) {
  if (project.error) return state("bad", "Unknown", "This could not be looked at.")
  if (project.failures) return state("warn", "Supabase fails", "Readers get the last good answer, if there is one.")
  if (project.pending) return state("busy", "Refreshing", "Something has changed and is being read.")
  return state("good", "Fine", "Whatever changes makes them out of date together.")
}

function stateOfAll({ configuration, status, tables, project }) {
  if (Array.isArray(configuration)) {
    return state("bad", "Not configured", "Until everything below is there, every request gets an error.")
  }
  const all = [...Object.values(tables), project]
  if (status !== "ok") {
    const failing = Object.keys(tables).filter((name) => !tables[name].serving)
    return state("bad", "Failing", `Not sure to be served: ${failing.join(", ")}.`)
  }
  if (all.some((one) => one.error)) return state("warn", "Partly unknown", "Tables are served, but not all could be looked at.")
  if (all.some((one) => one.failures)) return state("warn", "Supabase fails", "Readers get the last good answers meanwhile.")
  if (all.some((one) => one.pending)) return state("busy", "Refreshing", "Changes are being read from Supabase.")
  return state("good", "Fine", "Every table can be served.")
}

function factsOf(told, ago) {
  const unknown = told.cached ? "unknown" : null
  const figure = (number, text) => (number == null ? unknown : text(number))
  return {
    Rows: figure(told.rows, count),
    Size: figure(told.bytes, bytes),
    Age: figure(told.age, (seconds) => duration(seconds + (performance.now() - heard.at) / 1000)),
    "Last refresh": told.refreshed_at && ago(told.refreshed_at),
    "Changes pending": told.pending == null ? null : told.pending ? count(told.pending) : "none",
    "Failures in a row": told.failures == null ? null : told.failures ? count(told.failures) : "none",
    "Queries kept warm": told.queries == null ? null : count(told.queries),
    Version: figure(told.version, String),
  }
}

function errorOf({ error, last_error, last_error_detail, failed_at, failures }, ago) {
  if (error) return `${error.title}. ${error.detail}`
  if (!last_error) return ""
  const words = last_error_detail || `Its type is ${last_error}.`
  return `${failures ? "Last error" : "Last error, over since"}, ${ago(failed_at)}: ${words}`
}

// ---- onto the page

function put(node, text) {
  if (node.textContent !== text) node.textContent = text
}

function putState(node, { mood, word }) {
  node.dataset.mood = mood
  put(node, word)
}

function make(name, parent, text = "") {
  const node = document.createElement(name)
  node.textContent = text
  parent.append(node)
  return node
}

/** Have a list show one item for each name, in their order, keeping those that are there. */
function items(list, names, create) {
  const old = new Map([...list.children].map((item) => [item.dataset.name, item]))
  names.forEach((name, place) => {
    const item = old.get(name) ?? create(name)
    item.dataset.name = name
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null)
    old.delete(name)
  })
  for (const gone of old.values()) gone.remove()
  return [...list.children]
}

function newCard(name) {
  const card = $("card").content.cloneNode(true).firstElementChild
  put(card.querySelector("h3"), name)
  return card
}

function newTable(name) {
  const card = newCard(name)
  const link = make("a", card.querySelector(".links"), `/${name}`)
  link.href = `/${name}`
  card.querySelector(".links").append(", its rows by their key at ")
  make("code", card.querySelector(".links"), `/${name}/…`)
  return card
}

function newFact(name) {
  const fact = document.createElement("div")
  make("dt", fact, name)
  make("dd", fact)
  return fact
}

function showCard(card, shown, told, ago) {
  putState(card.querySelector(".word"), shown)
  put(card.querySelector(".sentence"), shown.sentence)
  const facts = Object.entries(factsOf(told, ago)).filter(([, value]) => value != null)
  const rows = items(card.querySelector(".facts"), facts.map(([name]) => name), newFact)
  rows.forEach((row, place) => put(row.lastElementChild, facts[place][1]))
  const error = card.querySelector(".error")
  put(error, errorOf(told, ago))
  error.hidden = !error.textContent
}

function showCards(list, cards, stateOf, create, ago) {
  const names = Object.keys(cards)
  items(list, names, create).forEach((card, place) => {
    const told = cards[names[place]]
    showCard(card, stateOf(told), told, ago)
  })
}

function showOverall(report, trouble) {
  const shown = trouble
    ? state("bad", "No answer", `${trouble} ${report ? "Below is what it said last." : ""}`.trim())
    : stateOfAll(report)
  $("overall").hidden = false
  putState($("overall-word"), shown)
  put($("overall-sentence"), shown.sentence)
  put($("heard"), report ? `Updated ${since((performance.now() - heard.at) / 1000)}.` : "")
  document.title = `${shown.word} · supabase-edge-cache`
}

function showFaults({ configuration }) {
  const faults = Array.isArray(configuration) ? configuration : []
  $("faults").hidden = !faults.length
  items($("faults-list"), faults, (fault) => {
    const item = document.createElement("li")
    put(item, fault)
    return item
  })
}

function showRevalidation({ revalidation }) {
  $("revalidation").hidden = !revalidation
  $("revalidate").hidden = revalidation === "closed"
  $("closed").hidden = revalidation !== "closed"
  $("secret-field").hidden = revalidation === "open"
  $("secret").required = revalidation === "secret"
}

function showCommands(tables) {
  const [name] = Object.keys(tables)
  $("try").hidden = !name
  put($("try-table"), `curl -i ${location.origin}/${name}`)
  put($("try-rest"), `curl -i "${location.origin}/rest/v1/${name}?limit=3" -H "apikey: YOUR_PUBLISHABLE_KEY"`)
  put($("try-health"), `curl ${location.origin}/health`)
}

function show() {
  const { report, trouble } = heard
  if (report || trouble) showOverall(report, trouble)
  if (!report) return
  const ago = clock(report)
  const { tables, project } = report
  const hasTables = Object.keys(tables).length > 0
  showFaults(report)
  $("tables").hidden = $("project").hidden = !hasTables
  showCards($("tables-list"), tables, stateOfTable, newTable, ago)
  if (hasTables) showCards($("project-list"), { Queries: project }, stateOfProject, newCard, ago)
  showRevalidation(report)
  showCommands(tables)
}

// ---- asking

async function ask(path, options, patience_ms) {
  const signal = AbortSignal.timeout(patience_ms)
  const response = await fetch(path, { cache: "no-store", signal, ...options })
  const told = await response.json().catch(() => ({}))
  return { status: response.status, told }
}

async function look() {
  try {
    const { status, told } = await ask("/health", { headers: { accept: "application/json" } }, PATIENCE_MS)
    if (told.tables) Object.assign(heard, { report: told, at: performance.now(), trouble: "" })
    else heard.trouble = `It answers ${status}. ${told.detail ?? ""}`.trim()
  } catch {
    heard.trouble = "This Worker does not answer."
  }
  show()
}

let wake = () => {}
const pause = (ms) =>
  new Promise((resolve) => {
    wake = resolve
    if (!document.hidden) setTimeout(resolve, ms)
  })

function isPending({ tables = {}, project } = {}) {
  return [...Object.values(tables), project].some((one) => one?.pending)
}

async function watch() {
  for (;;) {
    await look()
    await pause(isPending(heard.report ?? {}) ? WHILE_PENDING_MS : EVERY_MS)
  }
}

// ---- revalidating

function tell(mood, text) {
  $("outcome").dataset.mood = mood
  put($("outcome"), text)
}

/** Have everything revalidated. The secret goes into a header, and stays in its field. */
async function revalidate() {
  const headers = $("secret").value ? { authorization: `Bearer ${$("secret").value}` } : {}
  const { status, told } = await ask("/revalidate", { headers }, 6 * PATIENCE_MS)
  const isRefused = status === 401
  $("secret").setAttribute("aria-invalid", isRefused)
  if (isRefused) $("secret").focus()
  if (told.received) tell("good", "Done: every table is as Supabase has it now.")
  else tell("bad", isRefused ? "This is not the value of REVALIDATE_SECRET." : (told.detail ?? `It answered ${status}.`))
}

async function onSubmit(event) {
  event.preventDefault()
  const button = $("button")
  if (button.ariaDisabled === "true") return
  button.ariaDisabled = "true"
  tell("", "Reading from Supabase …")
  try {
    await revalidate()
  } catch {
    tell("bad", "The Worker did not answer, or the secret has characters that cannot be sent.")
  }
  button.ariaDisabled = "false"
  wake()
}

$("revalidate").addEventListener("submit", onSubmit)
document.addEventListener("visibilitychange", () => wake())
setInterval(show, TICK_MS)
watch()
