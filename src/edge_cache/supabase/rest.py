"""Reads from Supabase's REST interface (PostgREST), complete and checked, or not at all.

A table longer than the project's ``max_rows`` comes in pages: PostgREST cuts answers silently, so
the exact count is asked for and every page's ``Content-Range`` is compared with what it holds.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import httpx

from edge_cache.config import Settings
from edge_cache.errors import (
    InvalidAnswer,
    NotFound,
    TornRead,
    TransientUpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from edge_cache.resources import Resource
from edge_cache.supabase.parsing import loads
from edge_cache.tables import Table

RETRIES = 2
"""How often a read that failed transiently is tried again."""

FIRST_BACKOFF_S = 0.2
"""Upper bound of the pause before the first retry; it doubles with each."""

MAX_PASSES = 4
"""How often a paged table is read in search of two equal passes."""

CONCURRENT_PAGES = 4
"""Below the six connections that a Worker may have open at once."""

_ROW_TYPE = "application/vnd.pgrst.object+json"
_CONTENT_RANGE = re.compile(r"(?:(\d+)-(\d+)|\*)/(\d+)")

_EDGE_UNREACHABLE = frozenset({520, 521, 522, 523, 525, 526, 530})
"""What Cloudflare answers in the origin's place when it cannot reach it.
https://developers.cloudflare.com/support/troubleshooting/http-status-codes/"""

_HINTS = {
    "42501": "the key may not read it: grant select on the table to the role anon",
    "42P01": "there is no such table",
    "42703": "there is no such column",
    "57014": "the statement took longer than the role's statement timeout",
    "PGRST000": "it has no connection to its database",
    "PGRST001": "it has no connection to its database",
    "PGRST002": "it could not read the database's schema",
    "PGRST003": "no database connection became free in time",
    "PGRST106": "the schema is not exposed",
    "PGRST116": "several rows have this id, so the table's key column is not unique",
    "PGRST205": "there is no such table, or its schema is not exposed",
    "PGRST301": "SUPABASE_ANON_KEY is not a valid key of this project",
}
"""Causes that a person can act on, by PostgREST's or Postgres's error code.
https://docs.postgrest.org/en/stable/references/errors.html"""


@dataclass(frozen=True, slots=True)
class _Page:
    """One page: its rows' JSON text, the row numbers it says it has, and the table's total."""

    body: bytes
    first: int
    rows: int
    total: int


