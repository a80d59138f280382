"""Measured values, one for each round, and their summaries. Pure.

Ratios are computed within a round, because noise affects both sides of a round equally. The median
comes after that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

WHOLE = 0
"""Stands for the number of connections if a value has none."""


@dataclass(frozen=True, order=True)
class Key:
    """What was measured. `metric` ends with its unit."""

    scenario: str
    worker: str
    connections: int
    metric: str


@dataclass(frozen=True)
class Summary:
    """The median over the rounds, and the extremes."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Half the distance between the extremes, as a share of the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def summary(values: Sequence[float]) -> Summary | None:
    """Return the summary, or None if there are no values."""
    return Summary(median(values), min(values), max(values)) if values else None


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Divide round by round. Rounds whose base is zero are left out."""
    if not values or not base:
        return []
    return [value / other for value, other in zip(values, base, strict=True) if other]


def differences(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Subtract round by round."""
    if not values or not base:
        return []
    return [value - other for value, other in zip(values, base, strict=True)]


@dataclass(frozen=True)
class Samples:
    """All values of a run, in the order in which they were first measured."""

    values: dict[Key, list[float]] = field(default_factory=dict)

    def add(self, key: Key, value: float) -> None:
        """Add a round's value."""
        self.values.setdefault(key, []).append(value)

    def of(self, scenario: str, worker: str, connections: int, metric: str) -> list[float]:
        """Return the values of all rounds, or none if it was not measured."""
        return self.values.get(Key(scenario, worker, connections, metric), [])
