"""Asks the Supabase project as the Worker does: with the same code and the public key."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from typing import TypeVar

import httpx

from edge_cache.config import Settings
from edge_cache.errors import UpstreamTimeout
from edge_cache.supabase.pages import Page, Pages
from edge_cache.supabase.requests import Requests, profile
from edge_cache.supabase.snapshots import Snapshots
from edge_cache.tables import PUBLIC, Table

DEADLINE_S = 30.0
"""One question may take this long, retries included. A Worker allows less."""

AT_ONCE = 6
"""At most this many questions run at once, as in a Worker."""

T = TypeVar("T")


class Project:
    """Asks the project. Every method raises UpstreamError, and none takes longer than a deadline.

    ``http`` knows this machine's proxies.
    """

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        requests = Requests(_ClientTransport(http), settings)
        self._requests = requests
        self._pages = Pages(requests)
        self._snapshots = Snapshots(requests, lambda: time.time_ns() // 1_000_000)
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def get(self, target: str, schema: str = PUBLIC) -> httpx.Response:
        """Return the answer to a GET below ``/rest/v1/``."""
        return await self._bounded(self._requests.get(target, profile(Table("", schema=schema))))

    async def first_page(self, table: Table) -> Page:
        """Return a table's first page, in the key's order, with the exact count."""
        return await self._bounded(self._pages.first(table))

    async def snapshot(self, table: Table) -> Page | None:
        """Return a whole table, read by edge_cache_snapshot; None if that function is missing."""
        return await self._bounded(self._snapshots.read(table))

    async def call(self, function: str, arguments: dict[str, object]) -> httpx.Response:
        """Return a function's answer. It is a POST, so that its arguments are in no log."""
        content = json.dumps(arguments).encode()
        headers = {"content-type": "application/json"}
        return await self._bounded(self._requests.send("POST", f"rpc/{function}", headers, content))

    async def _bounded(self, question: Awaitable[T]) -> T:
        try:
            async with self._gate, asyncio.timeout(DEADLINE_S):
                return await question
        except TimeoutError as error:
            raise UpstreamTimeout("Supabase sent no complete answer in time.") from error


class _ClientTransport(httpx.AsyncBaseTransport):
    """Lets `Requests` use a client, because a bare transport does not know the proxies."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._http.send(request, stream=True)