class Supabase:
    """Reads tables and rows with the public key, so that row level security decides.

    It sends its requests through httpx's transport, not through a client: cookies, redirects and
    authentication flows, which a client looks after, are not wanted here, and cost milliseconds.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, settings: Settings) -> None:
        self._transport = transport
        self._settings = settings
        self._headers = key_headers(settings.anon_key)
        self._extensions = {"timeout": httpx.Timeout(settings.timeout_s).as_dict()}

    async def read(self, resource: Resource) -> bytes:
        """Return a table as a JSON array of all its rows, or a row as a JSON object.

        The whole read, retries included, is bounded by the settings' time limit. Raises NotFound
        for a row that is not there or an id that its column cannot hold, else UpstreamError.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                if resource.row_id is None:
                    return await self._read_table(resource.table)
                return await self._read_row(resource.table, resource.row_id)
        except TimeoutError as error:
            limit = f"{self._settings.timeout_s:g}"
            raise UpstreamTimeout(
                f"Supabase gave no complete answer within {limit} s (SUPABASE_TIMEOUT_SECONDS)."
            ) from error

    async def _read_row(self, table: Table, row_id: str) -> bytes:
        url = f"{self._url(table)}&{quote(table.key)}=eq.{quote(row_id, safe='')}"
        response = await self._request(url, {"accept": _ROW_TYPE, **_profile(table)})
        if _says_no_such_row(response):
            raise NotFound(f"No row of {table.name} with this {table.key} is visible.")
        _require_success(response, table)
        row = _json_of(response)
        if not isinstance(row, dict):
            raise InvalidAnswer("Supabase sent JSON that is no object where one row was asked for.")
        if row.get(table.key) != row_id:
            # Postgres reads 07 as 7. Entries of such spellings would outlive edits of the row.
            raise NotFound(f"The row's {table.key} is spelled otherwise.")
        return response.content

    async def _read_table(self, table: Table) -> bytes:
        """Return all rows; several pages only once two passes over them were equal.

        Between two equal passes nothing changed, so the answer is the table as it was at one
        moment; a table that never holds still for that long is given up with TornRead.
        """
        before: list[bytes] | None = None
        for _ in range(MAX_PASSES):
            try:
                pages = await self._read_pages(table)
            except TornRead:
                before = None
                continue
            if len(pages) == 1:
                return pages[0]
            if pages == before:
                return _joined(pages)
            before = pages
        raise TornRead(
            f"{table.name} changed during each of {MAX_PASSES} attempts to read its pages."
        )

    async def _read_pages(self, table: Table) -> list[bytes]:
        """Return one pass over the table. Raises TornRead where pages do not fit together."""
        first = await self._read_page(table, 0)
        if first.rows >= first.total:
            return [first.body]
        if first.rows == 0:
            raise InvalidAnswer("Supabase sent no rows of a table that it says has some.")
        gate = asyncio.Semaphore(CONCURRENT_PAGES)

        async def page_at(offset: int) -> _Page:
            async with gate:
                return await self._read_page(table, offset)

        offsets = range(first.rows, first.total, first.rows)
        rest = await _all_or_none([page_at(offset) for offset in offsets])
        for offset, page in zip(offsets, rest, strict=True):
            expected = min(first.rows, first.total - offset)
            if (page.first, page.rows, page.total) != (offset, expected, first.total):
                raise TornRead(f"{table.name} changed while its pages were read.")
        return [first.body, *(page.body for page in rest)]

    async def _read_page(self, table: Table, offset: int) -> _Page:
        url = f"{self._url(table)}&order={quote(table.key)}.asc"
        if offset:
            url += f"&offset={offset}"
        response = await self._request(url, {"prefer": "count=exact", **_profile(table)})
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise TornRead(f"{table.name} became shorter while its pages were read.")
        _require_success(response, table)
        rows = _json_of(response)
        if not isinstance(rows, list):
            raise InvalidAnswer("Supabase sent JSON that is no array where rows were asked for.")
        return _page(response, rows, offset)

    def _url(self, table: Table) -> str:
        return f"{self._settings.supabase_url}/rest/v1/{quote(table.name)}?select=*"

    async def _request(self, url: str, headers: dict[str, str]) -> httpx.Response:
        """GET with the key; transient failures are retried within the time limit."""
        for attempt in range(RETRIES + 1):
            try:
                response = await self._attempt(url, headers)
            except TransientUpstreamError:
                if attempt == RETRIES:
                    raise
            else:
                return response
            await asyncio.sleep(backoff_s(attempt, random.random()))  # noqa: S311  no secret
        raise AssertionError

    async def _attempt(self, url: str, headers: dict[str, str]) -> httpx.Response:
        request = httpx.Request(
            "GET", url, headers={**self._headers, **headers}, extensions=self._extensions
        )
        try:
            response = await self._transport.handle_async_request(request)
            await response.aread()
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.TransportError as error:
            raise UpstreamUnreachable(str(error)) from error
        _raise_for_unavailable(response)
        return response


def _profile(table: Table) -> dict[str, str]:
    """Return the header that chooses a schema other than the first one exposed."""
    return {} if table.schema == "public" else {"accept-profile": table.schema}


def key_headers(key: str) -> dict[str, str]:
    """Return the headers that authenticate a request.

    Publishable keys go in ``apikey`` only; a legacy anon key is a JWT and also the bearer token.
    """
    headers = {"apikey": key}
    if key.startswith("ey"):
        headers["authorization"] = f"Bearer {key}"
    return headers


def backoff_s(attempt: int, jitter: float) -> float:
    """Return the pause in seconds after the given attempt (0 is the first).

    ``jitter`` from 0 to 1 spreads it between half and the whole of an exponential bound.
    """
    return float(FIRST_BACKOFF_S * 2**attempt * (0.5 + jitter / 2))


