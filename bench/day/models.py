"""What ours is compared with, as models that get the same day: TTL caching, and the lesson. Pure.

Both are given every advantage: each write to KV is seen at once everywhere, and readers with a
session get what everybody gets, although nothing proves that this is right.
"""

from dataclasses import dataclass, field
from math import inf

from day.history import History
from day.tally import Reply, Tally
from day.traffic import HOUR_S, Read


@dataclass
class Model:
    """A cache by URL in KV whose answers are fresh for ``fresh_s`` after they were read."""

    history: History
    tally: Tally
    fresh_s: float
    reads_on_edit: int = 0
    """How often it reads Supabase and writes KV when an article is edited."""
    is_down: bool = False
    kept: dict[str, float] = field(default_factory=dict)

    def read(self, read: Read) -> None:
        """Answer a reader."""
        if read.own:
            self.tally.asked["passed"] += 1
            self.tally.add(Reply(read.at_s, failed=self.is_down))
            return
        self.tally.kv["get"] += 1
        read_at_s = self.kept.get(read.path, -inf)
        is_hit = read.at_s < read_at_s + self.fresh_s
        if not is_hit:
            self.tally.ask("reads", read.at_s)
            if self.is_down:
                self.tally.add(Reply(read.at_s, failed=True))
                return
            self.tally.kv["put"] += 1
            self.kept[read.path] = read_at_s = read.at_s
        old_s = self.history.old_s(self.history.seen(read.path, read_at_s), read.at_s)
        self.tally.add(Reply(read.at_s, hit=is_hit, old_s=old_s))

    def edited(self, at_s: float) -> None:
        """Learn that an article was edited."""
        for _ in range(self.reads_on_edit):
            self.tally.ask("refreshes", at_s)
            self.tally.kv["put"] += not self.is_down


def ttl(history: History, hour_s: float = HOUR_S) -> Model:
    """Return TTL caching of a minute."""
    return Model(history, Tally(hour_s), 60.0)


def lesson(history: History, hour_s: float = HOUR_S) -> Model:
    """Return the lesson: what it has is a hit for ever, and a webhook refreshes `/articles`."""
    return Model(history, Tally(hour_s), inf, reads_on_edit=1)
