"""What was read lately, kept in memory. Pure.

For up to a minute Workers KV may go on saying that a key is absent which has just been written
(https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency). Misses of that minute are
answered from here, instead of reading Supabase once more for each.
"""

from __future__ import annotations

from collections import OrderedDict

from edge_cache.entries import Snapshot
from edge_cache.ports import NowMs

KEEP_MS = 60_000
MAX_BYTES = 32 * 1024 * 1024
"""A quarter of the 128 MB that a Worker may use."""

_OVERHEAD_BYTES = 1024
"""Counted for each snapshot beside its body, so that many small ones are bounded too."""


class Recent:
    """Snapshots by key, newest last, within a bound of time and size."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> Snapshot | None:
        """Return the key's snapshot unless it is too old."""
        snapshot = self._snapshots.get(key)
        if snapshot and snapshot.metadata.read_at_ms + KEEP_MS < self._now_ms():
            return None
        return snapshot

    def latest(self, key: str) -> Snapshot | None:
        """Return the key's snapshot, however old, if it is still there."""
        return self._snapshots.get(key)

    def put(self, key: str, snapshot: Snapshot) -> None:
        """Keep a snapshot, dropping the oldest ones where there is no room."""
        self.forget(key)
        self._snapshots[key] = snapshot
        self._bytes += _cost(snapshot)
        while self._bytes > MAX_BYTES:
            self.forget(next(iter(self._snapshots)))

    def forget(self, key: str) -> None:
        """Drop the key's snapshot, if there is one."""
        snapshot = self._snapshots.pop(key, None)
        if snapshot:
            self._bytes -= _cost(snapshot)


def _cost(snapshot: Snapshot) -> int:
    return len(snapshot.body) + _OVERHEAD_BYTES
