"""Passing a request on with the runtime's own objects.

Headers and bodies stay in JavaScript: each crossing costs tens of microseconds, and bodies stream.
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
    """Send a request to another URL, as `edge_cache.ports.PassOn` describes it."""
    try:
        # An incoming request has `redirect: "manual"`, which goes with it.
        answer = await js.fetch(url, request)
    except JsException as error:
        raise UpstreamUnreachable(
            "The connection to Supabase was refused, or it broke before the answer began."
        ) from error
    status = answer.status
    if status == _SWITCHING_PROTOCOLS:
        return Passed(answer, status)
    # What `fetch` returns is immutable. The body is not touched, packed or not.
    passed = JS.response(answer.body, answer)
    headers = passed.headers
    headers.append("cache-status", cache_status(status))
    headers.append("access-control-expose-headers", EXPOSED_HEADERS)
    # A shared cache need not look at who asked: Cloudflare's would keep a 200 without Cache-Control
    # for two hours, and answer everybody with it. What goes before CDN-Cache-Control is taken out.
    headers.delete("cloudflare-cdn-cache-control")
    headers.delete("surrogate-control")
    headers.set("cdn-cache-control", "no-store")
    if not headers.has("access-control-allow-origin"):
        headers.set("access-control-allow-origin", "*")
    return Passed(passed, status)
