"""Workers KV: one store, which locations see in their own time, and which may refuse."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from clock import Clock

from edge_cache.errors import StoreError
from edge_cache.versions import NOT_PUBLISHED, Published

COPY_S = 30.0
"""For so long a location elsewhere answers from its own copy of a key, or of its absence."""


class Stream:
    """A body that only the runtime looks into: sent once, or let go of.

    The event loop is told of one that is neither: it would hold a connection.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._is_done = False

    def cancel(self) -> None:
        """Let go of it."""
        self._finish()

    def sent(self) -> bytes:
        """Return what is in it, as whoever gets it does."""
        self._finish()
        return self._content

    def _finish(self) -> None:
        assert not self._is_done, "A body was used twice."
        self._is_done = True

    def __del__(self) -> None:
        """Tell, as asyncio does of a task's error that nobody looked at."""
        if not self._is_done:
            message = f"A body was neither sent nor let go of: {self._content!r}"
            self._loop.call_exception_handler({"message": message})


@dataclass(frozen=True)
class Kept:
    """What lies under a key; it goes at a Unix time in milliseconds, if at any."""

    content: bytes
    metadata: str | None = None
    ttl_s: int | None = None
    goes_at_ms: float = float("inf")


class Value:
    """A value that a reader has opened."""

    def __init__(self, kv: Kv, key: str, kept: Kept) -> None:
        self._kv = kv
        self._key = key
        self.stream = Stream(kept.content)
        self.metadata = kept.metadata

    async def read(self) -> bytes:
        """Return the whole value."""
        content = self.stream.sent()
        await self._kv.begin("read", self._key)
        return content


@dataclass
class Location:
    """What readers of one location see."""

    kv: Kv
    copy_s: float
    copies: dict[str, tuple[float, Kept | None]] = field(default_factory=dict)

    async def open(self, key: str) -> Value | None:
        """Return what lies under a key."""
        await self.kv.begin("get", key)
        kept = self._seen(key)
        return Value(self.kv, key, kept) if kept else None

    async def open_versioned(self, key: str, versions_key: str) -> tuple[Value | None, Published]:
        """Return what lies under a key, and the versions, both read at once."""
        await self.kv.begin("get", versions_key)
        value = await self.open(key)
        kept = self._seen(versions_key)
        return value, Published.of(kept.content.decode()) if kept else NOT_PUBLISHED

    def _seen(self, key: str) -> Kept | None:
        passed_s = self.kv.clock.passed_s
        until_s, kept = self.copies.get(key, (0.0, None))
        if passed_s >= until_s:
            kept = self.kv.kept(key)
            self.copies[key] = passed_s + self.copy_s, kept
        return kept


class Kv:
    """The store as the refresher writes it, and the hands that tests have on it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.done: list[tuple[float, str, str]] = []
        """Writes and deletes that were carried out: when, what, and which key."""
        self.tried: list[tuple[float, str, str]] = []
        """The same with reads and lists, whether or not they were carried out."""
        self.delay_s = 0.0
        self._kept: dict[str, Kept] = {}
        self._refused: list[tuple[str, str, Exception]] = []
        self._held: dict[str, asyncio.Event] = {}
        self._locations: dict[str, Location] = {}

    def at(self, location: str) -> Location:
        """Return what readers of a location see: ``home`` sees each write at once."""
        copy_s = 0.0 if location == "home" else COPY_S
        return self._locations.setdefault(location, Location(self, copy_s))

    def refuse(self, what: str = "", key: str = "", error: Exception | None = None) -> None:
        """Have an operation (get, read, put, delete or list; all) on a key (all) fail."""
        self._refused.append((what, key, error or StoreError("Workers KV refused.")))

    def accept(self) -> None:
        """Refuse nothing any more."""
        self._refused.clear()

    def hold(self, key: str) -> asyncio.Event:
        """Have writes of a key take until the event is set."""
        return self._held.setdefault(key, asyncio.Event())

    @property
    def keys(self) -> list[str]:
        """What there is, in order."""
        return [key for key in sorted(self._kept) if self.kept(key)]

    def json(self, key: str) -> Any:
        """Return the JSON value that lies under a key, or None."""
        kept = self.kept(key)
        return json.loads(kept.content) if kept else None

    def metadata(self, key: str) -> dict[str, Any]:
        """Return the metadata of what lies under a key."""
        kept = self.kept(key)
        assert kept is not None
        assert kept.metadata is not None
        members: dict[str, Any] = json.loads(kept.metadata)
        return members

    def set(self, key: str, content: bytes, metadata: str | None = None) -> None:
        """Write as another Worker does."""
        self._kept[key] = Kept(content, metadata)

    def lose(self, key: str) -> None:
        """Remove what lies under a key, as another Worker does."""
        del self._kept[key]

    def writes(self, key: str = "") -> list[tuple[float, str]]:
        """Return when a key was written or deleted, and which of both."""
        return [(at_s, what) for at_s, what, done in self.done if done == key]

    def kept(self, key: str) -> Kept | None:
        """Return what lies under a key."""
        kept = self._kept.get(key)
        return kept if kept and kept.goes_at_ms > self.clock.now_ms() else None

    async def put(self, key: str, body: bytes, metadata: str, ttl_s: int | None = None) -> None:
        """Overwrite a value and its metadata."""
        goes_at_ms = float("inf") if ttl_s is None else self.clock.now_ms() + ttl_s * 1000
        await self._write("put", key, Kept(body, metadata, ttl_s, goes_at_ms))

    async def put_versions(self, versions_key: str, versions: str) -> None:
        """Overwrite the versions."""
        await self._write("put", versions_key, Kept(versions.encode()))

    async def delete(self, key: str) -> None:
        """Remove a value."""
        await self._write("delete", key, None)

    async def entries(self, prefix: str, *, at_most: int | None = None) -> dict[str, str | None]:
        """Return metadata by key."""
        await self.begin("list", prefix)
        found = {key: self.kept(key) for key in self.keys if key.startswith(prefix)}
        return {key: kept.metadata for key, kept in list(found.items())[:at_most] if kept}

    async def begin(self, what: str, key: str) -> None:
        """Note an operation; refuse it if a test wants that."""
        self.tried.append((self.clock.passed_s, what, key))
        refused = [error for it, on, error in self._refused if it in {"", what} and on in {"", key}]
        await asyncio.sleep(self.delay_s)
        if key in self._held and what in {"put", "delete"}:
            await self._held[key].wait()
        if refused:
            raise refused[0]

    async def _write(self, what: str, key: str, kept: Kept | None) -> None:
        await self.begin(what, key)
        self.done.append((self.clock.passed_s, what, key))
        if kept is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = kept
