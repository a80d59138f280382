"""The smallest Python Worker that passes a request on: `fetch` gets it as it came, and streams.

As in `floor.py`, nothing of the request or of the answer becomes a Python object, but the URL.
"""

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
        return await js.fetch(upstream() + url[url.index("/", AFTER_SCHEME) :], asked)
