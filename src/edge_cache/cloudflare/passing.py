"""Passes a request on with the runtime's own objects.

Headers and bodies stay in JavaScript, because each call into it costs tens of microseconds, and so
that bodies stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException

from edge_cache.cloudflare.javascript import JS
from edge_cache.errors import UpstreamUnreachable
from edge_cache.http import EXPOSED_HEADERS, Passed

_SWITCHING_PROTOCOLS = 101


async def pass_on(request: Any, url: str, cache_status: Callable[[int], str]) -> Passed:
    """Send a request to another URL, as described in `edge_cache.ports.PassOn`."""
    try:
        # An incoming request has `redirect: "manual"`, and `fetch` obeys that.
        answer = await js.fetch(url, request)
    except JsException as error:
        raise UpstreamUnreachable(
            "The connection to Supabase was refused, or it broke before the answer began."
        ) from error
    status = answer.status
    if status == _SWITCHING_PROTOCOLS:
        return Passed(answer, status)
    # What `fetch` returns is immutable. The body stays as it is, compressed or not.
    passed = JS.response(answer.body, answer)
    headers = passed.headers
    headers.append("cache-status", cache_status(status))
    headers.append("access-control-expose-headers", EXPOSED_HEADERS)
    # A shared cache may not look at who asked: if a 200 has no Cache-Control, Cloudflare's keeps it
    # for two hours and sends it to everybody. Its own header would win over CDN-Cache-Control.
    headers.delete("cloudflare-cdn-cache-control")
    headers.delete("surrogate-control")
    headers.set("cdn-cache-control", "no-store")
    if not headers.has("access-control-allow-origin"):
        headers.set("access-control-allow-origin", "*")
    return Passed(passed, status)
