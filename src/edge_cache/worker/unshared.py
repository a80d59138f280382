"""Remembers for a moment what is not the same for readers who are signed in.

So most of their requests are passed on without a look into the cache.
"""

from __future__ import annotations

from collections import OrderedDict

from edge_cache.errors import NotShared, TargetNotShared
from edge_cache.pauses import OVER, Pause
from edge_cache.ports import NowMs
from edge_cache.resources import Resource

REMEMBERED_MS = 30_000
"""If the database proves meanwhile that an answer is shared, nobody notices for so long."""

_MOST = 1000


class Unshared:
    """What was not shared a moment ago: whole targets, and single answers of the others."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._pauses: OrderedDict[str, Pause] = OrderedDict()

    def note(self, error: NotShared, resource: Resource) -> None:
        """Note why a resource is not shared."""
        is_whole = isinstance(error, TargetNotShared)
        key = resource.target.name if is_whole else resource.key
        self._pauses[key] = Pause(self._now_ms(), REMEMBERED_MS)
        if len(self._pauses) > _MOST:
            self._pauses.popitem(last=False)

    def require_unknown(self, resource: Resource) -> None:
        """Raise NotShared if a resource was not shared a moment ago."""
        now_ms = self._now_ms()
        for key in (resource.target.name, resource.key):
            if not self._pauses.get(key, OVER).is_over(now_ms):
                raise NotShared("Signed-in readers may get another answer.")
