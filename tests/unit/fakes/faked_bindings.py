"""Workers KV and Durable Objects, as the runtime binds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from faked_runtime import (
    JsException,
    JsObject,
    Promise,
    Response,
    Stream,
    TypedArray,
    jsnull,
    parsed,
    plain,
)


@dataclass
class KvNamespace:
    """Workers KV, with texts by key and metadata for some. The test says which methods fail."""

    values: dict[str, tuple[bytes | JsException, object]] = field(default_factory=dict)
    failing: dict[str, JsException] = field(default_factory=dict)
    page: int = 1000
    calls: list[tuple[object, ...]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    """When a call began and when it was awaited."""
    opened: list[Stream] = field(default_factory=list)

    def getWithMetadata(self, key: str, options: object) -> Promise:  # noqa: N802  KV's name
        """Return a value as a stream, and its metadata."""
        if key not in self.values:
            found = JsObject(value=jsnull, metadata=jsnull)
        else:
            body, metadata = self.values[key]
            self.opened.append(Stream(body))
            found = JsObject(value=self.opened[-1], metadata=parsed(metadata))
        return self._promise("getWithMetadata", found, key, plain(options))

    def get(self, key: str, options: object) -> Promise:
        """Return a value as a text."""
        body = self.values[key][0] if key in self.values else None
        text = body.decode() if isinstance(body, bytes) else jsnull
        return self._promise("get", text, key, plain(options))

    def put(self, key: str, value: str | TypedArray, options: object = None) -> Promise:
        """Record it."""
        assert isinstance(value, str | TypedArray)
        return self._promise("put", None, key, value, plain(options))

    def delete(self, key: str) -> Promise:
        """Record it."""
        return self._promise("delete", None, key)

    def list(self, options: object) -> Promise:
        """Return a page of keys."""
        asked = plain(options)
        keys = sorted(key for key in self.values if key.startswith(asked["prefix"]))
        begin = int(asked.get("cursor", "0"))
        end = begin + min(asked.get("limit", self.page), self.page)
        names = [
            {"name": key}
            if self.values[key][1] is None
            else {"name": key, "metadata": self.values[key][1]}
            for key in keys[begin:end]
        ]
        complete = end >= len(keys)
        page = {"keys": names, "list_complete": complete}
        listed = page if complete else {**page, "cursor": str(end)}
        return self._promise("list", parsed(listed), asked)

    def _promise(self, method: str, outcome: object, *arguments: object) -> Promise:
        self.calls.append((method, *arguments))
        self.steps.append(f"{method} began")
        return Promise(
            self.failing.get(method, outcome), lambda: self.steps.append(f"{method} awaited")
        )


@dataclass
class ObjectNamespace:
    """Durable Objects that all return the same response, or all throw."""

    answer: Response | JsException = field(default_factory=lambda: Response(None, 204))
    calls: list[tuple[str, str, object]] = field(default_factory=list)

    def getByName(self, name: str) -> SimpleNamespace:  # noqa: N802  the namespace's name
        """Return an object's stub."""

        def fetch(url: str, init: object = None) -> Promise:
            self.calls.append((name, url, plain(init)))
            return Promise(self.answer)

        return SimpleNamespace(fetch=fetch)
