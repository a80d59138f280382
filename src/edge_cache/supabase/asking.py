"""Counts an object's own requests to Supabase, until the ledger has the sum."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from edge_cache.ports import NowMs
from edge_cache.traffic import Sum

_NOTHING = Sum()


class Asking(httpx.AsyncBaseTransport):
    """A transport that counts each request, even one that fails. If it is off, it counts nothing.

    A retry is a request of its own, because Supabase gets it. The bytes are those of the body. It
    calls ``when_counted`` after each request.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, now_ms: NowMs, *, is_on: bool) -> None:
        self._transport = transport
        self._now_ms = now_ms
        self._is_on = is_on
        self._sum = _NOTHING
        self.when_counted: Callable[[], None] = lambda: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and read the whole answer. Raises httpx.TransportError."""
        began_ms, size = self._now_ms(), 0
        try:
            response = await self._transport.handle_async_request(request)
            size = len(await response.aread())
        finally:
            self._note(Sum(1, size, max(0, self._now_ms() - began_ms)))
        return response

    def _note(self, more: Sum) -> None:
        if self._is_on:
            self._sum = self._sum.plus(more)
            self.when_counted()

    def taken(self) -> Sum | None:
        """Return what was counted, and begin anew. None if it is nothing."""
        if self._sum == _NOTHING:
            return None
        taken, self._sum = self._sum, _NOTHING
        return taken
