"""Turns the Workers runtime's objects into this package's, and back. Only this module does that."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any

import js
from pyodide.ffi import JsException, jsnull, to_js
from workers import import_from_javascript, wait_until

from edge_cache.cloudflare.javascript import JS
from edge_cache.errors import BadPayload
from edge_cache.messages import Answer, Passed, ReadBody, Request
from edge_cache.urls import cut

CHUNK_BYTES = 8 * 1024
"""Smaller chunks do not save more memory (measured with 300 readers of 5 MB)."""

_LINES = json.JSONEncoder(ensure_ascii=False)
"""It is made once. json.dumps would make one for each line."""

WHOLE_BYTES = 256 * 1024
"""If a body is not longer, a response gets it as a whole, because that is faster than chunks."""


def environment() -> Any:
    """Return the raw bindings. The SDK's ``self.env`` would convert every value."""
    return import_from_javascript("cloudflare:workers").env


def variable(env: Any, name: str) -> str | None:
    """Return a variable's text, or None if there is none.

    If wrangler.toml declares something else, such as a section, its text is JSON.
    """
    value = getattr(env, name, None)
    return value if value is None or isinstance(value, str) else str(JS.stringify(value))


def has(env: Any, name: str, method: str) -> bool:
    """Return whether a binding of the right kind is there. Its kind has this method."""
    return hasattr(getattr(env, name, None), method)


def request_of(js_request: Any, prefix: str = "") -> Request | None:
    """Return what the package needs of a request, or None if its path is not below a prefix.

    A header is read only when it is needed.
    """
    url = cut(js_request.url).below(prefix)
    if url is None:
        return None
    headers = js_request.headers

    def header(name: str) -> str | None:
        value = headers.get(name)
        return None if value is jsnull else str(value)

    def copy() -> ReadBody:
        return partial(_body_of, js_request.clone())

    body = partial(_body_of, js_request)
    return Request(js_request.method, url, header, body, copy, js_request)


async def _body_of(js_request: Any, limit: int) -> bytes | None:
    """Return a request's body, or None once it has more than ``limit`` bytes.

    Raises BadPayload if the client hangs up before the end.
    """
    if js_request.body is jsnull:
        return b""
    reader, size = js_request.body.getReader(), 0
    chunks: list[bytes] = []
    while True:
        try:
            part = await reader.read()
        except JsException as error:
            raise BadPayload("The connection broke before the end of the body.") from error
        if part.done:
            return b"".join(chunks)
        chunks.append(part.value.to_bytes())
        size += len(chunks[-1])
        if size > limit:
            await reader.cancel()
            return None


def response_of(answer: Answer | Passed) -> Any:
    """Return the runtime's response. A stream stays as it is, and so does what was passed on."""
    if isinstance(answer, Passed):
        return answer.response
    body = answer.body
    if isinstance(body, bytes):
        body = to_js(body)
    elif isinstance(body, Shared):
        body = body.content()
    # One call into JavaScript for status and headers. To convert a dict costs one for each value.
    init = JS.parse(json.dumps({"status": answer.status, "headers": dict(answer.headers)}))
    return JS.response(body, init)


class Shared:
    """A body for any number of responses. JavaScript's memory has it once.

    If a response is made of bytes, it copies all of them, and again on the way from the object to
    the Worker. If it is made of a stream, it has only one chunk at a time.
    """

    def __init__(self, body: bytes) -> None:
        self._whole = to_js(body)
        self._chunks: Any = None
        if len(body) > WHOLE_BYTES:
            self._chunks = js.Array.new()
            for start in range(0, len(body), CHUNK_BYTES):
                self._chunks.push(self._whole.subarray(start, start + CHUNK_BYTES))

    def content(self) -> Any:
        """Return the body for one response."""
        if self._chunks is None:
            return self._whole
        return getattr(js.ReadableStream, "from")(self._chunks)

    def cancel(self) -> None:
        """Do nothing, because nothing is open."""


def in_background(work: Awaitable[None]) -> None:
    """Run something after the answer was sent. The runtime allows it 30 s."""
    wait_until(asyncio.ensure_future(work))


def now_ms() -> int:
    """Return the Unix time in milliseconds. In the runtime it advances only with I/O."""
    return time.time_ns() // 1_000_000


def log(event: str, /, **fields: object) -> None:
    """Write one JSON line. A field that is None is left out."""
    line = {"event": event, **{k: v for k, v in fields.items() if v is not None}}
    # print() goes through Pyodide's file system, which costs 0.2 ms more for each hit (measured).
    JS.log(_LINES.encode(line))
