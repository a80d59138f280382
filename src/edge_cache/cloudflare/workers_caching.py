"""Purges Workers Caching, Cloudflare's cache in front of the Worker.

Only the entrypoint whose answers it keeps can purge it, so the Worker and not the object:
https://developers.cloudflare.com/workers/cache/purge/. The local runtime has no such cache.
"""

from __future__ import annotations

from typing import Any

from pyodide.ffi import JsException
from workers import import_from_javascript

from edge_cache.cloudflare.javascript import JS


async def purge() -> bool:
    """Make it forget every answer. Return whether it did, and True if there is no such cache."""
    caching: Any = getattr(import_from_javascript("cloudflare:workers"), "cache", None)
    if not hasattr(caching, "purge"):
        return True
    try:
        outcome = await caching.purge(JS.parse('{"purgeEverything": true}'))
    except JsException:
        return False
    return bool(outcome.success)
