"""A Durable Object as the runtime keeps it: its storage and alarm outlive it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context

from clock import Clock, Life
from kv import Stream

from edge_cache.errors import RefresherUnavailable
from edge_cache.messages import Answer
from edge_cache.ports import Log
from edge_cache.refresher import serving
from edge_cache.refresher.bookkeeping import Bookkeeping
from edge_cache.refresher.host import Host, parts_of, wake
from edge_cache.refresher.parts import Outside
from edge_cache.tables import Declared

MAX_ALARMS_AT_ONCE = 20


class Storage:
    """Texts, and the alarm."""

    def __init__(self, clock: Clock, ring: Callable[[], object] = lambda: None) -> None:
        self.texts: dict[str, str] = {}
        self.due_ms: int | None = None
        self._clock = clock
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def get(self, key: str) -> str | None:
        """Return a text."""
        return self.texts.get(key)

    def put(self, key: str, text: str) -> None:
        """Keep a text."""
        self.texts[key] = text

    async def set_alarm(self, at_ms: int) -> None:
        """Set the alarm."""
        await asyncio.sleep(0)
        self.due_ms = at_ms
        self.wind()

    def wind(self) -> None:
        """Have the alarm ring when it is due by the clock as it is."""
        if self._timer:
            self._timer.cancel()
        if self.due_ms is not None:
            wait_s = max(0, self.due_ms - self._clock.now_ms()) / 1000
            # It outlives the object that sets it.
            self._timer = Context().run(asyncio.get_running_loop().call_later, wait_s, self._fire)

    def _fire(self) -> None:
        if self.due_ms is not None and self._clock.now_ms() < self.due_ms:
            self.wind()
            return
        self.due_ms = None
        self._ring()


class ObjectAnswer:
    """An object's answer as the Worker gets it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        content = answer.body
        assert content is None or isinstance(content, bytes)
        self.body = None if content is None else Stream(content)

    @property
    def is_ok(self) -> bool:
        """Whether it is a success."""
        return self._answer.status < 300

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        return self._answer.headers.get(name)

    async def text(self) -> str:
        """Return the body as a text."""
        return self.body.sent().decode() if self.body else ""


class DurableObject:
    """One object, wired as ``src/entry.py`` does."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        declared: Callable[[], Declared],
        outside: Callable[[Storage], Outside],
        log: Log,
    ) -> None:
        self.storage = Storage(clock, self._ring)
        self.is_reachable = True
        self._name = name
        self._clock = clock
        self._declared = declared
        self._outside = outside
        self._log = log
        self._life = Life()
        self._host: Host | Bookkeeping | None = None
        self._rang_s: list[float] = []

    async def call(self, url: str, body: str) -> ObjectAnswer:
        """Answer a request; one that is under way when the object dies gets none."""
        if not self.is_reachable:
            raise RefresherUnavailable("The Durable Object could not be reached.")
        serving_it = self._life.begin(self._serve(url, body))
        await asyncio.wait({serving_it})
        if serving_it.cancelled():
            raise RefresherUnavailable("The Durable Object could not be reached.")
        return ObjectAnswer(serving_it.result())

    def restart(self) -> None:
        """Lose all that is not in storage, and all that is under way."""
        self._life.end()
        self._life, self._host = Life(), None

    async def _serve(self, url: str, body: str) -> Answer:
        async def text() -> str:
            await asyncio.sleep(0)
            return body

        return await serving.serve(url, text, self._declared, self._hosted, self._log)

    async def _hosted(self) -> Host | Bookkeeping | None:
        is_new = self._host is None
        host = self._woken()
        if host and is_new:
            await host.backlog.schedule()
        return host

    def _woken(self) -> Host | Bookkeeping | None:
        if self._host is None:
            self._host = parts_of(self._name, self._declared(), self._outside(self.storage))
        return self._host

    def _ring(self) -> None:
        now_s = self._clock.passed_s
        self._rang_s = [at_s for at_s in self._rang_s if at_s == now_s] + [now_s]
        assert len(self._rang_s) <= MAX_ALARMS_AT_ONCE, "The alarm fires again and again."
        self._life.begin(wake(self._woken, self.storage, now_ms=self._clock.now_ms, log=self._log))
