"""The ports of `edge_cache.ports`, kept in memory: what the Worker's rooms get in unit tests.

Each tells what was asked of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from edge_cache.entries import NO_VERSIONS, Entry, Metadata, Versions, etag_of
from edge_cache.http import Passed
from edge_cache.ports import Filled, Missed
from edge_cache.resources import Resource
from edge_cache.tables import PROJECT, Scope, Table

NOW_MS = 1_000_000
"""The time at which the tests take place."""


class FakeStream:
    """A body that nobody but the runtime may look into; it tells whether it was let go."""

    def __init__(self) -> None:
        self.cancelled = 0

    def cancel(self) -> None:
        """Remember it."""
        self.cancelled += 1


@dataclass
class FakePassOn:
    """Supabase, to which requests are handed: answers with a status, or cannot be reached."""

    outcome: int | Exception = 200
    response: object = field(default_factory=object)
    asked: list[tuple[object, str]] = field(default_factory=list)
    """The runtime's request and the URL, each time."""
    told: list[str] = field(default_factory=list)
    """The members of Cache-Status."""

    async def __call__(
        self, request: object, url: str, cache_status: Callable[[int], str]
    ) -> Passed:
        """Take note."""
        self.asked.append((request, url))
        await asyncio.sleep(0)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        self.told.append(cache_status(self.outcome))
        return Passed(self.response, self.outcome)


@dataclass
class FakePurge:
    """The shared cache in front of the Worker, told to forget what it keeps."""

    obeys: bool = True
    times: int = 0

    async def __call__(self) -> bool:
        """Take note."""
        self.times += 1
        await asyncio.sleep(0)
        return self.obeys


@dataclass
class FakeValue:
    """A value of the store: its metadata as JSON text, its stream and its bytes or an error."""

    metadata: str | None
    body: bytes | Exception = b""
    stream: FakeStream = field(default_factory=FakeStream)

    async def read(self) -> bytes:
        """Return the bytes, or fail."""
        await asyncio.sleep(0)
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


@dataclass
class FakeStore:
    """Workers KV as readers see it: values and published versions by key."""

    values: dict[str, FakeValue] = field(default_factory=dict)
    versions: dict[str, Versions] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def open(self, key: str) -> FakeValue | None:
        """Return what lies under a key."""
        self.asked.append((key,))
        return await self._found(key)

    async def open_versioned(self, key: str, version_key: str) -> tuple[FakeValue | None, Versions]:
        """Return what lies under a key, and the versions."""
        self.asked.append((key, version_key))
        return await self._found(key), self.versions.get(version_key, NO_VERSIONS)

    async def _found(self, key: str) -> FakeValue | None:
        await asyncio.sleep(0)
        if key in self.failing:
            raise self.failing[key]
        return self.values.get(key)


@dataclass
class FakeRefresher:
    """The refresher: what it fills with, and which tables fail how."""

    fills_with: Filled | None = None
    misses: Missed | None = None
    statuses: dict[str, dict[str, object]] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    slow: dict[str, int] = field(default_factory=dict)
    """How many others may have their turn before a table's refresher answers."""
    asked: list[tuple[object, ...]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def fill(self, resource: Resource, *, version: int, has_stale: bool) -> Filled:
        """Return what it fills with."""
        async with self._doing(resource.scope, "fill", resource, version, has_stale):
            assert self.fills_with is not None, "nothing to fill with"
            return self.fills_with

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Take note."""
        async with self._doing(resource.scope, "renew", resource, asked_at_ms):
            pass

    async def revalidate(self, scope: Scope) -> None:
        """Take note."""
        async with self._doing(scope, "revalidate", scope.name):
            pass

    async def check(self, table: Table) -> bool:
        """Take note, and tell whether the table had changed unseen."""
        async with self._doing(table, "check", table.name):
            return table.name in self.changed

    async def record(self, scope: Scope, row_ids: Sequence[str] | None, number: int = 0) -> None:
        """Take note."""
        ids = None if row_ids is None else tuple(row_ids)
        numbers = (number,) if number else ()
        async with self._doing(scope, "record", scope.name, ids, *numbers):
            pass

    async def missed(self) -> Missed | None:
        """Return what no webhook brought."""
        async with self._doing(Scope("outbox"), "missed"):
            return self.misses

    async def caught_up(self, cursor: str) -> None:
        """Take note."""
        async with self._doing(PROJECT, "caught up", cursor):
            pass

    async def status(self, scope: Scope) -> dict[str, object]:
        """Return a scope's status."""
        async with self._doing(scope, "status", scope.name):
            return self.statuses.get(scope.name, {"failures": 0})

    @asynccontextmanager
    async def _doing(self, scope: Scope, *what: object) -> AsyncIterator[None]:
        """Take note of a call, and fail if the scope does; others may begin meanwhile."""
        self.asked.append(what)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        for _ in range(1 + self.slow.get(scope.name, 0)):
            await asyncio.sleep(0)
        self.at_once -= 1
        if scope.name in self.failing:
            raise self.failing[scope.name]
        yield


@dataclass
class FakeLog:
    """The log's lines."""

    lines: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, event: str, /, **fields: object) -> None:
        """Keep a line."""
        self.lines.append({"event": event, **fields})


@dataclass
class FakeBackground:
    """What is to be done after the answer was sent."""

    work: list[Awaitable[None]] = field(default_factory=list)

    def __call__(self, work: Awaitable[None]) -> None:
        """Put it off."""
        self.work.append(work)

    async def finish(self) -> None:
        """Do it."""
        while self.work:
            await self.work.pop(0)


def now_ms() -> int:
    """Return the time of the tests."""
    return NOW_MS


def metadata_of(body: bytes, *, version: int = 0, age_s: int = 0) -> Metadata:
    """Return the metadata of an entry of a version, read so many seconds ago."""
    read_at_ms = NOW_MS - age_s * 1000
    return Metadata(etag_of(body), len(body), read_at_ms, version, asked_at_ms=read_at_ms)


def value_of(body: bytes, *, version: int = 0, age_s: int = 0) -> FakeValue:
    """Return an entry as the refresher writes it. Its bytes cannot be read, only streamed."""
    metadata = metadata_of(body, version=version, age_s=age_s).to_json()
    return FakeValue(metadata, AssertionError("an entry's bytes are streamed, never read"))


def filled_of(
    body: bytes, *, version: int = 0, age_s: int = 0, stored: bool = True, asked: bool = True
) -> Filled:
    """Return what the refresher fills a miss with: a stream, as over the Durable Object's fetch."""
    metadata = metadata_of(body, version=version, age_s=age_s)
    return Filled(Entry(metadata, FakeStream()), stored=stored, asked=asked)


def members(body: object) -> dict[str, object]:
    """Return the members of a JSON body."""
    assert isinstance(body, bytes)
    read = json.loads(body)
    assert isinstance(read, dict)
    return read
