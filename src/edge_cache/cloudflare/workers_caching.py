"""Workers Caching, Cloudflare's cache in front of the Worker, as far as the Worker reaches it.

https://developers.cloudflare.com/workers/cache/purge/: only the entrypoint whose answers are kept
can do that, which is the Worker and not the Durable Object. The local runtime has none.
"""

from __future__ import annotations

from typing import Any

from pyodide.ffi import JsException
from workers import import_from_javascript

from edge_cache.cloudflare.javascript import JS


async def purge() -> bool:
    """Have it forget every answer; tell whether it did. Where there is none, that is so."""
    caching: Any = getattr(import_from_javascript("cloudflare:workers"), "cache", None)
    if not hasattr(caching, "purge"):
        return True
    try:
        outcome = await caching.purge(JS.parse('{"purgeEverything": true}'))
    except JsException:
        return False
    return bool(outcome.success)
