"""The smallest Python Worker that does what each hit of a table needs: two reads of KV.

The entry's metadata has its version, and a second key has the current version. Then the stream goes
to the response. No Python Worker that serves from KV and knows what is outdated can be faster. It
reads neither the request nor the value, and uses the raw binding without the SDK's wrapper.
"""

from functools import cache
from typing import Any

import js
from workers import Request, WorkerEntrypoint, import_from_javascript

ENTRY_KEY = "/articles"
VERSION_KEY = "/articles?versions"


@cache
def binding() -> tuple[Any, Any, Any]:
    """Return KV, and the options for both keys. They are made once."""
    kv = import_from_javascript("cloudflare:workers").env.ARTICLES
    as_stream = js.JSON.parse('{"type": "stream", "cacheTtl": 30}')
    return kv, as_stream, js.JSON.parse('{"type": "text", "cacheTtl": 30}')


class Default(WorkerEntrypoint):
    """Answers with one entry."""

    async def fetch(self, _request: Request) -> Any:
        """Answer."""
        kv, as_stream, as_text = binding()
        # Both calls start before the first is awaited.
        entry = kv.getWithMetadata(ENTRY_KEY, as_stream)
        version = kv.get(VERSION_KEY, as_text)
        found = await entry
        await version
        return js.Response.new(found.value)
