"""Adds up what the readers got and what it took. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from day.traffic import HOUR_S

PRICES = {"get": 0.50, "put": 5.00, "delete": 5.00, "list": 5.00, "objects": 0.15}
"""Dollars for a million, beyond what the paid plan includes. See docs/costs.md."""

DAYS_A_MONTH = 30


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reader got. ``old_s``: for how long it had been old; ``marked`` if it said so.

    ``far``: at a location that sees KV's writes later.
    """

    at_s: float
    hit: bool = False
    failed: bool = False
    old_s: float = 0.0
    marked: bool = False
    far: bool = False


@dataclass
class Tally:
    """Sums of a day. Counters by hour have the hour as their key."""

    hour_s: float = HOUR_S
    kv: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    asked_in: Counter[int] = field(default_factory=Counter)
    replies_in: Counter[int] = field(default_factory=Counter)
    hits_in: Counter[int] = field(default_factory=Counter)
    failed: int = 0
    marked: int = 0
    old: list[float] = field(default_factory=list)
    old_near: list[float] = field(default_factory=list)
    """Of these, the ones at the location that sees KV's writes at once."""

    def ask(self, what: str, at_s: float) -> None:
        """Count a request to Supabase for public rows, or for what changed."""
        self.asked[what] += 1
        self.asked_in[int(at_s // self.hour_s)] += 1

    def add(self, reply: Reply) -> None:
        """Count an answer."""
        hour = int(reply.at_s // self.hour_s)
        self.replies_in[hour] += 1
        self.hits_in[hour] += reply.hit
        self.failed += reply.failed
        self.marked += reply.marked
        if reply.old_s and not reply.marked:
            self.old.append(reply.old_s)
            if not reply.far:
                self.old_near.append(reply.old_s)

    @property
    def replies(self) -> int:
        """How many answers there were."""
        return self.replies_in.total()

    def summary(self) -> dict[str, object]:
        """Return the figures of a day. Shares are between 0 and 1, ages in seconds."""
        edges = sorted(self.old)
        return {
            "replies": self.replies,
            "hit_share": round(self.hits_in.total() / self.replies, 4),
            "failed": self.failed,
            "old_and_marked": self.marked,
            "old_share": round(len(edges) / self.replies, 6),
            "old_s_p50": round(quantile(edges, 0.5), 2),
            "old_s_p99": round(quantile(edges, 0.99), 2),
            "old_s_worst": round(edges[-1], 2) if edges else 0,
            "old_near_share": round(len(self.old_near) / self.replies, 6),
            "old_near_s_worst": round(max(self.old_near, default=0), 2),
            "supabase": dict(sorted(self.asked.items())),
            "operations": dict(sorted(self.kv.items())),
            "dollars_a_month": round(dollars_a_month(self.kv) * HOUR_S / self.hour_s, 2),
            "hit_share_by_hour": [
                round(self.hits_in[hour] / self.replies_in[hour], 4) for hour in self.hours
            ],
            "supabase_by_hour": [self.asked_in[hour] for hour in self.hours],
        }

    @property
    def hours(self) -> Sequence[int]:
        """The hours that had readers."""
        return sorted(self.replies_in)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of the ordered values lies; 0 if there are none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def dollars_a_month(operations: Counter[str]) -> float:
    """Return what a day's operations cost if each day of a month is like it."""
    each = sum(PRICES.get(what, 0.0) * count for what, count in operations.items())
    return DAYS_A_MONTH * each / 1e6
