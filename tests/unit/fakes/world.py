"""The world around a refresher, played: time that only waiting moves, Supabase, KV, a disk."""

from __future__ import annotations

import asyncio
import gc
import json
import selectors
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from edge_cache.entries import Metadata, Representation, Versions, parse_metadata
from edge_cache.errors import EdgeCacheError, NotFound, StoreError
from edge_cache.ports import Announced, Filled
from edge_cache.queries import Query
from edge_cache.refresher.host import host_of, wake
from edge_cache.refresher.parts import Outside
from edge_cache.resources import Resource
from edge_cache.tables import Scope, Table

TABLE = Table("articles")
LIST = Resource(TABLE)
START_MS = 1_700_000_000_000
MAX_ALARMS_AT_ONCE = 20


def row(row_id: str) -> Resource:
    """Return a row of the table."""
    return Resource(TABLE, row_id)


def query(parameters: str = "", scope: Scope = TABLE) -> Resource:
    """Return a query of the table."""
    return Resource(scope, query=Query("articles", parameters))


class Clock:
    """Time that passes, in seconds, and the Unix time, which may be set."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self._began_ms = START_MS

    def now_ms(self) -> int:
        """Return the Unix time in milliseconds."""
        return self._began_ms + round(self.passed_s * 1000)

    def set_by(self, ms: int) -> None:
        """Set the Unix time forward, or back."""
        self._began_ms += ms


class _Selector(selectors.SelectSelector):
    """Lets time pass instead of waiting."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return at once."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("Everything waits, and nothing is going to happen.")
        if not ready and timeout:
            self._clock.passed_s += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock) -> None:
        super().__init__(_Selector(clock))
        self._clock = clock

    def time(self) -> float:
        return self._clock.passed_s


def play(clock: Clock, scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene in time that only waiting moves; no task may end with an error unseen."""
    unseen: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        runner.get_loop().set_exception_handler(lambda _loop, context: unseen.append(context))
        runner.run(scene)
        gc.collect()  # asyncio tells of an error that nobody looked at when its task is dropped
    if unseen:
        raise AssertionError(unseen)


async def settle() -> None:
    """Let everything run that need not wait for time to pass."""
    for _ in range(50):
        await asyncio.sleep(0)


class FakeSource:
    """Supabase with one table: what it answers is what the table is when it is asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.rows: dict[str, dict[str, object]] = {}
        self.asked: list[tuple[int, str]] = []
        self.delay_s = 0.0
        self.error: Exception | None = None
        self.errors: dict[str, Exception] = {}
        self.answers: dict[str, Representation] = {}
        self.held: dict[str, asyncio.Event] = {}
        self.under_way = 0
        self.most_under_way = 0

    def write(self, row_id: str, title: str) -> None:
        """Insert or update a row."""
        self.rows[row_id] = {"id": row_id, "title": title}

    def hold(self, key: str) -> asyncio.Event:
        """Have reads of a key take until the event is set."""
        return self.held.setdefault(key, asyncio.Event())

    def count(self, key: str) -> int:
        """Return how often a key was read."""
        return sum(asked == key for _, asked in self.asked)

    async def read(self, resource: Resource) -> Representation:
        """Answer as the table is now, after the time that it takes."""
        key = resource.key
        self.asked.append((self._clock.now_ms() - START_MS, key))
        outcome = self.errors.get(key, self.error) or self._answer(resource)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.delay_s)
            if key in self.held:
                await self.held[key].wait()
        finally:
            self.under_way -= 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome if isinstance(outcome, Representation) else Representation(outcome)

    def _answer(self, resource: Resource) -> Representation | bytes | Exception:
        if resource.key in self.answers:
            return self.answers[resource.key]
        if resource.row_id is None:
            body = json.dumps(list(self.rows.values())).encode()
            headers = {"content-range": f"0-{len(self.rows)}/*"}
            return body if resource.query is None else Representation(body, 200, headers)
        if resource.row_id not in self.rows:
            return NotFound("No such row.")
        return json.dumps(self.rows[resource.row_id]).encode()


