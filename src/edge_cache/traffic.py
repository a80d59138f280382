"""What is counted of requests. The Worker counts, and the ledger keeps the sums.

Nothing of a request is kept but these numbers. What isolates have not handed over when they end is
lost, so the sums are a little too low.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from operator import add
from typing import Any, NamedTuple, TypeVar

HAND_OVER_MS = 10_000
"""Counts are handed over to the ledger at most so often, because each time is a request to it."""


class Outcome(StrEnum):
    """How a request was answered."""

    HIT = "hit"
    AGED = "aged"
    """The entry was older than its maximum age. It is renewed in the background."""
    MEMORY = "memory"
    """KV did not show the entry yet, but the target's object had it."""
    MISS = "miss"
    OUTDATED = "outdated"
    """A change had made the entry out of date, so Supabase was asked."""
    STALE_IF_ERROR = "stale-if-error"
    """Supabase failed or was slow, so the reader got the outdated entry."""
    RELAYED = "relayed"
    """Supabase answered what may not be stored."""
    PASSED = "passed"
    """Supabase answered the request itself. The detail is the reason in ``Cache-Status``."""
    ERROR = "error"
    """There was no answer. The detail is the error's type."""
    ASKED = "asked"
    """No reader's request: the cache itself asked Supabase, for a miss or to refresh something."""


FROM_CACHE = frozenset({Outcome.HIT, Outcome.AGED, Outcome.MEMORY, Outcome.STALE_IF_ERROR})
"""Supabase did not answer these requests."""

READERS = frozenset(Outcome) - {Outcome.ASKED}
"""These are outcomes of requests that readers sent."""

OTHERS = "*"
"""Counted as the target of a request that names nothing declared."""


class Sum(NamedTuple):
    """How many requests, the bytes of their bodies, and the milliseconds that Supabase took.

    A body counts as a whole, even if the client had it already. So the bytes of what came from the
    cache are what Supabase would have sent.
    """

    requests: int = 0
    bytes: int = 0
    ms: int = 0

    def plus(self, more: Sum) -> Sum:
        """Return the sum of both."""
        return Sum(*map(add, self, more))


class Counted(NamedTuple):
    """What has a sum of its own: a target's name, an outcome, and its detail if it has one."""

    target: str
    outcome: str
    detail: str = ""


Sums = Mapping[Counted, Sum]


class Asked(NamedTuple):
    """One thing that readers ask for: a target's name, and the path as `Resource.path` has it."""

    target: str
    path: str


class Cost(NamedTuple):
    """How many requests there were, how many needed Supabase, and for how many milliseconds."""

    requests: int = 0
    misses: int = 0
    ms: int = 0


Costs = Mapping[Asked, Cost]


Key = TypeVar("Key")
Numbers = TypeVar("Numbers", Sum, Cost)


class Counts(NamedTuple):
    """What was counted: all requests, and a sample of what they asked for."""

    sums: Sums
    costs: Costs


def together(one: Mapping[Key, Numbers], other: Mapping[Key, Numbers]) -> dict[Key, Numbers]:
    """Return the numbers of both. Those of one key are added."""
    both = dict(one)
    for key, numbers in other.items():
        known = both.get(key)
        both[key] = type(numbers)(*map(add, known, numbers)) if known else numbers
    return both


def text_of(sums: Sums) -> str:
    """Return the text that carries sums."""
    return json.dumps(_rows(sums))


def sums_in(text: str) -> dict[Counted, Sum]:
    """Return the sums that a text carries. Raises ValueError."""
    return _sums_of(json.loads(text))


def costs_text(costs: Costs) -> str:
    """Return the text that carries costs."""
    return json.dumps(_rows(costs))


def costs_in(text: str) -> dict[Asked, Cost]:
    """Return the costs that a text carries. Raises ValueError."""
    return _costs_of(json.loads(text))


def counts_text(counts: Counts) -> str:
    """Return the text that carries both."""
    return json.dumps([_rows(counts.sums), _rows(counts.costs)])


def counts_in(text: str) -> Counts:
    """Return what a text carries. Raises ValueError."""
    sums, costs = json.loads(text)
    return Counts(_sums_of(sums), _costs_of(costs))


def _rows(numbers: Mapping[Any, tuple[int, ...]]) -> list[list[object]]:
    return [[*key, *them] for key, them in numbers.items()]


def _sums_of(rows: list[list[Any]]) -> dict[Counted, Sum]:
    return {Counted(*map(str, row[:3])): Sum(*map(int, row[3:6])) for row in rows}


def _costs_of(rows: list[list[Any]]) -> dict[Asked, Cost]:
    return {Asked(*map(str, row[:2])): Cost(*map(int, row[2:5])) for row in rows}
