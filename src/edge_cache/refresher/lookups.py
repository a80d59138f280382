"""Bounds what requests for rows that do not exist cost Supabase. Pure.

Nobody can tell beforehand whether a row exists, so each lookup takes a token, and gets it back if
it found the row: only lookups in vain use tokens up.
"""

from __future__ import annotations

from collections import OrderedDict

from edge_cache.ports import NowMs

VAIN_PER_S = 10
"""How many lookups in vain a second Supabase sees at most, in the long run."""

VAIN_BURST = 50
"""How many of them may come at once."""

ABSENT_MS = 5_000
"""How long a row that was not there counts as absent without another lookup."""

_MAX_REMEMBERED = 10_000


class Lookups:
    """Admits lookups of rows, and remembers which were in vain.

    ``knowledge`` grows with every `forget`; a lookup that began before says nothing any more.
    """

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._tokens = float(VAIN_BURST)
        self._filled_ms = now_ms()
        self._absent: OrderedDict[str, int] = OrderedDict()
        self.knowledge = 0

    def is_absent(self, row_id: str) -> bool:
        """Tell whether the row was not there a moment ago."""
        return self._absent.get(row_id, 0) > self._now_ms()

    def take(self) -> bool:
        """Take a token for a lookup; False if there is none left."""
        now_ms = self._now_ms()
        gained = (now_ms - self._filled_ms) * VAIN_PER_S / 1000
        self._tokens = min(VAIN_BURST, self._tokens + gained)
        self._filled_ms = now_ms
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def give_back(self) -> None:
        """Return the token of a lookup that was not in vain."""
        self._tokens = min(VAIN_BURST, self._tokens + 1)

    def remember_absent(self, row_id: str) -> None:
        """Note that the row was not there."""
        self._absent.pop(row_id, None)
        self._absent[row_id] = self._now_ms() + ABSENT_MS
        if len(self._absent) > _MAX_REMEMBERED:
            self._absent.popitem(last=False)

    def forget(self, row_id: str) -> None:
        """Have the row looked up again: it may be there now."""
        self.knowledge += 1
        self._absent.pop(row_id, None)

    def forget_all(self) -> None:
        """Have every row looked up again."""
        self.knowledge += 1
        self._absent.clear()
