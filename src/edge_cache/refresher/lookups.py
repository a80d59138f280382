"""Limits what requests for rows that do not exist cost Supabase.

Nobody knows before a lookup whether a row exists. Only a lookup in vain uses up budget. So we begin
only as many lookups as the budget covers if all of them are in vain. The others wait for their
results, and fail only if the budget is really spent.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from edge_cache.errors import LookupsExhausted
from edge_cache.pauses import OVER, Pause
from edge_cache.ports import NowMs

VAIN_PER_S = 10
"""In the long run, Supabase gets at most this many lookups in vain a second."""

VAIN_BURST = 50
"""At most this many of them come at once."""

MAX_WAIT_S = 10.0
"""If Supabase is slow, a lookup waits at most this long for those under way."""

ABSENT_MS = 5_000
"""If a row was not there, it counts as absent for this long without another lookup."""

_MAX_REMEMBERED = 10_000

_NEVER = 0, OVER
"""Not absent: a version, and a pause that is over."""


class Lookups:
    """Admits lookups of rows, and remembers which were in vain.

    An absence has the version at which the row was read, because a later change may have inserted
    the row.
    """

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._tokens = float(VAIN_BURST)
        self._filled_ms = now_ms()
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._absent: OrderedDict[str, tuple[int, Pause]] = OrderedDict()

    def is_absent(self, key: str, needed: int) -> bool:
        """Return whether the row was absent a moment ago, read at that version or later."""
        version, pause = self._absent.get(key, _NEVER)
        return version >= needed and not pause.is_over(self._now_ms())

    @property
    def is_free(self) -> bool:
        """Whether a lookup can begin without waiting."""
        self._fill()
        return self._tokens - self._under_way >= 1

    async def begin(self) -> None:
        """Wait for the turn of a lookup. Its caller must call `end`.

        Raises LookupsExhausted if the budget is spent.
        """
        if self.is_free:
            self._under_way += 1
            return
        if self._tokens < 1:
            raise _exhausted()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait({turn}, timeout=MAX_WAIT_S)
        finally:
            if not turn.done():
                turn.cancel()
        if turn.cancelled():
            raise _exhausted()
        turn.result()

    def end(self, *, in_vain: bool) -> None:
        """Note whether a lookup was in vain, and let others have their turn."""
        self._fill()
        self._under_way -= 1
        self._tokens -= in_vain
        while self._waiting and (self._tokens < 1 or self._tokens - self._under_way >= 1):
            turn = self._waiting.popleft()
            if turn.done():  # it waited too long
                continue
            if self._tokens < 1:
                turn.set_exception(_exhausted())
            else:
                self._under_way += 1
                turn.set_result(None)

    def note_absent(self, key: str, version: int) -> None:
        """Note that the row was absent when it was read at this version."""
        self._absent.pop(key, None)
        self._absent[key] = version, Pause(self._now_ms(), ABSENT_MS)
        if len(self._absent) > _MAX_REMEMBERED:
            self._absent.popitem(last=False)

    def note_found(self, key: str) -> None:
        """Note that the row is there."""
        self._absent.pop(key, None)

    def _fill(self) -> None:
        now_ms = self._now_ms()
        gained = max(0, now_ms - self._filled_ms) * VAIN_PER_S / 1000
        self._tokens = min(VAIN_BURST, self._tokens + gained)
        self._filled_ms = now_ms


def _exhausted() -> LookupsExhausted:
    return LookupsExhausted("Ask again in a moment.")
