"""The Worker under test with one door more: it forgets everything between two tests.

It is copied beside `entry.py` into the tests' own folder; nothing of it is deployed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from workers import Request, Response

import entry
from edge_cache import runtime
from edge_cache.resources import TABLES

RESET = "/__reset"
POLL_S = 0.02


class Default(entry.Default):
    """The Worker, and a path that empties its Durable Objects."""

    async def fetch(self, request: Request) -> Any:
        """Reset, or serve as ever."""
        if not request.url.endswith(RESET):
            return await super().fetch(request)
        for table in TABLES:
            stub = runtime.environment().REFRESHER.getByName(table.name)
            await stub.fetch(f"https://refresher{RESET}")
        return Response("reset")


class Refresher(entry.Refresher):  # type: ignore[no-untyped-call]
    """The Durable Object, which can lose its storage and its memory."""

    async def fetch(self, request: Request) -> Any:
        """Reset, or serve as ever."""
        if not request.url.endswith(RESET):
            return await super().fetch(request)
        while any(_is_busy(host.refresher) for host in self._hosts.values()):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        await self.ctx.storage.deleteAlarm()
        await self.ctx.storage.deleteAll()
        self._hosts.clear()
        return Response("reset")


def _is_busy(refresher: Any) -> bool:
    """Tell whether something of the last test is still going on."""
    return any((refresher._reads._running, refresher._epochs._running, refresher._writer._retrying))
