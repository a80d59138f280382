"""The smallest Python Worker that passes a request on: `fetch` gets it as it came, and streams.

As in `floor.py`, nothing of the request or of the answer becomes a Python object, but the URL and
the status. They are in the log, because whoever operates a cache wants to know what it passed on.
"""

import json
from functools import cache
from typing import Any

import js
from workers import Request, WorkerEntrypoint, import_from_javascript

AFTER_SCHEME = len("https://")


@cache
def upstream() -> str:
    """Return Supabase's URL."""
    url: str = import_from_javascript("cloudflare:workers").env.SUPABASE_URL
    return url


class Default(WorkerEntrypoint):
    """Answers with Supabase's answer."""

    async def fetch(self, request: Request) -> Any:
        """Answer."""
        asked = request.js_object
        url: str = asked.url
        path = url[url.index("/", AFTER_SCHEME) :]
        response = await js.fetch(upstream() + path, asked)
        js.console.log(json.dumps({"event": "bypass", "path": path, "status": response.status}))
        return response
