"""Workers KV behind the ports of `edge_cache.ports`.

This module uses the raw JavaScript binding. The SDK's wrapper converts values element by element,
so that a put of 1 MB takes seconds. Of JavaScript's objects, only streams leave this module, and
only the runtime reads them.
"""

from __future__ import annotations

import json
from typing import Any

from pyodide.ffi import JsException, jsnull, to_js

from edge_cache.bodies import Stream, release
from edge_cache.cloudflare.javascript import JS
from edge_cache.errors import StoreError
from edge_cache.versions import NOT_PUBLISHED, Published

CACHE_TTL_S = 30
"""A location may answer from its own copy of a key for so long. KV allows nothing shorter.
https://developers.cloudflare.com/kv/api/read-key-value-pairs/#cachettl-parameter"""


class KvValue:
    """A value and its metadata. It is open and not yet read."""

    def __init__(self, stream: Any, metadata: str | None) -> None:
        self.stream: Stream = stream
        self.metadata = metadata

    async def read(self) -> bytes:
        """Return the whole value. Raises StoreError."""
        try:
            buffer = await JS.response(self.stream).arrayBuffer()
        except JsException as error:
            raise _store_error("read", error) from error
        return bytes(buffer.to_bytes())


class KvReader:
    """Workers KV without ``put``."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace
        self._as_stream = _read_options("stream")
        self._as_text = _read_options("text")

    async def open(self, key: str) -> KvValue | None:
        """Return what lies under a key, or None. Raises StoreError."""
        try:
            return _value(await self._namespace.getWithMetadata(key, self._as_stream))
        except JsException as error:
            raise _store_error("read", error) from error

    async def open_versioned(self, key: str, versions_key: str) -> tuple[KvValue | None, Published]:
        """Return what lies under a key, and the published versions. Raises StoreError."""
        # Both calls are under way before the first is awaited.
        entry = self._namespace.getWithMetadata(key, self._as_stream)
        versions = self._namespace.get(versions_key, self._as_text)
        value: KvValue | None = None
        try:
            value = _value(await entry)
            text = await versions
        except JsException as error:
            if value is not None:
                release(value.stream)
            raise _store_error("read", error) from error
        return value, NOT_PUBLISHED if text is jsnull else Published.of(text)


class KvWriter:
    """Workers KV for the refresher."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def put(self, key: str, body: bytes, metadata: str, ttl_s: int | None = None) -> None:
        """Overwrite a value and its metadata. Raises StoreError."""
        expiry = "" if ttl_s is None else f', "expirationTtl": {ttl_s}'
        options = JS.parse(f'{{"metadata": {metadata}{expiry}}}')
        try:
            await self._namespace.put(key, to_js(body), options)
        except JsException as error:
            raise _store_error("write", error) from error

    async def put_versions(self, versions_key: str, versions: str) -> None:
        """Overwrite the published versions. Raises StoreError."""
        try:
            await self._namespace.put(versions_key, versions)
        except JsException as error:
            raise _store_error("write", error) from error

    async def delete(self, key: str) -> None:
        """Delete a value. If there is none, that is no error. Raises StoreError."""
        try:
            await self._namespace.delete(key)
        except JsException as error:
            raise _store_error("delete", error) from error

    async def entries(self, prefix: str, *, at_most: int | None = None) -> dict[str, str | None]:
        """Return the keys that begin with ``prefix``, in order, and the metadata (JSON) of each.

        Raises StoreError.
        """
        found: dict[str, str | None] = {}
        options: dict[str, object] = {"prefix": prefix}
        if at_most is not None:
            options["limit"] = at_most
        while True:
            try:
                page = await self._namespace.list(JS.parse(json.dumps(options)))
            except JsException as error:
                raise _store_error("list", error) from error
            # One call into JavaScript for a whole page, which has up to 1,000 keys.
            listed = json.loads(JS.stringify(page))
            for key in listed["keys"]:
                metadata = key.get("metadata")
                found[key["name"]] = None if metadata is None else json.dumps(metadata)
            if listed["list_complete"] or at_most is not None:
                return found
            options["cursor"] = listed["cursor"]


def _read_options(kind: str) -> Any:
    return JS.parse(json.dumps({"type": kind, "cacheTtl": CACHE_TTL_S}))


def _value(result: Any) -> KvValue | None:
    if result.value is jsnull:
        return None
    metadata = result.metadata
    return KvValue(result.value, None if metadata is jsnull else JS.stringify(metadata))


def _store_error(what: str, error: JsException) -> StoreError:
    return StoreError(f"Workers KV refused to {what}: {error.message}")