async def _all_or_none(reads: list[Awaitable[_Page]]) -> list[_Page]:
    """Run the reads together; if one fails, end the others and raise its error."""
    tasks = [asyncio.ensure_future(read) for read in reads]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _page(response: httpx.Response, rows: list[object], offset: int) -> _Page:
    """Return a page whose Content-Range agrees with its rows."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if match is None:
        raise InvalidAnswer("Supabase sent rows without a Content-Range that counts them.")
    first = offset if match[1] is None else int(match[1])
    claimed = 0 if match[1] is None else int(match[2]) - first + 1
    if claimed != len(rows):
        raise InvalidAnswer(
            f"Supabase sent {len(rows)} rows where its Content-Range says {claimed}."
        )
    return _Page(response.content, first, len(rows), int(match[3]))


def _joined(pages: list[bytes]) -> bytes:
    """Return one JSON array of the pages' rows, each row's bytes as they came."""
    return b"[" + b",".join(page.strip()[1:-1].strip() for page in pages) + b"]"


def _says_no_such_row(response: httpx.Response) -> bool:
    if response.is_success:
        return False
    code = _error_code(response) or ""
    if response.status_code == HTTPStatus.NOT_ACCEPTABLE:
        # The same code says that several rows matched; then the key column is not unique.
        return code == "PGRST116" and b" 0 rows" in response.content
    # Class 22 of Postgres's codes is "data exception": the id does not fit the column's type.
    return response.status_code == HTTPStatus.BAD_REQUEST and code.startswith("22")


def _raise_for_unavailable(response: httpx.Response) -> None:
    """Raise what is worth another try: too many requests, and the server's own failures."""
    status = response.status_code
    if status in _EDGE_UNREACHABLE:
        raise UpstreamUnreachable(
            "Cloudflare could not reach the host of SUPABASE_URL.", supabase_status=status
        )
    if status != HTTPStatus.TOO_MANY_REQUESTS and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    kind = UpstreamTimeout if status == HTTPStatus.GATEWAY_TIMEOUT else UpstreamUnavailable
    error = kind(_sentence(response), supabase_status=status, code=_error_code(response))
    retry_after = response.headers.get("retry-after", "")
    if retry_after.isdecimal():
        error.retry_after_s = min(int(retry_after), 3600)
    raise error


def _require_success(response: httpx.Response, table: Table) -> None:
    if response.is_redirect:
        raise InvalidAnswer(
            "Supabase answered with a redirect, which is not followed with a key: "
            "SUPABASE_URL should be the project's final address.",
            supabase_status=response.status_code,
        )
    if response.is_success:
        return
    raise UpstreamRejected(
        f"{_sentence(response)} Table: {table.schema}.{table.name}.",
        supabase_status=response.status_code,
        code=_error_code(response),
    )


def _sentence(response: httpx.Response) -> str:
    code = _error_code(response)
    status = response.status_code
    hint = _HINTS.get(code or "")
    if hint is None and code is None and status == HTTPStatus.UNAUTHORIZED:
        hint = "SUPABASE_ANON_KEY is not a valid key of this project"
    what = f"Supabase answered {status}" + (f" with code {code}" if code else "")
    return f"{what}: {hint}." if hint else f"{what}."


def _error_code(response: httpx.Response) -> str | None:
    """Return the error code of a PostgREST error body, if it is one."""
    try:
        error = loads(response.content)
    except ValueError:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and re.fullmatch(r"\w{1,40}", code) else None


def _json_of(response: httpx.Response) -> object:
    """Return a successful answer's JSON value, or raise InvalidAnswer saying what it is instead."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (media_type == "application/json" or media_type.endswith("+json")):
        kind = media_type if re.fullmatch(r"[\w.+/-]{1,60}", media_type) else "something"
        raise InvalidAnswer(
            f"Supabase sent {kind} instead of JSON; is SUPABASE_URL a Supabase project's address?",
            supabase_status=response.status_code,
        )
    try:
        return loads(response.content)
    except ValueError as error:
        raise InvalidAnswer(
            "Supabase sent JSON that is broken or cut off.", supabase_status=response.status_code
        ) from error
