"""The smallest Python Worker that does what each hit of a row needs: two reads of KV.

A row's entry is served only if it is not outdated, and a second key says that. As in `floor.py`, it
reads neither the request nor the value, and the stream goes to the response.
"""

from typing import Any

import js
from workers import Request, WorkerEntrypoint, import_from_javascript


class Default(WorkerEntrypoint):
    """Answers with one row."""

    async def fetch(self, _request: Request) -> Any:
        """Answer."""
        kv = import_from_javascript("cloudflare:workers").env.ARTICLES
        # Both calls start before the first is awaited.
        row, version = kv.get("/articles/7", "stream"), kv.get("/articles?versions")
        stream = await row
        await version
        return js.Response.new(stream)
