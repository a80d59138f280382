"""Counts what this isolate answers, until it is handed over to the ledger."""

from __future__ import annotations

import random

from edge_cache.pauses import OVER, Pause
from edge_cache.ports import NowMs
from edge_cache.resources import Resource
from edge_cache.traffic import FROM_CACHE, HAND_OVER_MS, Asked, Cost, Counted, Counts, Outcome, Sum

SAMPLE = 10
"""Of so many requests, one is noted with what it asked for, and counts for all of them."""

MOST_ASKED = 200
"""At most so many different things are noted until they are handed over."""


class Counting:
    """The counts of one isolate. If it is off, it counts nothing."""

    def __init__(self, now_ms: NowMs, *, is_on: bool) -> None:
        self._now_ms = now_ms
        self._is_on = is_on
        self._sums: dict[Counted, Sum] = {}
        self._costs: dict[Asked, Cost] = {}
        # Not each tenth one, because readers may ask for things in a rhythm.
        self._chance = random.Random(0)  # noqa: S311  no secret
        self._awaited: Pause = OVER

    def count(  # noqa: PLR0913  all by name
        self,
        target: str,
        outcome: Outcome,
        *,
        asked: Resource | None = None,
        detail: str = "",
        size: int = 0,
        ms: int = 0,
    ) -> None:
        """Count a request: the bytes of its answer, and how long Supabase took.

        ``asked`` is what it asked for. Its path is worked out only for the sample.
        """
        if not self._is_on:
            return
        key = Counted(target, outcome, detail)
        requests, sizes, times = self._sums.get(key, (0, 0, 0))
        self._sums[key] = Sum(requests + 1, sizes + size, times + ms)
        if asked and self._chance.random() * SAMPLE < 1:
            self._note(Asked(target, asked.path), is_miss=outcome not in FROM_CACHE, ms=ms)

    def _note(self, asked: Asked, *, is_miss: bool, ms: int) -> None:
        if asked in self._costs or len(self._costs) < MOST_ASKED:
            requests, misses, times = self._costs.get(asked, (0, 0, 0))
            counts = (requests + SAMPLE, misses + SAMPLE * is_miss, times + SAMPLE * ms)
            self._costs[asked] = Cost(*counts)

    def take_turn(self) -> bool:
        """Return whether the caller has to hand over what is counted. Then nobody else has to.

        If the runtime ends the caller, the next answer after twice the time gets the turn.
        """
        now_ms = self._now_ms()
        if not self._sums or not self._awaited.is_over(now_ms):
            return False
        self._awaited = Pause(now_ms, 2 * HAND_OVER_MS)
        return True

    def taken(self) -> Counts:
        """Return what was counted, and begin anew."""
        self._awaited = OVER
        counts = Counts(self._sums, self._costs)
        self._sums, self._costs = {}, {}
        return counts
