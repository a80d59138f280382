"""Whether the Worker serves the same as Supabase now: each table, and one row of it."""

from __future__ import annotations

import asyncio

import httpx

from diagnosis.findings import Finding, Verdict, counted, fail, ok, skip
from diagnosis.project import Project
from diagnosis.tables import Reading, read
from diagnosis.worker import SEE_LOG, Unanswered, Worker, problem
from edge_cache.resources import Resource
from edge_cache.supabase.rows import row_digest, row_digests

RETRIES = 2
PAUSE_S = 2.0
"""If the two differ, a change may be on its way to the Worker. So both are read again."""

_NOT_FOUND = httpx.codes.NOT_FOUND

_OUTDATED = (
    "If nobody edited it within the last minute, its webhooks do not arrive: see the other lines."
    " GET /revalidate refreshes it by hand."
)


async def check(project: Project, worker: Worker, reading: Reading) -> Finding:
    """Compare the two. If they differ, compare again after a pause."""
    finding = await _look(worker, reading)
    for _ in range(RETRIES):
        if finding.verdict is not Verdict.FAIL:
            break
        await asyncio.sleep(PAUSE_S)
        again = await read(project, reading.table)
        finding = await _look(worker, again) if isinstance(again, Reading) else finding
    return finding


async def _look(worker: Worker, reading: Reading) -> Finding:
    path = Resource(reading.table).path
    if reading.whole is None:
        return skip(path, "the table is too long to compare.")
    row = next(reading.rows, None)
    try:
        return judge(
            reading,
            reading.whole.body,
            await worker.get(path),
            await worker.get(row.path) if row else None,
        )
    except Unanswered as error:
        return fail(path, str(error), SEE_LOG)
    except (ValueError, TypeError):
        return fail(path, "what the Worker serves is not a JSON array of rows.", SEE_LOG)


def judge(
    reading: Reading, body: bytes, served: httpx.Response, served_row: httpx.Response | None
) -> Finding:
    """Compare a table's JSON, and its first row, with what the Worker answered."""
    path, key = Resource(reading.table).path, reading.table.key
    if served.is_success and served_row is not None and served_row.status_code == _NOT_FOUND:
        said = f"the Worker finds no row by the column {key}."
        return fail(path, said, "It may declare another key: deploy this wrangler.toml.")
    for answer in filter(None, (served, served_row)):
        if answer.status_code != httpx.codes.OK:
            return fail(path, problem(answer), SEE_LOG)
    wanted = row_digests(body, key)
    differing = len(dict(wanted.items() ^ row_digests(served.content, key).items()))
    if differing:
        said = f"what the Worker serves differs from Supabase in {counted(differing, 'row')}."
        return fail(path, said, _OUTDATED)
    if served_row is not None and row_digest(served_row.content) not in wanted.values():
        return fail(path, "a row that the Worker serves differs from Supabase.", _OUTDATED)
    return ok(path, "the Worker serves the same table and the same row as Supabase.")
