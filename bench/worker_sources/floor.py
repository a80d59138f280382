"""The smallest Python Worker that hands a KV stream to a response.

No Python Worker that serves from KV can be faster. It reads neither the request nor the value, and
uses the raw binding without the SDK's wrapper.
"""

from typing import Any

import js
from workers import Request, WorkerEntrypoint, import_from_javascript


class Default(WorkerEntrypoint):
    """Answers with one entry."""

    async def fetch(self, _request: Request) -> Any:
        """Answer."""
        kv = import_from_javascript("cloudflare:workers").env.ARTICLES
        return js.Response.new(await kv.get("/articles", "stream"))
