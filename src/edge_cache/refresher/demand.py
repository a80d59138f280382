"""What readers want: when they were last known to ask for the table, and for which queries.

The object does not see hits. But an entry says when a reader was last known to want it. If that was
long ago, the next reader asks the object to renew it. So the object learns that it is wanted.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass

from edge_cache.ports import NowMs, Storage
from edge_cache.queries import ROOT, query_at
from edge_cache.refresher.stored import Stored, restored
from edge_cache.resources import Resource
from edge_cache.tables import Scope

WANTED_MS = 24 * 60 * 60 * 1000
"""If nobody is known to want something for so long, it is not refreshed when it changes."""

MAX_WARM = 50
"""We refresh at most this many queries as soon as we learn of a change: those that readers asked
for last. A query that was asked for only once is dropped first, so that a flood of queries that
never repeat does not push out the others."""

MAX_PATH_CHARS = 2000
"""A longer query is not kept warm, because one text in storage has all queries."""

STORE_AFTER_S = 5.0
"""What is noted within this time is stored together. If the object ends before that, a reader waits
once, and nothing worse happens."""

_KEY = "asked"


@dataclass(frozen=True, slots=True)
class _Asked:
    """When a path was last asked for (Unix time in milliseconds), and whether for another time."""

    at_ms: int
    again: bool


class Demand:
    """Remembers what readers asked for last, even if the object is evicted."""

    def __init__(self, scope: Scope, storage: Storage, now_ms: NowMs) -> None:
        self._scope = scope
        self._storage = storage
        self._now_ms = now_ms
        self._storing: asyncio.TimerHandle | None = None
        self._asked = restored(storage.get(_KEY), _asked_in) or OrderedDict()

    def note(self, resource: Resource, *, again: bool = False) -> None:
        """Note that a reader wants a table or a query. ``again`` means: not for the first time."""
        path = resource.path
        if resource.row_id is not None or len(path) > MAX_PATH_CHARS:
            return
        self._asked[path] = _Asked(self._now_ms(), again or path in self._asked)
        self._asked.move_to_end(path)
        queries = [path for path in self._asked if path.startswith(ROOT)]
        if len(queries) > MAX_WARM:
            once = [path for path in queries[:-1] if not self._asked[path].again]
            del self._asked[(once or queries)[0]]
        self._store_soon()

    def forget(self, resource: Resource) -> None:
        """Forget that readers want it, because there is nothing to read."""
        if self._asked.pop(resource.path, None):
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

    def warm(self) -> list[Resource]:
        """Return the queries that are kept warm. The one that was asked for last comes first."""
        queries = [query_at(path) for path in reversed(self._asked)]
        resources = [Resource(self._scope, query=query) for query in queries if query is not None]
        return [resource for resource in resources if self.is_wanted(resource)]

    def _store_soon(self) -> None:
        if self._storing is None:
            self._storing = asyncio.get_running_loop().call_later(STORE_AFTER_S, self._store)

    def _store(self) -> None:
        self._storing = None
        asked = [(path, asked.at_ms, asked.again) for path, asked in self._asked.items()]
        self._storage.put(_KEY, json.dumps(asked))


def _asked_in(told: Stored) -> OrderedDict[str, _Asked]:
    """Return what was stored. If that is lost, readers wait once for what they ask for."""
    items = map(Stored, told.each(list).values())
    return OrderedDict(
        (item.get(0, str), _Asked(item.get(1, int), item.get(2, bool, False))) for item in items
    )
