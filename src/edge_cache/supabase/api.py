"""Requests to Supabase's REST interface, with the public key. If it may help, we send one again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx

from edge_cache import tracing
from edge_cache.config import Settings
from edge_cache.errors import TransientUpstreamError, UpstreamTimeout, UpstreamUnreachable
from edge_cache.pauses import backoff_ms
from edge_cache.supabase.answers import require_available
from edge_cache.tables import PUBLIC, Table

RETRIES = 2
"""If a request fails transiently, it is sent again at most this often."""

FIRST_BACKOFF_MS = 200
"""The pause before the first retry is at most this long. The limit doubles with each retry."""

_PHASES = ("connect", "read", "write", "pool")
"""httpx has a time limit for each. Ours is for the whole exchange."""


class Requests:
    """Sends requests with the public key, so that row level security decides.

    It uses httpx's transport and no client, because a client handles cookies, redirects and
    authentication. We do not want those here, and they cost milliseconds.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, settings: Settings) -> None:
        self._transport = transport
        self._root = f"{settings.supabase_url}/rest/v1/"
        self._headers = key_headers(settings.anon_key)
        self._timeout_s = settings.timeout_s

    @asynccontextmanager
    async def within_time_limit(self) -> AsyncIterator[None]:
        """Limit the time that all requests inside take together. Raises UpstreamTimeout."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError as error:
            raise self._too_late() from error

    async def get(self, target: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """GET a path below ``/rest/v1/``, as `send` does."""
        return await self.send("GET", target, headers or {})

    async def send(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        content: bytes = b"",
        *,
        is_relayed: bool = False,
    ) -> httpx.Response:
        """Request a path below ``/rest/v1/``, with its query. Return the answer with its body.

        Raises TransientUpstreamError if the last attempt fails, and UpstreamTimeout if all of them
        together take longer than the settings' limit. If Supabase's answer is handed on
        (``is_relayed``), an error that Supabase sent is not retried, because its clients do that.
        """
        request = httpx.Request(
            method,
            self._root + target,
            headers={**self._headers, **tracing.headers(), **headers},
            content=content,
        )
        now_s = asyncio.get_running_loop().time
        end_s = now_s() + self._timeout_s
        failures = 0
        while True:
            # The transport keeps the limit. A timer of asyncio's would cost each read more.
            request.extensions["timeout"] = dict.fromkeys(_PHASES, max(0.0, end_s - now_s()))
            try:
                return await self._attempt(request)
            except TimeoutError as error:
                raise self._too_late() from error
            except TransientUpstreamError as error:
                if failures == RETRIES or (is_relayed and error.reply is not None):
                    raise
                pause_ms = backoff_ms(FIRST_BACKOFF_MS, failures, random.random())  # noqa: S311  no secret
                if now_s() + pause_ms / 1000 >= end_s:
                    raise self._too_late() from error
            await asyncio.sleep(pause_ms / 1000)
            failures += 1

    async def _attempt(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self._transport.handle_async_request(request)
            await response.aread()
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.TransportError as error:
            raise UpstreamUnreachable(str(error)) from error
        require_available(response)
        return response

    def _too_late(self) -> UpstreamTimeout:
        return UpstreamTimeout(
            f"Supabase sent no complete answer within {self._timeout_s:g} s "
            "(SUPABASE_TIMEOUT_SECONDS)."
        )


def key_headers(key: str) -> dict[str, str]:
    """Return the headers that authenticate a request.

    A publishable key goes in ``apikey`` only. A legacy anon key is a JWT, so it is also the bearer
    token.
    """
    headers = {"apikey": key}
    if key.startswith("ey"):
        headers["authorization"] = f"Bearer {key}"
    return headers


def table_target(table: Table) -> str:
    """Return the path that asks for a table's rows with all columns. Filters may follow."""
    return f"{quote(table.relation, safe='')}?select=*"


def profile(table: Table) -> dict[str, str]:
    """Return the header that chooses the table's schema, if it is not the first one exposed."""
    return {} if table.schema == PUBLIC else {"accept-profile": table.schema}
