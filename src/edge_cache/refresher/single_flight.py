"""One operation at a time for each key, shared by all who want its result. Pure asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Runs ``operation(key)`` so that two of one key never overlap.

    As they follow one another, a result that began earlier cannot replace one that began later. A
    caller that is cancelled does not cancel the operation. A failure reaches all who waited for it,
    and the next caller starts anew.
    """

    def __init__(self, operation: Callable[[K], Coroutine[Any, Any, T]]) -> None:
        self._operation = operation
        self._running: dict[K, asyncio.Task[T]] = {}
        self._queued: dict[K, asyncio.Task[T]] = {}

    def is_under_way(self, key: K) -> bool:
        """Tell whether an operation for the key runs now."""
        return key in self._running

    async def join(self, key: K) -> T:
        """Return the result of the operation under way, or of a new one."""
        return await asyncio.shield(self._running.get(key) or self._launch(key, None))

    async def begin_after_now(self, key: K) -> T:
        """Return the result of an operation that begins after this call.

        While one is under way, a single further one is queued for all such callers.
        """
        running = self._running.get(key)
        task = self._queued.get(key) if running else None
        return await asyncio.shield(task or self._launch(key, running))

    def _launch(self, key: K, predecessor: asyncio.Task[T] | None) -> asyncio.Task[T]:
        task = asyncio.ensure_future(self._run(key, predecessor))
        (self._queued if predecessor else self._running)[key] = task
        # Nobody may be left to look at a failure; without this asyncio would complain about it.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _run(self, key: K, predecessor: asyncio.Task[T] | None) -> T:
        if predecessor:
            await asyncio.wait({predecessor})
        try:
            return await self._operation(key)
        finally:
            self._land(key)

    def _land(self, key: K) -> None:
        successor = self._queued.pop(key, None)
        if successor:
            self._running[key] = successor
        else:
            del self._running[key]
