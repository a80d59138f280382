"""Carries out what is pending, and tries again until it succeeds.

What is pending is in storage before its sender gets `received`, and leaves it only after it was
carried out. Each step is on its own. If one fails or takes long, no other waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from edge_cache import tracing
from edge_cache.errors import EdgeCacheError
from edge_cache.pauses import OVER, Pause
from edge_cache.ports import Log, NowMs, Storage
from edge_cache.refresher.retries import Retries
from edge_cache.unexpected import reported

LEASE_MS = 15_000
"""While steps are under way, an alarm wakes the object this often, in case it has ended."""


BEHIND_MS = 1_000
"""The alarm comes this long after the timer, so that they do not do the same at once."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to carry out. Two of the same key begin at least ``every_ms`` after each other."""

    run: Callable[[], Coroutine[Any, Any, None]]
    every_ms: int = 0


class Backlog:
    """One object's pending steps, by a key for each.

    ``pending`` returns them. A timer of the event loop begins what is due, even if the clock jumps.
    An alarm is set for a moment later, in case the object ends before that.
    """

    def __init__(
        self,
        pending: Callable[[], Mapping[str, Step]],
        storage: Storage,
        *,
        now_ms: NowMs,
        log: Log,
    ) -> None:
        self._pending = pending
        self._storage = storage
        self._now_ms = now_ms
        self._log = log
        self._retries = Retries()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._runs: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._spacing: dict[str, Pause] = {}

    @property
    def is_idle(self) -> bool:
        """Whether no step is under way."""
        return not self._under_way

    async def schedule(self) -> None:
        """Set the timer and the alarm for the next thing to do, if there is any."""
        now_ms = self._now_ms()
        waits = [
            LEASE_MS if key in self._under_way else self._pause_ms(key, now_ms)
            for key in self._pending()
        ]
        if self._timer:
            self._timer.cancel()
        if waits:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(min(waits) / 1000, self.begin)
            await self._storage.set_alarm(now_ms + min(waits) + BEHIND_MS)

    async def run(self) -> None:
        """Begin what is due. What fails is due again after a pause."""
        tracing.hand_on("")  # no single reader waits for this
        now_ms, pending = self._now_ms(), self._pending()
        self._retries.keep(pending)
        self._spacing = {
            key: pause for key, pause in self._spacing.items() if not pause.is_over(now_ms)
        }
        for key, step in pending.items():
            if key not in self._under_way and not self._pause_ms(key, now_ms):
                self._spacing[key] = Pause(now_ms, step.every_ms)
                self._under_way[key] = asyncio.ensure_future(self._carry_out(key, step))
        await self.schedule()

    async def wait(self, at_most_s: float, key: str | None = None) -> None:
        """Wait until a step (None: all) that is under way has ended, but not longer than this."""
        tasks = {task for of, task in self._under_way.items() if key in {None, of}}
        if tasks:
            await asyncio.wait(tasks, timeout=at_most_s)

    def hurry(self) -> None:
        """Try soon what waits for its next attempt, because Supabase answers again."""
        if self._retries.hurry():
            self.begin()

    def begin(self) -> None:
        """Begin what is due, without waiting for it."""
        run = asyncio.ensure_future(self.run())
        self._runs.add(run)  # asyncio itself keeps only a weak reference
        run.add_done_callback(self._runs.discard)

    def _pause_ms(self, key: str, now_ms: int) -> int:
        """Return how much longer a step has to wait."""
        spacing_ms = self._spacing.get(key, OVER).remaining_ms(now_ms)
        return max(spacing_ms, self._retries.remaining_ms(key, now_ms))

    async def _carry_out(self, key: str, step: Step) -> None:
        began_ms = self._now_ms()
        try:
            with reported(self._log):
                await step.run()
        except EdgeCacheError as error:
            self._retries.failed(key, began_ms)
            wait_ms = self._retries.remaining_ms(key, self._now_ms())
            self._log("retry_scheduled", key=key, type=error.slug, in_s=round(wait_ms / 1000, 1))
        else:
            self._retries.succeeded(key)
            self._log("applied", key=key, pending=len(self._pending()))
        finally:
            del self._under_way[key]
        await self.schedule()
