"""One operation at a time for each key. All who want its result share it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    """A task. ``version`` was the current one when it began."""

    task: asyncio.Task[T]
    version: int


class SingleFlight(Generic[K, T]):
    """Runs ``operation(key, version)`` so that two of one key never overlap.

    Because one follows the other, an earlier operation's result cannot replace a later one's. If a
    caller is cancelled, the operation goes on. If the operation fails, all callers that wait for it
    get the error, and the next caller starts a new one. ``version`` returns the current version,
    with which an operation begins.
    """

    def __init__(
        self,
        operation: Callable[[K, int], Coroutine[Any, Any, T]],
        version: Callable[[], int],
    ) -> None:
        self._operation = operation
        self._version = version
        self._running: dict[K, _Flight[T]] = {}
        self._queued: dict[K, asyncio.Task[T]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs."""
        return not self._running

    def is_under_way(self, key: K, version: int) -> bool:
        """Return whether an operation runs that began at that version or later."""
        running = self._running.get(key)
        return running is not None and running.version >= version

    async def settle(self, *keys: K) -> None:
        """Wait until the operations of these keys (none: of all) that run now have ended."""
        running = {self._running[key].task for key in keys or self._running if key in self._running}
        if running:
            await asyncio.wait(running)

    async def join(self, key: K, version: int) -> T:
        """Return the result of an operation that began at that version or later.

        The version must not be above the current one. While an older operation runs, one more is
        queued for all who need it.
        """
        running = self._running.get(key)
        if running is None:
            task = self._start(key)
        elif running.version >= version:
            task = running.task
        else:
            task = self._queued.get(key) or self._queue(key, running.task)
        return await asyncio.shield(task)

    def _start(self, key: K) -> asyncio.Task[T]:
        version = self._version()
        task = _quiet(self._run(key, version))
        self._running[key] = _Flight(task, version)
        return task

    def _queue(self, key: K, predecessor: asyncio.Task[T]) -> asyncio.Task[T]:
        async def follow() -> T:
            await asyncio.wait({predecessor})
            version = self._version()
            self._running[key] = _Flight(self._queued.pop(key), version)
            return await self._run(key, version)

        task = self._queued[key] = _quiet(follow())
        return task

    async def _run(self, key: K, version: int) -> T:
        try:
            return await self._operation(key, version)
        finally:
            if key not in self._queued:
                del self._running[key]


def _quiet(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    task = asyncio.ensure_future(work)
    # Perhaps nobody waits for a failure any more. Without this, asyncio would complain then.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
