"""A day of readers and editors: who asks when for what, and which article is edited. Pure.

The same shape gives the same day.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from edited_articles import KINDS, PAGE_ROWS, Kind

HOUR_S = 3_600.0

ARTICLES = 6_000

_SEED = 20

_SHARES = (6_000, 4_500, 4_500, ARTICLES // PAGE_ROWS, 4_400)
"""How many pages there are of each kind of `KINDS`: 20,000."""

_SPREAD = 0.1
"""How far a page's popularity may be from its article's. 0 would be: not at all."""

_ZIPF = 1.0
"""The exponent: the page of rank n is asked for 1/n as often as the first."""

_NIGHT = 0.15
"""At 4 o'clock there are so many readers, as a share of those at 16 o'clock."""

SIGNED_IN, OWN = 0.1, 0.05
"""Of all reads, the shares of those with a session, and of those of a reader's own rows."""

FAR = 0.5
"""The share of readers at a location that sees KV's writes after up to 30 s."""

BUSY_EVERY_S = 10.0
"""The table that nobody shows is written so often."""


@dataclass(frozen=True)
class Shape:
    """How much happens. A day may be cut: it begins at an hour and has so many hours.

    Of each hour, only ``hour_s`` seconds are played, at the hour's rate.
    """

    reads_a_day: int
    edits_an_hour: int
    first_hour: int = 0
    hours: int = 24
    hour_s: float = HOUR_S

    @property
    def began_s(self) -> float:
        """When it begins."""
        return self.first_hour * self.hour_s

    @property
    def lasts_s(self) -> float:
        """How long it is played."""
        return self.hours * self.hour_s


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody asks for a page, or for rows of their own."""

    at_s: float
    path: str
    signed_in: bool
    own: bool
    far: bool


@dataclass(frozen=True, slots=True)
class Edit:
    """An article is edited. Without one, the busy table is."""

    at_s: float
    article: int | None


def pages() -> list[str]:
    """Return the paths of all pages. The first is asked for most.

    Articles with low ids are the popular ones, whatever the kind of page that shows them.
    """
    order = random.Random(_SEED)  # noqa: S311 - no secret
    ranked = [
        (number / len(kind.numbers) + order.gauss(0, _SPREAD), path)
        for kind in kinds()
        for number, path in enumerate(kind.paths)
    ]
    return [path for _, path in sorted(ranked)]


def kinds() -> list[Kind]:
    """Return the kinds of pages with the numbers of this day."""
    step = {PAGE_ROWS: range(0, ARTICLES, PAGE_ROWS)}
    return [
        replace(kind, numbers=step[PAGE_ROWS] if "offset" in kind.path else range(1, count + 1))
        for kind, count in zip(KINDS, _SHARES, strict=True)
    ]


def reads(shape: Shape) -> Iterator[Read]:
    """Return who asks for what, in order of time. Times are seconds that were played."""
    order = random.Random(_SEED + 1)  # noqa: S311 - no secret
    paths = pages()
    cumulated = zipf(len(paths))
    for at_s in _times(order, shape):
        path = order.choices(paths, cum_weights=cumulated)[0]
        kind, far = order.random(), order.random() < FAR
        yield Read(at_s, path, kind < SIGNED_IN, SIGNED_IN <= kind < SIGNED_IN + OWN, far)


def edits(shape: Shape) -> list[Edit]:
    """Return what is edited, in order of time. Popular articles are edited more often."""
    order = random.Random(_SEED + 2)  # noqa: S311 - no secret
    began, span = shape.began_s, shape.lasts_s
    count = round(shape.edits_an_hour * span / HOUR_S)
    articles = order.choices(range(1, ARTICLES + 1), cum_weights=zipf(ARTICLES), k=count)
    edited = [Edit(began + order.random() * span, article) for article in articles]
    busy = (Edit(began + n * BUSY_EVERY_S, None) for n in range(round(span / BUSY_EVERY_S)))
    return sorted([*edited, *busy], key=lambda edit: edit.at_s)


def zipf(count: int) -> list[float]:
    """Return the cumulated weights of so many ranks."""
    return list(accumulate(rank**-_ZIPF for rank in range(1, count + 1)))


def readers_at(hour: float) -> float:
    """Return how many readers there are at an hour of the day, as a share of the most."""
    return _NIGHT + (1 - _NIGHT) * (1 - math.cos((hour - 4) / 24 * 2 * math.pi)) / 2


def _times(order: random.Random, shape: Shape) -> Sequence[float]:
    """Return the seconds at which somebody asks, in order."""
    a_day = sum(readers_at(hour + 0.5) for hour in range(24)) * HOUR_S / shape.hour_s
    found = []
    for hour in range(shape.first_hour, shape.first_hour + shape.hours):
        count = round(shape.reads_a_day * readers_at(hour % 24 + 0.5) / a_day)
        found += [(hour + order.random()) * shape.hour_s for _ in range(count)]
    return sorted(found)
