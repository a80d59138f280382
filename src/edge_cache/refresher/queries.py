"""Keeps for a day what readers ask of each target most. Only who has the secret sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from edge_cache.pauses import Pause
from edge_cache.ports import NowMs, Storage
from edge_cache.refresher.soon import Soon
from edge_cache.refresher.stored import Stored, restored
from edge_cache.traffic import Asked, Cost, Costs, costs_in, costs_text, together

_KEY = "queries"

SHOWN = 20
"""Of each target, so many are shown by requests, by misses, and by Supabase's time."""

_KEPT = 100
"""If a target has more, only those that would be shown stay."""

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Day:
    """What was asked for since a time."""

    since_ms: int
    costs: Costs = field(default_factory=dict)

    def after(self, costs: Costs) -> Day:
        """Return the value after more was counted."""
        both = together(self.costs, costs)
        kept: dict[Asked, Cost] = {}
        for target in {asked.target for asked in both}:
            own = {asked: cost for asked, cost in both.items() if asked.target == target}
            kept |= own if len(own) <= _KEPT else _most(own)
        return Day(self.since_ms, kept)

    @classmethod
    def of(cls, told: Stored) -> Day:
        """Return the value that was stored. Raises TypeError or ValueError."""
        return cls(told.get("since_ms", int), costs_in(told.get("costs", str)))


class Queries:
    """The ledger's list of what is asked for. It begins anew each day."""

    def __init__(self, storage: Storage, now_ms: NowMs) -> None:
        self._storage = storage
        self._now_ms = now_ms
        self._day = restored(storage.get(_KEY), Day.of) or Day(now_ms())
        self._store_soon = Soon(self._store)

    def add(self, costs: Costs) -> None:
        """Add what an isolate noted."""
        now_ms = self._now_ms()
        is_over = Pause(self._day.since_ms, DAY_MS).is_over(now_ms)
        self._day = (Day(now_ms) if is_over else self._day).after(costs)
        self._store_soon()

    def _store(self) -> None:
        day = {"since_ms": self._day.since_ms, "costs": costs_text(self._day.costs)}
        self._storage.put(_KEY, json.dumps(day))

    def told(self) -> dict[str, object]:
        """Return JSON members: since when, and for each target rows of what is asked for most.

        A row has the path, the requests, those that needed Supabase, and its milliseconds.
        """
        targets: dict[str, list[list[object]]] = {}
        for (target, path), cost in sorted(
            self._day.costs.items(), key=lambda one: -one[1].requests
        ):
            targets.setdefault(target, []).append([path, *cost])
        return {"since_ms": self._day.since_ms, "targets": targets}


def _most(costs: Costs) -> dict[Asked, Cost]:
    """Return those with the most requests, the most misses, and the most of Supabase's time."""
    kept: dict[Asked, Cost] = {}
    for place in range(len(Cost._fields)):
        ranked = sorted(costs.items(), key=lambda one: one[1][place], reverse=True)
        kept |= dict(ranked[:SHOWN])
    return kept
