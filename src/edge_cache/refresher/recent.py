"""What was read lately, kept in memory. Pure.

For up to a minute Workers KV may go on saying that a key is absent which has just been written
(https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency), and right after a miss KV
is only being given the entry. Misses of that minute are answered from here, instead of reading
Supabase once more for each.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from edge_cache.bodies import Body
from edge_cache.entries import Entry
from edge_cache.freshness import has_changes
from edge_cache.pauses import Pause
from edge_cache.ports import NowMs

KEEP_MS = 60_000
MAX_BYTES = 48 * 1024 * 1024
"""Of the 128 MB that a Worker may use."""

_COPIES = 2
"""A body is there as bytes and as what is sent."""

_OVERHEAD_BYTES = 1024
"""Counted for each entry beside its body, so that many small ones are bounded too."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry, its body as any number of responses may send it, and for how long it counts."""

    entry: Entry[bytes]
    shared: Body
    until: Pause

    @property
    def sent(self) -> Entry[Body]:
        """The entry as responses send it."""
        return Entry(self.entry.metadata, self.shared)

    @property
    def cost(self) -> int:
        """What it takes of the bound, in bytes."""
        return _COPIES * len(self.entry.body) + _OVERHEAD_BYTES


class Recent:
    """Entries by key, newest last, within a bound of time and size."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: str, version: int) -> Kept | None:
        """Return the key's entry if it was read at that version or later, a short while ago."""
        kept = self._kept.get(key)
        if kept is None or not has_changes(kept.entry.metadata, version):
            return None
        return None if kept.until.is_over(self._now_ms()) else kept

    def latest(self, key: str) -> Entry[bytes] | None:
        """Return the key's entry, however old, if it is still there."""
        kept = self._kept.get(key)
        return kept.entry if kept else None

    def put(self, key: str, entry: Entry[bytes], shared: Body) -> None:
        """Keep an entry, dropping the oldest ones if there is no room."""
        self.forget(key)
        kept = self._kept[key] = Kept(entry, shared, Pause(self._now_ms(), KEEP_MS))
        self._bytes += kept.cost
        while self._bytes > MAX_BYTES:
            self.forget(next(iter(self._kept)))

    def forget(self, key: str) -> None:
        """Drop the key's entry, if there is one."""
        kept = self._kept.pop(key, None)
        if kept:
            self._bytes -= kept.cost
