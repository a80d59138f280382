"""The targets of the Worker, as ratios within one run. Pure."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from contenders import (
    CHECKED_MISS_FLOOR,
    CONSTANT_PYTHON,
    FLOOR,
    LESSON,
    OURS,
    PASSING_FLOOR,
    QUERY_FLOOR,
    ROW_FLOOR,
)
from edited_articles import KINDS, Kind
from edits import hit_share, scenario
from fresh import HERD, MEMORY, READERS, REFRESH, START
from outbox import ARTICLES, COMMENTS
from rounds import PACED_MS
from samples import WHOLE, Samples, Summary, differences, ratios, summary
from scenarios import (
    DIRECT,
    HIT_ASCII_LARGE,
    HIT_ASCII_MEDIUM,
    HIT_LARGE,
    HIT_MEDIUM,
    HIT_TINY,
    MISS,
    NOT_MODIFIED,
    PASSED,
    QUERY,
    QUERY_MISS,
    ROW,
)
from shared_cache import QUERY_BEHIND

CONNECTIONS = 4
"""Throughput is compared at this number: a few readers, who do not saturate the machine."""

_COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt}

Values = Callable[[Samples], list[float]]
"""Returns a target's value of each round."""


@dataclass(frozen=True)
class Target:
    """A bound for the median of the rounds' values."""

    title: str
    sign: Literal[">=", "<=", "<"]
    bound: float
    values: Values
    unit: str = ""

    @property
    def wanted(self) -> str:
        """The bound as a text."""
        return f"{self.sign} {self.bound:g}{self.unit}"


@dataclass(frozen=True)
class Verdict:
    """A target's outcome. Both are None if this machine could not measure it."""

    target: Target
    measured: Summary | None
    met: bool | None

    @property
    def word(self) -> str:
        """The outcome as a text."""
        return {True: "met", False: "not met", None: "not measured"}[self.met]


def _throughput(scenario: str, base: str, *, of: str | None = None) -> Values:
    """Compare ours with `base`, in the same scenario or in another one."""
    return lambda samples: ratios(
        samples.of(scenario, OURS, CONNECTIONS, "per_second"),
        samples.of(of or scenario, base, CONNECTIONS, "per_second"),
    )


def _added_ms(samples: Samples, scenario: str, worker: str) -> list[float]:
    """Return how much longer a paced reader waits than at Supabase itself."""
    return differences(
        samples.of(scenario, worker, 1, PACED_MS), samples.of(scenario, DIRECT, 1, PACED_MS)
    )


def added(scenario: str, floor: str) -> Values:
    """Compare what ours adds to Supabase's own time with what a floor adds."""
    return lambda samples: ratios(
        _added_ms(samples, scenario, OURS), _added_ms(samples, scenario, floor)
    )


def above_idle_mb(samples: Samples, scenario: str, worker: str = OURS) -> list[float]:
    """Return the peak of a Worker's memory above its memory at rest."""
    return differences(
        samples.of(scenario, worker, WHOLE, "peak_mb"),
        samples.of(scenario, worker, WHOLE, "idle_mb"),
    )


def _fewest_hits(edited: str, kinds: Iterable[Kind]) -> Values:
    """Return the percentage of our hits of the kind of read that has the fewest."""

    def values(samples: Samples) -> list[float]:
        metric = hit_share(edited)
        shares = [samples.of(scenario(kind), OURS, WHOLE, metric) for kind in kinds]
        return [100 * min(one) for one in zip(*shares, strict=True)]

    return values


_BY_ID = [kind for kind in KINDS if kind.is_by_id]

TARGETS = (
    Target("hit 0.8 KB, to the floor", ">=", 0.9, _throughput(HIT_TINY, FLOOR)),
    Target("hit of a row, to the floor of a row", ">=", 0.9, _throughput(ROW, ROW_FLOOR)),
    Target("hit 1 MB, to the lesson", ">=", 1.8, _throughput(HIT_MEDIUM, LESSON)),
    Target("hit 5 MB, to the lesson", ">=", 5, _throughput(HIT_LARGE, LESSON)),
    Target(
        "hit 1 MB of ASCII alone, to the floor", ">=", 0.9, _throughput(HIT_ASCII_MEDIUM, FLOOR)
    ),
    Target("hit 5 MB of ASCII alone, to the floor", ">=", 0.9, _throughput(HIT_ASCII_LARGE, FLOOR)),
    Target(
        "304, to the floor's hit of 0.8 KB",
        ">=",
        0.9,
        _throughput(NOT_MODIFIED, FLOOR, of=HIT_TINY),
    ),
    Target(
        "miss 100 KB: time added to Supabase's own, to what the floor of a checked miss adds",
        "<=",
        1.15,
        added(MISS, CHECKED_MISS_FLOOR),
    ),
    Target(
        "query of 4 KB, to the floor of a query",
        ">=",
        0.9,
        _throughput(QUERY, QUERY_FLOOR),
    ),
    Target(
        "query miss: time added to Supabase's own, to what the floor of a checked miss adds",
        "<=",
        1.15,
        added(QUERY_MISS, CHECKED_MISS_FLOOR),
    ),
    Target(
        "query of 4 KB behind Varnish, to ours without it",
        ">=",
        10,
        lambda samples: ratios(
            samples.of(QUERY_BEHIND, OURS, CONNECTIONS, "per_second"),
            samples.of(QUERY, OURS, CONNECTIONS, "per_second"),
        ),
    ),
    Target(
        "a read passed on: time added to Supabase's own answer, to what the floor of passing adds",
        "<=",
        1.1,
        added(PASSED, PASSING_FLOOR),
    ),
    Target(
        "start to first answer, to a Python Worker that imports nothing",
        "<=",
        1.25,
        lambda samples: ratios(
            samples.of(START, OURS, WHOLE, "first_answer_ms"),
            samples.of(START, CONSTANT_PYTHON, WHOLE, "first_answer_ms"),
        ),
    ),
    Target(
        "peak memory at 32 connections of 5 MB, to the lesson",
        "<=",
        1,
        lambda samples: ratios(
            samples.of(MEMORY, OURS, WHOLE, "peak_mb"), samples.of(MEMORY, LESSON, WHOLE, "peak_mb")
        ),
    ),
    Target(
        "20,000 rows (5 MB) refreshed: peak memory above idle",
        "<",
        128,
        lambda samples: above_idle_mb(samples, REFRESH),
        " MB",
    ),
    Target(
        f"{READERS} cold readers of 5 MB at once: peak memory above idle, to the floor of a checked"
        " miss",
        "<=",
        1.1,
        lambda samples: ratios(
            above_idle_mb(samples, HERD), above_idle_mb(samples, HERD, CHECKED_MISS_FLOOR)
        ),
    ),
    Target(
        "hits while another table is edited, of the kind of read with the fewest",
        ">=",
        99,
        _fewest_hits(COMMENTS, KINDS),
        " %",
    ),
    Target(
        "hits while a row is edited each second, of the kind of read by id with the fewest",
        ">=",
        98,
        _fewest_hits(ARTICLES, _BY_ID),
        " %",
    ),
)


def verdict(target: Target, samples: Samples) -> Verdict:
    """Compare a target with what was measured."""
    measured = summary(target.values(samples))
    if measured is None:
        return Verdict(target, None, None)
    return Verdict(target, measured, _COMPARE[target.sign](measured.median, target.bound))


def verdicts(samples: Samples) -> list[Verdict]:
    """Return every target's outcome."""
    return [verdict(target, samples) for target in TARGETS]
