"""What is counted of requests. The Worker counts, and the ledger keeps the sums.

Nothing of a request is kept but these numbers. What isolates have not handed over when they end is
lost, so the sums are a little too low.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


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


FROM_CACHE = frozenset({Outcome.HIT, Outcome.AGED, Outcome.MEMORY, Outcome.STALE_IF_ERROR})
"""Supabase did not answer these requests."""

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

    def plus(self, other: Sum) -> Sum:
        """Return the sum of both."""
        return Sum(*(one + two for one, two in zip(self, other, strict=True)))


class Counted(NamedTuple):
    """What has a sum of its own: a target's name, an outcome, and its detail if it has one."""

    target: str
    outcome: str
    detail: str = ""


Sums = Mapping[Counted, Sum]


def together(one: Sums, other: Sums) -> dict[Counted, Sum]:
    """Return the sums of both."""
    return {**one, **{key: one.get(key, Sum()).plus(sum_) for key, sum_ in other.items()}}


def text_of(sums: Sums) -> str:
    """Return the text that carries sums."""
    return json.dumps([[*key, *sum_] for key, sum_ in sums.items()])


def sums_in(text: str) -> dict[Counted, Sum]:
    """Return the sums that a text carries. Raises ValueError."""
    rows = json.loads(text)
    return {Counted(*map(str, row[:3])): Sum(*map(int, row[3:6])) for row in rows}
