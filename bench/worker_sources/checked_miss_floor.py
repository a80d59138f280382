"""The floor of a miss, for a cache that may keep only what is whole and for everybody.

So it also reads the headers that say who asks. It asks Supabase with httpx, within a time limit.
It checks that the answer is JSON, has a digest of it for the entity-tag, and gives KV metadata,
without which nobody knows how old the entry is, or what headers of Supabase's belong to it. Its
answer has the headers without which supabase-js cannot use it in a page. It writes one line to the
log. It does not find out what the answer depends on, counts nothing, and tries nothing again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import js
import miss_floor
from miss_floor import (
    CHUNK_BYTES,
    ROWS_OF_A_PAGE,
    TABLE,
    asked,
    behind_the_answer,
    binding,
    path_of,
)
from pyodide.ffi import jsnull, to_js
from workers import Request

from edge_cache.cloudflare.fetch_transport import FetchTransport

WHO_ASKS = ("apikey", "authorization", "range", "accept", "accept-profile", "prefer")
KEPT = ("content-type", "content-range", "content-profile", "content-location")
FOR_PAGES = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Content-Range, Content-Location, Content-Profile, ETag, Age",
    "cache-control": "no-cache",
    "vary": "Accept, Accept-Profile, Apikey, Authorization, Prefer, Range",
    "age": "0",
}
METADATA = "x-metadata"
TIMEOUT = {"timeout": httpx.Timeout(10).as_dict()}

_transport = FetchTransport()


class Default(miss_floor.Default):
    """Answers from KV, or asks the object."""

    async def fetch(self, request: Request) -> Any:
        """Answer, and write a line to the log."""
        headers = request.js_object.headers
        who = [headers.get(name) for name in WHO_ASKS]
        response = await super().fetch(request)
        metadata = response.headers.get(METADATA)
        if metadata is jsnull:
            return response
        told = json.loads(metadata)
        js.console.log(json.dumps({"event": "miss", "path": path_of(request), "who": len(who)}))
        headers = {**FOR_PAGES, **told["headers"], "etag": told["etag"]}
        return response_of(response.body, headers)


class Refresher(miss_floor.Refresher):  # type: ignore[no-untyped-call]
    """Reads from Supabase, once for all who want the same at once."""

    async def read(self, path: str) -> Callable[[], Any]:
        """Return what makes the response for each reader."""
        env, *_ = binding()
        body, kept = await whole_of(env.SUPABASE_URL, path)
        tag = hashlib.blake2b(body, digest_size=16).hexdigest()
        metadata = json.dumps({"etag": f'"{tag}"', "size": len(body), "headers": kept})
        whole = to_js(body)
        options = js.JSON.parse(f'{{"metadata": {metadata}}}')
        behind_the_answer(lambda: env.ARTICLES.put(path, whole, options))
        headers = {METADATA: metadata}
        if path != TABLE:
            return lambda: response_of(whole, headers)
        chunks = js.Array.new()
        for start in range(0, len(body), CHUNK_BYTES):
            chunks.push(whole.subarray(start, start + CHUNK_BYTES))
        return lambda: response_of(getattr(js.ReadableStream, "from")(chunks), headers)


def response_of(content: Any, headers: Mapping[str, str]) -> Any:
    """Return a response."""
    return js.Response.new(content, js.JSON.parse(json.dumps({"headers": headers})))


async def whole_of(url: str, path: str) -> tuple[bytes, dict[str, str]]:
    """Return what a path names, and the headers that belong to it. A table is read in pages."""
    if path != TABLE:
        return await checked(url + asked(path))
    pages: list[bytes] = []
    while True:
        page, kept = await checked(f"{url}/rest/v1{TABLE}?offset={len(pages) * ROWS_OF_A_PAGE}")
        if page == b"[]":
            return b"[" + b",".join(pages) + b"]", kept
        pages.append(page[1:-1])


async def checked(url: str) -> tuple[bytes, dict[str, str]]:
    """Return an answer of Supabase and its headers. Raises ValueError if it is no JSON."""
    request = httpx.Request("GET", url, extensions=TIMEOUT)
    response = await _transport.handle_async_request(request)
    body: bytes = await response.aread()
    json.loads(body)
    return body, {name: response.headers[name] for name in KEPT if name in response.headers}
