"""The Worker under test with two doors more.

It forgets everything between two tests, and tells how asyncio's callbacks run. It is copied beside
`entry.py` into the tests' own folder; nothing of it is deployed.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import js
from pyodide import code
from pyodide.ffi import create_once_callable
from workers import Request, Response

import entry
from edge_cache.cloudflare import runtime
from edge_cache.resources import TABLES

RESET = "/__reset"
CALLBACKS = "/__callbacks"
POLL_S = 0.02


Default = entry.Default
serve = entry.fetch


async def fetch(request: Request) -> Any:
    """Go through a door, or serve as ever."""
    if request.url.endswith(RESET):
        return await _reset()
    if request.url.endswith(CALLBACKS):
        return await _callbacks()
    return await serve(request)


entry.fetch = fetch


async def _reset() -> Response:
    for table in TABLES:
        stub = runtime.environment().REFRESHER.getByName(table.name)
        await stub.fetch(f"https://refresher{RESET}")
    return Response("reset")


async def _callbacks() -> Response:
    """Tell whether callbacks wait for timers, and how often the runtime looked at a signature."""
    fired: list[bool] = []
    js.setTimeout(create_once_callable(lambda: fired.append(True)), 0)
    await asyncio.ensure_future(asyncio.sleep(0))
    looked = code._relaxed_call_sig_cached.cache_info().misses
    return Response(json.dumps({"waited_for_a_timer": bool(fired), "signatures": looked}))


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
