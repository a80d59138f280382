"""Bounds what requests for rows that do not exist cost Supabase. Pure asyncio.

Nobody can tell beforehand whether a row exists, but only lookups that were in vain cost budget. So
as many are under way as the budget covers if all of them are in vain; the others wait for how these
turn out, and are refused only once the budget is really spent.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from edge_cache.errors import LookupsExhausted
from edge_cache.pauses import OVER, Pause
from edge_cache.ports import NowMs

VAIN_PER_S = 10
"""How many lookups in vain a second Supabase sees at most, in the long run."""

VAIN_BURST = 50
"""How many of them may come at once."""

MAX_WAIT_S = 10.0
"""How long a lookup waits for those under way, while Supabase is slow."""

ABSENT_MS = 5_000
"""How long a row that was not there counts as absent without another lookup."""

_MAX_REMEMBERED = 10_000

_NEVER = 0, OVER
"""Not absent: a version, and a pause that is over."""


class Lookups:
    """Admits lookups of rows, and remembers which were in vain.

    An absence has the version at which the row was read, like everything that is read. A later
    change may have inserted the row.
    """

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._tokens = float(VAIN_BURST)
        self._filled_ms = now_ms()
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._absent: OrderedDict[str, tuple[int, Pause]] = OrderedDict()

    def is_absent(self, key: str, needed: int) -> bool:
        """Tell whether the row was not there a moment ago, as of that version."""
        version, pause = self._absent.get(key, _NEVER)
        return version >= needed and not pause.is_over(self._now_ms())

    async def begin(self) -> None:
        """Wait for the turn of a lookup that may be in vain; `end` must follow.

        Raises LookupsExhausted if the budget is spent.
        """
        self._fill()
        if self._tokens < 1:
            raise _exhausted()
        if self._tokens - self._under_way >= 1:
            self._under_way += 1
            return
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
        """Note how a lookup turned out, and let others have their turn."""
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
        """Note that the row was not there when it was read at a version."""
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
