"""What readers want: when they were last known to ask for the table, and for which queries. Pure.

A hit does not come by here. But an entry says when its readers were last known to want it, and a
reader who finds that long ago has it renewed, which does.
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
"""What nobody asked for in so long is not read again before somebody does."""

MAX_WARM = 50
"""So many queries are read again as soon as a change is known: those asked for most lately. Those
that were asked for only once go first: a flood of queries that never repeat does not push out the
others."""

MAX_PATH_CHARS = 2000
"""Longer queries are not kept warm: the names of all are kept in one text."""

STORE_AFTER_S = 5.0
"""What is noted meanwhile is stored together. It is lost if the object is, which costs no more than
that a reader waits once."""

_KEY = "asked"


@dataclass(frozen=True, slots=True)
class _Asked:
    """When a path was last asked for (Unix time in milliseconds), and whether that was again."""

    at_ms: int
    again: bool


class Demand:
    """Remembers what was asked for most lately, also when the object is evicted."""

    def __init__(self, scope: Scope, storage: Storage, now_ms: NowMs) -> None:
        self._scope = scope
        self._storage = storage
        self._now_ms = now_ms
        self._storing: asyncio.TimerHandle | None = None
        self._asked = restored(storage.get(_KEY), _asked_in) or OrderedDict()

    def note(self, resource: Resource, *, again: bool = False) -> None:
        """Note that a reader wants a table or a query, which it was known to be ``again``."""
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
        """Note that there is nothing to read, whoever wants it."""
        if self._asked.pop(resource.path, None):
            self._store_soon()

    def asked_at_ms(self, resource: Resource) -> int:
        """Return when a reader was last known to want it; now, where that is not known."""
        asked = self._asked.get(resource.path)
        return asked.at_ms if asked else self._now_ms()

    def is_wanted(self, resource: Resource) -> bool:
        """Tell whether a reader was known to want it lately."""
        asked = self._asked.get(resource.path)
        # If the clock was set back meanwhile, it is wanted: too much is read, not too little.
        return asked is not None and self._now_ms() - asked.at_ms < WANTED_MS

    def warm(self) -> list[Resource]:
        """Return the queries that are kept warm, those asked for most lately first."""
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
    """Return what was stored; without it, readers wait once for what they ask for."""
    items = map(Stored, told.each(list).values())
    return OrderedDict(
        (item.get(0, str), _Asked(item.get(1, int), item.get(2, bool, False))) for item in items
    )
