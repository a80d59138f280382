"""The Worker under test with some doors more.

It forgets everything between two tests, tells when nothing is going on any more, and how asyncio's
callbacks run. It is copied beside
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

RESET = "/__reset"
IDLE = "/__idle"
CALLBACKS = "/__callbacks"
POLL_S = 0.02


Default = entry.Default
serve = entry.fetch


async def fetch(request: Request) -> Any:
    """Go through a door, or serve as ever."""
    for door in (RESET, IDLE):
        if request.url.endswith(door):
            return await _tell_objects(door)
    if request.url.endswith(CALLBACKS):
        return await _callbacks()
    return await serve(request)


entry.fetch = fetch


async def _tell_objects(door: str) -> Response:
    for table in entry._settings().tables:
        stub = runtime.environment().REFRESHER.getByName(table.name)
        await stub.fetch(f"https://refresher{door}")
    return Response("done")


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
        """Wait until nothing is going on, reset, or serve as ever."""
        if not request.url.endswith((RESET, IDLE)):
            return await super().fetch(request)
        while self._host and not self._host.is_idle:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        if request.url.endswith(IDLE):
            return Response("idle")
        await self.ctx.storage.deleteAlarm()
        await self.ctx.storage.deleteAll()
        self._host = None
        return Response("reset")
