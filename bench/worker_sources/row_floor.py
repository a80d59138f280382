"""The smallest Python Worker that does for a row what each hit has to: it reads two keys.

A row's entry is served only if it is no older than its table says, under a second key. As in
`floor.py`, neither the request nor the value is looked at, and the stream goes to the response.
"""

from typing import Any

import js
from workers import Request, WorkerEntrypoint, import_from_javascript


class Default(WorkerEntrypoint):
    """Answers one row."""

    async def fetch(self, _request: Request) -> Any:
        """Answer."""
        kv = import_from_javascript("cloudflare:workers").env.ARTICLES
        # Both calls are under way before the first is awaited.
        row, version = kv.get("/articles/7", "stream"), kv.get("/articles?version")
        stream = await row
        await version
        return js.Response.new(stream)
