"""Whether the Worker's cache answers this public key for everything that is declared."""

from __future__ import annotations

import re

import httpx

from diagnosis.findings import Finding, fail, ok, warn
from diagnosis.naming import named
from diagnosis.worker import SEE_LOG, Unanswered, Worker, object_in
from edge_cache.declaration import SHARED
from edge_cache.tables import Declared

_BYPASS = re.compile(r"supabase-edge-cache; fwd=bypass;[^,]*?detail=([a-z-]+)")
_NOT_PASSED_ON = "EDGE_NOT_PASSED_ON"


def promises(wanted: Declared) -> list[Finding]:
    """Return a warning for each answer that is shared because the declaration says so."""
    said = (
        "src/tables.toml says that signed-in readers get the public answer, whatever the database"
        " says."
    )
    advice = 'If that is not meant, take signed_in = "public" out. See docs/signed-in.md.'
    shared = sorted(name for name, what in wanted.signed_in.items() if what == SHARED)
    return [warn(named(path, schema), said, advice) for schema, path in shared]


async def check(worker: Worker, target: str, schema: str, key: str) -> Finding:
    """Ask for the first row of a declared table, view or function, as Supabase's clients do."""
    subject = f"{named(target, schema)} through the Worker"
    try:
        return judge(subject, await worker.query(target, schema, key))
    except Unanswered as error:
        return fail(subject, str(error), SEE_LOG)


def judge(subject: str, response: httpx.Response) -> Finding:
    """Return whether the cache answered. If it did not, `Cache-Status` says why."""
    bypass = _BYPASS.search(response.headers.get("cache-status", ""))
    if bypass is None:
        if _NOT_PASSED_ON in response.text:
            said = "the Worker refuses it: it has another public key, or it does not declare this."
            return fail(subject, said, "Deploy this wrangler.toml, and compare SUPABASE_ANON_KEY.")
        if response.is_server_error:
            code = object_in(response).get("code", "no code")
            return fail(subject, f"it answers {response.status_code} with {code}.", SEE_LOG)
        return ok(subject, "the cache answers Supabase's clients.")
    why = bypass[1]
    if why == "undeclared":
        said = "the Worker passes it on, because it does not declare it in this schema."
        return fail(subject, said, "Deploy this wrangler.toml: `npm run deploy`.")
    if why == "key":
        said = "the Worker passes it on, because its SUPABASE_ANON_KEY differs from the one here."
        return fail(
            subject, said, "Use the same key in the Worker, in this command and in your app."
        )
    return warn(
        subject, f"the Worker passed it on: {why}.", "docs/responses.md explains this reason."
    )
