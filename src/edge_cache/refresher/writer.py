"""Writes to Workers KV: in order, spaced, and tried again when KV refuses. Pure asyncio.

All writes of a key must go through one `Writer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from edge_cache.errors import StoreError
from edge_cache.ports import Log, NowMs, Sleep

SPACING_MS = 1000
"""Workers KV takes one write a second for a key and answers 429 to more.
https://developers.cloudflare.com/kv/platform/limits/"""

RETRY_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses before the attempts that follow a failed one."""

_MAX_IDLE_LANES = 1000

Write = Callable[[], Awaitable[None]]
"""One put or delete; raises StoreError."""


@dataclass(slots=True)
class _Lane:
    """A key's writes: the newest one asked for, and when the next may happen."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    newest: Write | None = None
    next_ms: int = 0


class Writer:
    """Carries out the newest write of each key; an older one never follows a newer one."""

    def __init__(self, *, now_ms: NowMs, sleep: Sleep, log: Log) -> None:
        self._now_ms = now_ms
        self._sleep = sleep
        self._log = log
        self._lanes: dict[str, _Lane] = {}
        self._retrying: set[asyncio.Task[None]] = set()

    async def write(self, key: str, write: Write) -> bool:
        """Write, at the earliest a second after the key's last write; tell whether KV took it.

        If it did not, further attempts follow in the background until one succeeds, a newer write
        of the key comes, or `RETRY_PAUSES_S` is used up.
        """
        lane = self._lane(key)
        lane.newest = write
        stored = await self._attempt(key, lane, write)
        if not stored:
            task = asyncio.ensure_future(self._retry(key, lane, write))
            self._retrying.add(task)  # asyncio itself keeps only a weak reference
            task.add_done_callback(self._retrying.discard)
        return stored

    async def _attempt(self, key: str, lane: _Lane, write: Write) -> bool:
        async with lane.lock:
            wait_ms = lane.next_ms - self._now_ms()
            if wait_ms > 0:
                await self._sleep(wait_ms / 1000)
            if lane.newest is not write:
                return True  # the newer one, which waits for the lock, writes the later state
            try:
                await write()
            except StoreError as error:
                self._log("write_failed", key=key, detail=error.detail)
                return False
            finally:
                lane.next_ms = self._now_ms() + SPACING_MS
            lane.newest = None
            return True

    async def _retry(self, key: str, lane: _Lane, write: Write) -> None:
        for pause_s in RETRY_PAUSES_S:
            await self._sleep(pause_s)
            if lane.newest is not write or await self._attempt(key, lane, write):
                return
        lane.newest = None
        self._log("write_given_up", key=key)

    def _lane(self, key: str) -> _Lane:
        if len(self._lanes) > _MAX_IDLE_LANES:
            now_ms = self._now_ms()
            self._lanes = {
                key: lane
                for key, lane in self._lanes.items()
                if lane.newest or lane.lock.locked() or lane.next_ms > now_ms
            }
        return self._lanes.setdefault(key, _Lane())
