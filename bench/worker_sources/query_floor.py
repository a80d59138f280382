"""The smallest Python Worker that does for a client's read what each hit has to: two reads of KV.

The entry has metadata, which tell its version, and a second key tells which version is current.
As in `floor.py`, neither the request nor the value is looked at, and the stream goes to the
response.
"""

from functools import cache
from typing import Any

import js
from workers import Request, WorkerEntrypoint, import_from_javascript

ENTRY_KEY = "/rest/v1/articles;profile=public?limit=25&order=id.asc&select=*"
VERSION_KEY = "/articles?version"


@cache
def binding() -> tuple[Any, Any, Any]:
    """Return KV, and how both keys are read: made once."""
    kv = import_from_javascript("cloudflare:workers").env.ARTICLES
    as_stream = js.JSON.parse('{"type": "stream", "cacheTtl": 30}')
    return kv, as_stream, js.JSON.parse('{"type": "text", "cacheTtl": 30}')


class Default(WorkerEntrypoint):
    """Answers one query."""

    async def fetch(self, _request: Request) -> Any:
        """Answer."""
        kv, as_stream, as_text = binding()
        # Both calls are under way before the first is awaited.
        entry = kv.getWithMetadata(ENTRY_KEY, as_stream)
        version = kv.get(VERSION_KEY, as_text)
        found = await entry
        await version
        return js.Response.new(found.value)
