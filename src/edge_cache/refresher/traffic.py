"""Keeps what the Workers counted: in all, by the minutes of an hour, and by the hours of a week."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import reduce

from edge_cache.ports import NowMs, Storage
from edge_cache.refresher.soon import Soon
from edge_cache.refresher.stored import Stored, restored
from edge_cache.traffic import (
    FROM_CACHE,
    READERS,
    Counted,
    Outcome,
    Sum,
    Sums,
    sums_in,
    text_of,
    together,
)

_KEY = "traffic"
_MINUTES_KEY = "traffic_minutes"

MAX_TEXT_CHARS = 1_000_000
"""If the text of the minutes is longer, it is not stored, because storage takes 2 MB at most. That
needs some hundreds of targets.
https://developers.cloudflare.com/durable-objects/platform/limits/"""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
MINUTES = 60
HOURS = 7 * 24

Series = Mapping[int, Sums]
"""Sums by the Unix time in minutes or hours."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The sums of each target: since a time, and for each minute. Those of all for each hour."""

    since_ms: int
    totals: Sums = field(default_factory=dict)
    minutes: Series = field(default_factory=dict)
    hours: Series = field(default_factory=dict)

    def after(self, sums: Sums, now_ms: int) -> Kept:
        """Return the value after more was counted."""
        of_all: dict[Counted, Sum] = {}
        for key, sum_ in sums.items():
            of_all = together(of_all, {Counted("", key.outcome): sum_})
        return replace(
            self,
            totals=together(self.totals, sums),
            minutes=_continued(self.minutes, now_ms // MINUTE_MS, sums, MINUTES),
            hours=_continued(self.hours, now_ms // HOUR_MS, of_all, HOURS),
        )

    def to_json(self) -> str:
        """Return the text to store, without the minutes."""
        totals, hours = text_of(self.totals), _texts_of(self.hours)
        return json.dumps({"since_ms": self.since_ms, "totals": totals, "hours": hours})

    @classmethod
    def of(cls, told: Stored) -> Kept:
        """Return the value that was stored. Raises TypeError or ValueError."""
        return cls(
            told.get("since_ms", int),
            sums_in(told.get("totals", str)),
            hours=_series_of(Stored(told.get("hours", dict))),
        )


class Traffic:
    """The ledger's sums."""

    def __init__(self, storage: Storage, now_ms: NowMs) -> None:
        self._storage = storage
        self._now_ms = now_ms
        kept = restored(storage.get(_KEY), Kept.of) or Kept(now_ms())
        minutes = restored(storage.get(_MINUTES_KEY), _series_of) or {}
        self._kept = replace(kept, minutes=minutes)
        self._store_soon = Soon(self._store)

    def add(self, sums: Sums) -> None:
        """Add what an isolate counted."""
        self._kept = self._kept.after(sums, self._now_ms())
        self._store_soon()

    def _store(self) -> None:
        self._storage.put(_KEY, self._kept.to_json())
        minutes = json.dumps(_texts_of(self._kept.minutes))
        if len(minutes) <= MAX_TEXT_CHARS:
            self._storage.put(_MINUTES_KEY, minutes)

    def told(self) -> dict[str, object]:
        """Return the sums as JSON members.

        ``totals`` has rows of a target, an outcome, its detail, requests, bytes and milliseconds.
        ``hour`` has the same rows of the last hour. ``own`` has rows of what the cache itself asked
        of Supabase: a target (the ledger has the name that it has in `edge_cache.wire`), requests,
        bytes and milliseconds. ``minutes`` and ``hours`` have rows of the Unix time in seconds at
        which each begins, the requests, those that the cache answered, the bytes of these, the
        requests that were passed on, the cache's own, the bytes of these, and the bytes of all
        answers to readers, without what was passed on.
        """
        totals = self._kept.totals.items()
        minutes = _latest(self._kept.minutes, self._now_ms() // MINUTE_MS, MINUTES)
        hours = _latest(self._kept.hours, self._now_ms() // HOUR_MS, HOURS)
        hour = reduce(together, minutes.values(), dict[Counted, Sum]())
        return {
            "since_ms": self._kept.since_ms,
            "totals": _of_readers(self._kept.totals),
            "hour": _of_readers(hour),
            "own": [[key.target, *sum_] for key, sum_ in totals if _is_own(key)],
            "minutes": [_row(at * 60, sums) for at, sums in minutes.items()],
            "hours": [_row(at * 3600, sums) for at, sums in hours.items()],
        }


def _continued(series: Series, at: int, sums: Sums, length: int) -> Series:
    """Return a series with more in its latest part, and without the parts that are too old."""
    kept = _latest(series, at, length)
    return {**kept, at: together(kept.get(at, {}), sums)}


def _latest(series: Series, at: int, length: int) -> Series:
    return {then: sums for then, sums in series.items() if at - length < then <= at}


def _texts_of(series: Series) -> dict[str, str]:
    return {str(at): text_of(sums) for at, sums in series.items()}


def _series_of(told: Stored) -> Series:
    return {int(at): sums_in(text) for at, text in told.each(str).items()}


def _of_readers(sums: Sums) -> list[list[object]]:
    return [[*key, *sum_] for key, sum_ in sums.items() if not _is_own(key)]


def _row(at_s: int, sums: Sums) -> list[int]:
    readers = _sum_of(sums, READERS)
    cached = _sum_of(sums, FROM_CACHE)
    passed = _sum_of(sums, {Outcome.PASSED})
    own = _sum_of(sums, {Outcome.ASKED})
    return [
        *(at_s, readers.requests, cached.requests, cached.bytes),
        *(passed.requests, own.requests, own.bytes, readers.bytes),
    ]


def _sum_of(sums: Sums, outcomes: AbstractSet[str]) -> Sum:
    found = (sum_ for key, sum_ in sums.items() if key.outcome in outcomes)
    return reduce(Sum.plus, found, Sum())


def _is_own(key: Counted) -> bool:
    return key.outcome == Outcome.ASKED
