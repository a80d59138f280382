"""The smallest Python Worker that hands a KV stream to a response.

Nothing that serves from KV in Python can be faster: it reads neither the request nor the value, and
uses the raw binding, which the SDK's own wraps.
"""

from typing import Any

import js
from workers import Request, WorkerEntrypoint, import_from_javascript


class Default(WorkerEntrypoint):
    """Answers one entry."""

    async def fetch(self, _request: Request) -> Any:
        """Answer."""
        kv = import_from_javascript("cloudflare:workers").env.ARTICLES
        return js.Response.new(await kv.get("/articles", "stream"))
