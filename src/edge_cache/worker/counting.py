"""Counts what this isolate answers, until it is handed over to the ledger."""

from __future__ import annotations

from edge_cache.pauses import Pause
from edge_cache.ports import NowMs
from edge_cache.traffic import Counted, Outcome, Sum

EVERY_MS = 10_000
"""An isolate hands its counts over at most so often, because each is a request to an object."""


class Counting:
    """The counts of one isolate. If it is off, it counts nothing."""

    def __init__(self, now_ms: NowMs, *, is_on: bool) -> None:
        self._now_ms = now_ms
        self._is_on = is_on
        self._sums: dict[Counted, Sum] = {}
        self._until = Pause(now_ms(), EVERY_MS)

    def count(
        self, target: str, outcome: Outcome, *, detail: str = "", size: int = 0, ms: int = 0
    ) -> None:
        """Count a request: the bytes of its answer, and how long Supabase took."""
        if self._is_on:
            key = Counted(target, outcome, detail)
            requests, sizes, times = self._sums.get(key, (0, 0, 0))
            self._sums[key] = Sum(requests + 1, sizes + size, times + ms)

    def due(self) -> dict[Counted, Sum] | None:
        """Return what was counted, and begin anew, if it is time to hand it over."""
        now_ms = self._now_ms()
        if not self._sums or not self._until.is_over(now_ms):
            return None
        self._until = Pause(now_ms, EVERY_MS)
        sums, self._sums = self._sums, {}
        return sums
