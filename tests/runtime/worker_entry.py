"""The Worker under test with one door more: it forgets everything between two tests.

It is copied beside `entry.py` into the tests' own folder; nothing of it is deployed.
"""

from __future__ import annotations

from typing import Any

from pyodide.ffi import JsException
from workers import Request, Response

import entry
from edge_cache import runtime
from edge_cache.resources import TABLES

RESET = "/__reset"


class Default(entry.Default):
    """The Worker, and a path that empties its Durable Objects."""

    async def fetch(self, request: Request) -> Any:
        """Reset, or serve as ever."""
        if not request.url.endswith(RESET):
            return await super().fetch(request)
        for table in TABLES:
            stub = runtime.environment().REFRESHER.getByName(table.name)
            try:
                await stub.fetch(f"https://refresher{RESET}")
            except JsException as aborted:
                if "reset" not in aborted.message:
                    raise
        return Response("reset")


class Refresher(entry.Refresher):  # type: ignore[no-untyped-call]
    """The Durable Object, which can lose its storage and its memory."""

    async def fetch(self, request: Request) -> Any:
        """Reset, or serve as ever."""
        if not request.url.endswith(RESET):
            return await super().fetch(request)
        await self.ctx.storage.deleteAlarm()
        await self.ctx.storage.deleteAll()
        self.ctx.abort("reset")
        return None
