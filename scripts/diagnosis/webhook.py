"""Whether the Worker accepts a webhook and carries out the change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from http import HTTPStatus

import httpx

from diagnosis.findings import Finding, fail, ok, skip
from diagnosis.health import last_error
from diagnosis.naming import GIVE_IT
from diagnosis.tables import Reading
from diagnosis.worker import SEE_LOG, Unanswered, Worker, object_in, problem
from edge_cache.resources import Resource
from shared.asking import can_be_sent

SUBJECT = "a webhook"

_ANOTHER = "Make another one with `openssl rand -hex 32`."

DEADLINE_S = 20.0
"""A Worker carries out a change within two seconds, or has failed after 10 s by default."""

POLL_S = 0.5


async def check(worker: Worker, readings: Sequence[Reading], secret: str | None) -> Finding:
    """Send a webhook for a row as if it had changed, and wait until no change is pending."""
    row = next((row for reading in readings for row in reading.rows), None)
    if secret is None:
        return skip(SUBJECT, "not sent, because the secret is not known here.", GIVE_IT)
    if not can_be_sent(secret):
        return fail(SUBJECT, "not sent, because no header can have this secret.", _ANOTHER)
    if not readings:
        return skip(SUBJECT, "not sent, because no declared table can be read.")
    if row is None:
        return skip(SUBJECT, "not sent, because no declared table has a row.")
    try:
        refusal = refused(await worker.notify(_payload(row), secret))
        return refusal or await _carried_out(worker, row.table.name)
    except Unanswered as error:
        return fail(SUBJECT, str(error), SEE_LOG)


def _payload(row: Resource) -> dict[str, object]:
    """Return a payload as a Database Webhook of Supabase's sends it, with nothing but the key."""
    table = row.table
    record = {table.key: row.row_id}
    return {
        "type": "UPDATE",
        "schema": table.schema,
        "table": table.relation,
        "record": record,
        "old_record": record,
    }


def refused(answer: httpx.Response) -> Finding | None:
    """Return why the Worker did not accept it; None if it did."""
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        said = "the Worker refuses it: its REVALIDATE_SECRET differs from the one here."
        advice = "Set the same one with `npx wrangler secret put REVALIDATE_SECRET`, and in Vault."
        return fail(SUBJECT, said, advice)
    if answer.status_code == HTTPStatus.BAD_REQUEST:
        said = "the Worker does not understand it, so it is older than this clone."
        return fail(SUBJECT, said, "Deploy this clone: `npm run deploy`.")
    if object_in(answer).get("received") is not True:
        return fail(SUBJECT, problem(answer), SEE_LOG)
    return None


async def _carried_out(worker: Worker, table: str) -> Finding:
    began = time.monotonic()
    while True:
        report = object_in(await worker.health())
        scopes = (report.get("tables", {}).get(table, {}), report.get("project", {}))
        took_s = time.monotonic() - began
        if all(scope.get("pending") == 0 for scope in scopes):
            return ok(
                SUBJECT, f"the Worker accepted one, and carried it out within {took_s:.1f} s."
            )
        if took_s > DEADLINE_S:
            return _not_carried_out(next((s for s in scopes if s.get("failures")), {}))
        await asyncio.sleep(POLL_S)


def _not_carried_out(scope: dict[str, object]) -> Finding:
    said = f"the Worker accepted one, but did not carry it out within {DEADLINE_S:.0f} s."
    why = f" {last_error(scope)}" if scope else ""
    return fail(SUBJECT, said + why, f"Check that the Worker reaches Supabase. {SEE_LOG}")
