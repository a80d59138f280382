"""What readers want: when they were last known to ask for what.

The object does not see hits. But an entry says when a reader was last known to want it. If that was
long ago, the next reader asks the object to renew it. So the object learns that it is wanted.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, replace

from edge_cache.ports import NowMs, Storage
from edge_cache.queries import query_at
from edge_cache.refresher.soon import Soon
from edge_cache.refresher.stored import Stored, restored
from edge_cache.resources import Resource, resource_at
from edge_cache.tables import Table, Target

WANTED_MS = 24 * 60 * 60 * 1000
"""If nobody is known to want something for so long, it is not refreshed when it changes."""

MOST_AHEAD = 2
"""So many changes in a row have something read again that nobody is known to have asked for since.
The next reader waits for Supabase then. Without a limit, a table that is edited all day has its
lists read far more often than anybody asks for them."""

MAX_POPULAR = 200
"""At most this many rows and queries are popular: those that readers asked for last. What was asked
for only once is dropped first, so that a flood of queries that never repeat does not push out the
others."""

MAX_PATH_CHARS = 1000
"""A longer query is never popular, because one text in storage has them all."""

_KEY = "asked"
_READ_KEY = "asked_read"
"""Release 0.2.0 did not know it (see `edge_cache.refresher.stored`)."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """When a path was last asked for, and what its entry has.

    ``at_ms`` is a Unix time in milliseconds. ``again`` is whether it was not the first time.
    ``read_at`` is the number at which the entry was read, or 0 if that is not known. ``ahead`` is
    how often changes had it read again since.
    """

    at_ms: int
    again: bool
    read_at: int = 0
    ahead: int = 0


class Demand:
    """Remembers what readers asked for last, even if the object is evicted.

    If the object ends before that is stored, a reader waits once, and nothing worse happens.
    """

    def __init__(self, target: Target, storage: Storage, now_ms: NowMs) -> None:
        self._target = target
        self._storage = storage
        self._now_ms = now_ms
        self._store_soon = Soon(self._store)
        self._asked = restored(storage.get(_KEY), _asked_in) or OrderedDict()
        for path, read_at in (restored(storage.get(_READ_KEY), _numbers_in) or {}).items():
            if path in self._asked:
                self._asked[path] = replace(self._asked[path], read_at=read_at)

    def note(self, resource: Resource, *, again: bool = False) -> None:
        """Note that a reader wants something. ``again`` means: not for the first time."""
        path = resource.path
        if len(path) > MAX_PATH_CHARS:
            return
        before = self._asked.get(path)
        read_at = before.read_at if before else 0
        self._asked[path] = _Asked(self._now_ms(), again or before is not None, read_at)
        self._asked.move_to_end(path)
        if len(self._asked) - (self._whole in self._asked) > MAX_POPULAR:
            del self._asked[self._least_popular(path)]
        self._store_soon()

    def note_read(self, resource: Resource, number: int) -> None:
        """Note at which number the resource's entry was read."""
        asked = self._asked.get(resource.path)
        if asked and asked.read_at < number:
            self._asked[resource.path] = replace(asked, read_at=number)
            self._store_soon()

    def note_ahead(self, resource: Resource) -> None:
        """Note that a change had it read again, before anybody asked."""
        asked = self._asked.get(resource.path)
        if asked:
            self._asked[resource.path] = replace(asked, ahead=asked.ahead + 1)

    def is_awaited(self, resource: Resource) -> bool:
        """Return whether the next change should have it read again (see `MOST_AHEAD`)."""
        asked = self._asked.get(resource.path)
        return asked is not None and asked.ahead < MOST_AHEAD

    def read_at(self, resource: Resource) -> int:
        """Return the number at which a resource's entry was read, or 0 if that is not known."""
        asked = self._asked.get(resource.path)
        return asked.read_at if asked else 0

    def _least_popular(self, latest: str) -> str:
        """Return what was asked for only once, or else longest ago, but not the latest path."""
        kept = {latest, self._whole}
        once = (path for path, asked in self._asked.items() if not asked.again and path not in kept)
        others = (path for path in self._asked if path not in kept)
        return next(once, None) or next(others)

    def forget(self, resource: Resource) -> None:
        """Forget that readers want it, because there is nothing to read."""
        if self._asked.pop(resource.path, None):
            self._store_soon()

    def forget_all(self) -> None:
        """Forget that readers want anything."""
        self._asked.clear()
        self._store_soon()

    def asked_at_ms(self, resource: Resource) -> int:
        """Return when a reader was last known to want it. If that is not known, return now."""
        asked = self._asked.get(resource.path)
        return asked.at_ms if asked else self._now_ms()

    def is_wanted(self, resource: Resource) -> bool:
        """Return whether a reader is known to have wanted it within `WANTED_MS`."""
        asked = self._asked.get(resource.path)
        # If the clock was set back, it counts as wanted: better to read too much than too little.
        return asked is not None and self._now_ms() - asked.at_ms < WANTED_MS

    def popular(self) -> list[Resource]:
        """Return the rows and queries that readers want. The one asked for last comes first."""
        resources = (self._resource_at(path) for path in reversed(self._asked))
        return [one for one in resources if one and not one.is_whole and self.is_wanted(one)]

    @property
    def _whole(self) -> str:
        """The path of the whole table. Only tables have one."""
        return f"/{self._target.name}"

    def _resource_at(self, path: str) -> Resource | None:
        query = query_at(path)
        if query is not None:
            return Resource(self._target, query=query)
        return resource_at(path, [self._target]) if isinstance(self._target, Table) else None

    def _store(self) -> None:
        asked = [(path, asked.at_ms, asked.again) for path, asked in self._asked.items()]
        self._storage.put(_KEY, json.dumps(asked))
        read_at = {path: asked.read_at for path, asked in self._asked.items()}
        self._storage.put(_READ_KEY, json.dumps(read_at))


def _asked_in(told: Stored) -> OrderedDict[str, _Asked]:
    """Return what was stored. If that is lost, readers wait once for what they ask for."""
    items = map(Stored, told.each(list).values())
    return OrderedDict(
        (item.get(0, str), _Asked(item.get(1, int), item.get(2, bool, False))) for item in items
    )


def _numbers_in(told: Stored) -> dict[str, int]:
    return told.each(int)