class FakeOutbox:
    """The database's outbox: what it announces next, and from where on it was asked."""

    def __init__(self) -> None:
        self.is_open = True
        self.announces: Announced | Exception | None = None
        self.asked: list[str | None] = []

    async def announced(self, after: str | None) -> Announced | None:
        """Return what it announces."""
        self.asked.append(after)
        await asyncio.sleep(0)
        if isinstance(self.announces, Exception):
            raise self.announces
        return self.announces


class FakeStore:
    """Workers KV as one location sees it, which may refuse, or take its time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.values: dict[str, tuple[bytes, str | None]] = {}
        self.done: list[tuple[int, str, str]] = []
        self.tried: list[tuple[int, str, str]] = []
        self.refuses: Callable[[str, str], bool] = lambda _what, _key: False
        self.error: Exception = StoreError("Workers KV refused.")
        self.held: dict[str, asyncio.Event] = {}
        self.listed = 0
        self.ttls: dict[str, int | None] = {}

    def hold(self, key: str) -> asyncio.Event:
        """Have writes of a key take until the event is set."""
        return self.held.setdefault(key, asyncio.Event())

    async def put(self, key: str, body: bytes, metadata: str, ttl_s: int | None = None) -> None:
        """Overwrite a value."""
        self.ttls[key] = ttl_s
        await self._begin("put", key)
        self.values[key] = body, metadata
        self._end("put", key)

    async def put_versions(self, version_key: str, versions: Versions) -> None:
        """Overwrite the versions."""
        await self._begin("put", version_key)
        self.values[version_key] = versions.to_text().encode(), None
        self._end("put", version_key)

    async def delete(self, key: str) -> None:
        """Remove a value."""
        await self._begin("delete", key)
        self.values.pop(key, None)
        self._end("delete", key)

    async def entries(self, prefix: str, *, at_most: int | None = None) -> dict[str, str | None]:
        """Return metadata by key."""
        await self._begin("list", prefix)
        keys = sorted(key for key in self.values if key.startswith(prefix))[:at_most]
        self.listed += len(keys)
        return {key: self.values[key][1] for key in keys}

    async def _begin(self, what: str, key: str) -> None:
        self.tried.append((self._clock.now_ms() - START_MS, what, key))
        refuses = self.refuses(what, key)
        await asyncio.sleep(0)
        if key in self.held:
            await self.held[key].wait()
        if refuses:
            raise self.error

    def _end(self, what: str, key: str) -> None:
        self.done.append((self._clock.now_ms() - START_MS, what, key))


class FakeStorage:
    """A Durable Object's storage and alarm, which outlive the object."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.due: int | None = None
        self.alarm_set = asyncio.Event()

    def get(self, key: str) -> str | None:
        """Return a text."""
        return self.texts.get(key)

    def put(self, key: str, text: str) -> None:
        """Keep a text."""
        self.texts[key] = text

    async def set_alarm(self, at_ms: int) -> None:
        """Set the alarm."""
        self.due = at_ms
        self.alarm_set.set()


