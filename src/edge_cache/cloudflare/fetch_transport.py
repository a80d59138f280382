"""httpx over the runtime's ``fetch``.

httpx's own transport opens raw TCP sockets. They are slower in Pyodide, and the runtime refuses
them to Cloudflare's own addresses, where ``*.supabase.co`` lives:
https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/#considerations

supabase-py can use the transport too (``httpx_client=httpx.AsyncClient(transport=…)``).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import js
from pyodide.ffi import JsException, to_js

# The runtime sets the first by itself, and decompresses the body before Python sees it. The others
# describe the connection, or the runtime sets them.
_HOP_HEADERS = frozenset(
    {"accept-encoding", "connection", "host", "content-length", "transfer-encoding"}
)
_ENCODING = "utf-8"
"""The runtime reads and writes headers so. httpx would encode texts as ASCII, so it gets bytes."""

_UNPACKED_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class FetchTransport(httpx.AsyncBaseTransport):
    """Sends requests with ``fetch``. It has no state, so an isolate needs only one.

    The smallest of httpx's connect, read, write and pool timeouts bounds the whole exchange, body
    included. Redirects are returned, not followed. Raises httpx.ReadTimeout, httpx.ConnectError
    (no connection, or lost before the answer began) and httpx.ReadError (lost during the body).
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. The response's body is read when httpx asks for it."""
        try:
            answer = await js.fetch(str(request.url), _options(request, await request.aread()))
        except JsException as error:
            raise _translated(error, httpx.ConnectError, request) from error
        response = httpx.Response(
            answer.status,
            headers=_headers_of(answer),
            stream=_Body(answer, request),
        )
        response.headers.encoding = _ENCODING  # else httpx tries to decode each header to find out
        return response


class _Body(httpx.AsyncByteStream):
    """The answer's body in one piece, because each chunk costs a call into Python."""

    def __init__(self, answer: Any, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            buffer = await self._answer.arrayBuffer()
        except JsException as error:
            raise _translated(error, httpx.ReadError, self._request) from error
        yield buffer.to_bytes()


def _options(request: httpx.Request, body: bytes) -> Any:
    """Return `fetch`'s options. They become JSON, because that is one call into JavaScript."""
    sent = [pair for pair in request.headers.multi_items() if pair[0] not in _HOP_HEADERS]
    plain = {"method": request.method, "headers": sent, "redirect": "manual"}
    options = js.JSON.parse(json.dumps(plain))
    limits = [s for s in request.extensions.get("timeout", {}).values() if s is not None]
    if limits:
        options.signal = js.AbortSignal.timeout(int(min(limits) * 1000))
    if body:
        options.body = to_js(body)
    return options


def _headers_of(answer: Any) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers, with one call into JavaScript."""
    pairs = json.loads(js.JSON.stringify(getattr(js.Array, "from")(answer.headers)))
    kept = (pair for pair in pairs if pair[0] not in _UNPACKED_HEADERS)
    return [(name.encode(), value.encode(_ENCODING)) for name, value in kept]


def _translated(
    error: JsException, kind: type[httpx.NetworkError], request: httpx.Request
) -> httpx.TransportError:
    """Return httpx's exception for what ``fetch`` raised. Its message names the cause.

    If a connection is refused or breaks, workerd says "Network connection lost." If a host name
    does not resolve, or the TLS handshake fails, it says "internal error" and a reference.
    """
    if error.name == "TimeoutError":
        return httpx.ReadTimeout("No complete answer in time.", request=request)
    if kind is httpx.ReadError:
        return kind("The connection broke before the answer was complete.", request=request)
    host = request.url.netloc.decode()
    if "connection lost" in error.message:
        return kind(f"{host} refused the connection or closed it.", request=request)
    return kind(
        f"No connection to {host}: its name does not resolve, or TLS failed.", request=request
    )
