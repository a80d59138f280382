"""Writes to Workers KV: in order, a second apart, and tried again if KV refuses.

All writes of a key must go through one `Writer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from edge_cache.errors import EdgeCacheError
from edge_cache.pauses import OVER, Pause, backoff_ms
from edge_cache.ports import Log, NowMs
from edge_cache.unexpected import reported

SPACING_MS = 1000
"""Workers KV takes one write a second for a key, and answers 429 to more.
https://developers.cloudflare.com/kv/platform/limits/"""

RETRIES = 5
"""If KV refuses a write, it is tried again this often, within half a minute."""

ANSWER_FIRST_S = 0.005
"""A write waits this long, so that an answer that is ready goes first. In the local runtime, the
Worker and the object share a thread, and with 1 ms a reader waited half as long again."""

_MAX_IDLE_LANES = 1000

Write = Callable[[], Awaitable[None]]
"""One put or delete. Raises StoreError."""


@dataclass(slots=True)
class _Lane:
    """A key's writes.

    ``newest`` is the last write that somebody asked for, until KV took it. ``next`` is an attempt
    that has not begun. It will carry out the newest write.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    newest: Write | None = None
    next: asyncio.Task[bool] | None = None
    spacing: Pause = OVER

    def is_idle(self, now_ms: int) -> bool:
        """Return whether it can be dropped."""
        busy = self.newest or self.next or self.lock.locked()
        return not busy and self.spacing.is_over(now_ms)


class Writer:
    """Carries out the newest write of each key. An older one never follows a newer one."""

    def __init__(self, *, now_ms: NowMs, log: Log) -> None:
        self._now_ms = now_ms
        self._log = log
        self._lanes: dict[str, _Lane] = {}
        self._retrying: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Whether no write is under way or waits."""
        return not any(lane.newest or lane.next for lane in self._lanes.values())

    def write(self, key: str, write: Write) -> asyncio.Task[bool]:
        """Write at the earliest a second after the key's last write.

        From the call on, this is the key's newest write. The task returns whether KV took it, or a
        newer one instead. If not, more attempts follow in the background, until one succeeds, a
        newer write of the key comes, or there were `RETRIES` of them.
        """
        lane = self._lane(key)
        lane.newest = write
        if lane.next is None:
            lane.next = asyncio.ensure_future(self._first_attempt(key, lane))
        return lane.next

    async def _first_attempt(self, key: str, lane: _Lane) -> bool:
        await asyncio.sleep(ANSWER_FIRST_S)
        failed = await self._attempt(key, lane)
        if failed is not None:
            task = asyncio.ensure_future(self._retry(key, lane, failed))
            self._retrying.add(task)  # asyncio itself keeps only a weak reference
            task.add_done_callback(self._retrying.discard)
        return failed is None

    async def _attempt(self, key: str, lane: _Lane) -> Write | None:
        """Carry out the newest write. Return it if KV refused."""
        async with lane.lock:
            wait_ms = lane.spacing.remaining_ms(self._now_ms())
            if wait_ms:
                await asyncio.sleep(wait_ms / 1000)
            write, lane.next = lane.newest, None
            if write is None:
                return None  # an attempt that had the lock before wrote it
            try:
                with reported(self._log):
                    await write()
            except EdgeCacheError as error:
                self._log("write_failed", key=key, detail=error.detail)
                return write
            finally:
                lane.spacing = Pause(self._now_ms(), SPACING_MS)
            if lane.newest is write:
                lane.newest = None
            return None

    async def _retry(self, key: str, lane: _Lane, write: Write) -> None:
        for attempt in range(RETRIES):
            await asyncio.sleep(backoff_ms(SPACING_MS, attempt, jitter=1) / 1000)
            if lane.newest is not write or await self._attempt(key, lane) is None:
                return
        if lane.newest is write:
            lane.newest = None
            self._log("write_given_up", key=key)

    def _lane(self, key: str) -> _Lane:
        if len(self._lanes) > _MAX_IDLE_LANES:
            now_ms = self._now_ms()
            self._lanes = {
                key: lane for key, lane in self._lanes.items() if not lane.is_idle(now_ms)
            }
        return self._lanes.setdefault(key, _Lane())