class World:
    """A refresher's host and all that is around it."""

    def __init__(self, scope: Scope = TABLE) -> None:
        self.scope = scope
        self.clock = Clock()
        self.source = FakeSource(self.clock)
        self.outbox = FakeOutbox()
        self.store = FakeStore(self.clock)
        self.storage = FakeStorage()
        self.events: list[tuple[str, dict[str, object]]] = []
        self.outside = Outside(
            source=self.source,
            project="p",
            outbox=self.outbox,
            store=self.store,
            storage=self.storage,
            share=bytes,
            now_ms=self.clock.now_ms,
            log=self.log,
        )
        self.host = host_of(self.scope, self.outside)

    def log(self, event: str, /, **fields: object) -> None:
        """Remember an event."""
        self.events.append((event, fields))

    def logged(self, event: str) -> list[dict[str, object]]:
        """Return the fields of every event of a name."""
        return [fields for name, fields in self.events if name == event]

    @property
    def passed_ms(self) -> int:
        """How much time has passed since the beginning, whatever the clock says."""
        return round(self.clock.passed_s * 1000)

    @property
    def due_in_ms(self) -> int | None:
        """How far off the alarm is."""
        return None if self.storage.due is None else self.storage.due - self.clock.now_ms()

    @property
    def versions(self) -> Versions:
        """The versions that readers see in KV."""
        text = self.store.values.get(self.scope.version_key, (b"", None))[0].decode()
        return Versions.from_text(text)

    @property
    def published(self) -> int:
        """The rows' version that readers see in KV."""
        return self.versions.rows

    def metadata(self, resource: Resource) -> Metadata | None:
        """Return the metadata of an entry in KV."""
        text = self.store.values.get(resource.key, (b"", None))[1]
        return parse_metadata(text) if text else None

    def shown(self, resource: Resource) -> object:
        """Return what KV alone shows to a reader who takes it for fresh, or None."""
        metadata = self.metadata(resource)
        if metadata is None:
            return None
        if metadata.version < resource.needed_of(self.versions):
            return None
        return json.loads(self.store.values[resource.key][0])

    def has_stale(self, resource: Resource) -> bool:
        """Tell whether a reader has an entry that is out of date."""
        return resource.key in self.store.values and self.shown(resource) is None

    async def fill(self, resource: Resource, *, has_stale: bool = False) -> Filled:
        """Ask for an entry as a reader does who sees what is in KV."""
        version = resource.needed_of(self.versions)
        return await self.host.fills.fill(resource, version=version, has_stale=has_stale)

    async def read(self, resource: Resource) -> object:
        """Read as a reader does: from KV if that is fresh, else through the refresher."""
        shown = self.shown(resource)
        if shown is not None:
            return shown
        stale = self.store.values.get(resource.key)
        try:
            filled = await self.fill(resource, has_stale=stale is not None)
        except EdgeCacheError as error:
            if stale and error.stale_if_error:
                return json.loads(stale[0])
            raise
        return body_of(filled)

    async def alarm(self) -> None:
        """Have the alarm fire."""
        self.storage.due = None
        host = self.host
        await wake(lambda: host, self.storage, now_ms=self.clock.now_ms, log=self.log)

    async def live(self, seconds: float) -> None:
        """Let time pass; the alarm fires whenever it is due."""
        end_s = self.clock.passed_s + seconds
        alarms, since_s = 0, self.clock.passed_s
        while True:
            due_in_ms = self.due_in_ms
            if due_in_ms is not None and due_in_ms <= 0:
                alarms = alarms + 1 if since_s == self.clock.passed_s else 1
                since_s = self.clock.passed_s
                if alarms > MAX_ALARMS_AT_ONCE:
                    raise AssertionError("The alarm fires again and again.")
                await self.alarm()
                continue
            left_s = end_s - self.clock.passed_s
            if left_s <= 0:
                break
            self.storage.alarm_set.clear()
            wait_s = left_s if due_in_ms is None else min(left_s, due_in_ms / 1000)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.storage.alarm_set.wait()
        await settle()

    async def restart(self) -> None:
        """Lose the object with all that it had under way, and have the next request make it."""
        for timer in (self.host.backlog._timer, self.host.known.demand._storing):
            if timer:
                timer.cancel()
        lost = asyncio.all_tasks() - {asyncio.current_task()}
        for task in lost:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in lost if task), return_exceptions=True)
        self.host = host_of(self.scope, self.outside)
        await self.host.backlog.schedule()


def body_of(filled: Filled) -> Any:
    """Return the JSON value of what a reader got."""
    assert isinstance(filled.entry.body, bytes)
    return json.loads(filled.entry.body)
