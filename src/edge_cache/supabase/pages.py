"""Tables in pages. PostgREST cuts answers at the project's ``max_rows``, and does not say so.

So we ask for the exact count, and compare every page's ``Content-Range`` with its rows.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from edge_cache.errors import InvalidAnswer, TornRead
from edge_cache.supabase.answers import require_storable, require_success, rows_in
from edge_cache.supabase.columns import ascending
from edge_cache.supabase.requests import Requests, profile, table_target
from edge_cache.tables import Table

MAX_PASSES = 4
"""A table's pages are read at most this often, until two passes are equal."""

CONCURRENT_PAGES = 4
"""A Worker may have six connections open at once, so this is less."""

_CONTENT_RANGE = re.compile(r"(?:(\d+)-(\d+)|\*)/(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the JSON text of its rows, the number of the first and of all of them, the total.

    A whole table is a page too.
    """

    body: bytes
    first: int
    rows: int
    total: int

    @property
    def is_whole(self) -> bool:
        """Whether the table has only these rows."""
        return self.rows >= self.total


class Pages:
    """Reads a table page by page."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def first(self, table: Table) -> Page:
        """Return the first page. Most tables have only one. Raises UpstreamError."""
        page = await self._page(table, 0)
        if page.rows == 0 < page.total:
            raise InvalidAnswer("Supabase sent no rows, but says that the table has some.")
        return page

    async def all(self, table: Table, first: Page) -> Page:
        """Return all rows after two equal passes. The first pass begins with this page.

        Each page shows the table at another moment. If a change stays, two passes differ. But if it
        is taken back and made again between the reads, they may be equal, and pages from before and
        after the change stand side by side. Raises TornRead if no two passes are equal.
        """
        before: list[bytes] | None = None
        for attempt in range(MAX_PASSES):
            if attempt:
                first = await self.first(table)
            if first.is_whole:
                return first
            try:
                pages = await self._pass(table, first)
            except TornRead:
                before = None
                continue
            if pages == before:
                return Page(_joined(pages), 0, first.total, first.total)
            before = pages
        raise TornRead(
            f"{table.name} changed during each of {MAX_PASSES} attempts to read its pages; the "
            "function of `npm run sql` would read it at one moment."
        )

    async def _pass(self, table: Table, first: Page) -> list[bytes]:
        """Return one pass over the pages. Raises TornRead if they do not fit together."""
        gate = asyncio.Semaphore(CONCURRENT_PAGES)

        async def page_at(offset: int) -> Page:
            async with gate:
                return await self._page(table, offset)

        offsets = range(first.rows, first.total, first.rows)
        rest = await _all_or_none([page_at(offset) for offset in offsets])
        for offset, page in zip(offsets, rest, strict=True):
            expected = min(first.rows, first.total - offset)
            if (page.first, page.rows, page.total) != (offset, expected, first.total):
                raise TornRead(f"{table.name} changed while its pages were read.")
        return [first.body, *(page.body for page in rest)]

    async def _page(self, table: Table, offset: int) -> Page:
        target = f"{table_target(table)}&{ascending(table.key)}"
        if offset:
            target += f"&offset={offset}"
        response = await self._requests.get(target, {"prefer": "count=exact", **profile(table)})
        if offset and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise TornRead(f"{table.name} became shorter while its pages were read.")
        require_success(response, table)
        require_storable(response, table)
        return _checked(response, offset)


def _checked(response: httpx.Response, offset: int) -> Page:
    """Return a page whose Content-Range agrees with its rows."""
    rows = len(rows_in(response))
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if match is None:
        raise InvalidAnswer("Supabase sent rows without a Content-Range that counts them.")
    first = offset if match[1] is None else int(match[1])
    claimed = 0 if match[1] is None else int(match[2]) - first + 1
    if claimed != rows:
        raise InvalidAnswer(f"Supabase sent {rows} rows, but its Content-Range says {claimed}.")
    return Page(response.content, first, rows, int(match[3]))


async def _all_or_none(reads: list[Awaitable[Page]]) -> list[Page]:
    """Run the reads together. If one fails, end the others and raise its error."""
    tasks = [asyncio.ensure_future(read) for read in reads]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _joined(pages: list[bytes]) -> bytes:
    """Return one JSON array of the pages' rows. Each row's bytes stay as they came."""
    return b"[" + b",".join(page.strip()[1:-1].strip() for page in pages) + b"]"
