"""What was read lately, kept in memory.

After a write, Workers KV may still show for up to a minute that the key is absent
(https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency). And right after a miss
the write is still under way. Misses of that minute are answered from memory, so that Supabase is
not asked again for each.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from edge_cache.bodies import Body
from edge_cache.entries import Entry
from edge_cache.pauses import Pause
from edge_cache.ports import NowMs

KEEP_MS = 60_000
MAX_BYTES = 48 * 1024 * 1024
"""The object may use 128 MB in all."""

_COPIES = 2
"""A body is in memory twice: as bytes, and as what responses send."""

_OVERHEAD_BYTES = 1024
"""This is counted for each entry besides its body, so that many small entries are bounded too."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry, its body as any number of responses can send it, and how long it is valid."""

    entry: Entry[bytes]
    shared: Body
    until: Pause

    @property
    def sent(self) -> Entry[Body]:
        """The entry as responses send it."""
        return Entry(self.entry.metadata, self.shared)

    @property
    def cost(self) -> int:
        """How many bytes of `MAX_BYTES` it uses."""
        return _COPIES * len(self.entry.body) + _OVERHEAD_BYTES


class Recent:
    """Entries by key, the newest last. Their time and size are bounded."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: str, version: int) -> Kept | None:
        """Return the key's entry if it was read just now, at that version or later."""
        kept = self._kept.get(key)
        if kept is None or kept.entry.metadata.version < version:
            return None
        return None if kept.until.is_over(self._now_ms()) else kept

    def latest(self, key: str) -> Entry[bytes] | None:
        """Return the key's entry if it is still there, even if it is old."""
        kept = self._kept.get(key)
        return kept.entry if kept else None

    def put(self, key: str, entry: Entry[bytes], shared: Body) -> None:
        """Keep an entry. If there is no room, drop the oldest ones."""
        self.forget(key)
        kept = self._kept[key] = Kept(entry, shared, Pause(self._now_ms(), KEEP_MS))
        self._bytes += kept.cost
        while self._bytes > MAX_BYTES:
            self.forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Drop all entries."""
        self._kept.clear()
        self._bytes = 0

    def forget(self, key: str) -> None:
        """Drop the key's entry, if there is one."""
        kept = self._kept.pop(key, None)
        if kept:
            self._bytes -= kept.cost
