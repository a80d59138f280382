"""Bounds what queries that never repeat cost in writes. Pure.

A client that asks for ``created_at=gte.`` and the time asks a new query each time, and an entry of
it would be of no use to anybody.
"""

from __future__ import annotations

from collections import OrderedDict

from edge_cache.ports import NowMs

BURST = 100
"""How many new keys are written at once."""

PER_S = 1
"""How many are in the long run."""

_MAX_REMEMBERED = 10_000


class NewKeys:
    """Admits keys that are seen for the first time while there is budget, others always."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._tokens = float(BURST)
        self._filled_ms = now_ms()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def know(self, key: str) -> None:
        """Note a key that KV has."""
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > _MAX_REMEMBERED:
            self._seen.popitem(last=False)

    def knows(self, key: str) -> bool:
        """Return whether KV may have the key, as far as is remembered."""
        return key in self._seen

    def admits(self, key: str) -> bool:
        """Tell whether an entry may be written; a new key takes from the budget."""
        is_new = key not in self._seen
        self.know(key)
        if not is_new:
            return True
        now_ms = self._now_ms()
        self._tokens = min(BURST, self._tokens + max(0, now_ms - self._filled_ms) * PER_S / 1000)
        self._filled_ms = now_ms
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
