"""Limits the writes for queries that never repeat.

A site with thousands of pages is written anyway: at once up to `BURST` of them, and the others when
they are asked for again.

For example, a client asks for ``created_at=gte.`` and the current time. That is a new query each
time, and nobody could use its entry again.
"""

from __future__ import annotations

from collections import OrderedDict

from edge_cache.ports import NowMs

BURST = 1000
"""At most this many new keys are written at once."""

PER_S = 1
"""In the long run, at most this many new keys are written a second."""

_MAX_REMEMBERED = 20_000

_UNSEEN = object()


class NewKeys:
    """Admits a new key if there is budget. A key that it has seen before it always admits."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._tokens = float(BURST)
        self._filled_ms = now_ms()
        self._seen: OrderedDict[str, object] = OrderedDict()

    def know(self, key: str) -> None:
        """Note that KV has a key."""
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > _MAX_REMEMBERED:
            self._seen.popitem(last=False)

    def forget(self, key: str) -> bool:
        """Forget a key. Return whether we remembered that KV may have it."""
        return self._seen.pop(key, _UNSEEN) is None

    def admits(self, key: str) -> bool:
        """Return whether an entry may be written. A new key uses up budget."""
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
