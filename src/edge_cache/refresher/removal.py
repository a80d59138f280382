"""Removes all of a target's entries from Workers KV, because somebody must not read them any more.

That they are outdated is not enough: readers get outdated entries while Supabase fails.
"""

from __future__ import annotations

import asyncio
from functools import partial

from edge_cache.errors import StoreError
from edge_cache.queries import ROOT
from edge_cache.refresher.parts import Known, Outside
from edge_cache.refresher.reads import Reads
from edge_cache.refresher.writer import Writer
from edge_cache.tables import Table, Target

AT_ONCE = 500
"""One request removes at most this many. Each is an operation, and one invocation of a Worker may
have a thousand. https://developers.cloudflare.com/kv/platform/limits/"""


class Removal:
    """Removes what KV lists. An entry of the last minute may not be listed yet."""

    def __init__(self, known: Known, outside: Outside, reads: Reads, writer: Writer) -> None:
        self._target = known.target
        self._demand = known.demand
        self._store = outside.store
        self._reads = reads
        self._writer = writer

    async def remove(self, after: str) -> list[str]:
        """Remove the next entries after a key, and return their keys, at most `AT_ONCE`.

        What memory has is forgotten, and nothing is popular any more. Raises StoreError.
        """
        await self._reads.forget_all()
        self._demand.forget_all()
        keys = [key for key in await self._listed() if key > after][:AT_ONCE]
        removing = (self._writer.write(key, partial(self._store.delete, key)) for key in keys)
        if not all(await asyncio.gather(*removing)):
            raise StoreError("Workers KV has not removed all entries yet. They are tried again.")
        return keys

    async def _listed(self) -> list[str]:
        found = [await self._store.entries(prefix) for prefix in prefixes_of(self._target)]
        return sorted({key for keys in found for key in keys if is_of(self._target, key)})


def prefixes_of(target: Target) -> list[str]:
    """Return how the keys of a target's entries begin. Other keys may begin so, too."""
    own = [f"/{target.name}"] if isinstance(target, Table) else []
    return [*own, f"{ROOT}{target.path}"]


def is_of(target: Target, key: str) -> bool:
    """Return whether an entry with this key belongs to a target, or to its namesake in a schema.

    The versions stay, because readers need them.
    """
    if key == target.versions_key:
        return False
    if isinstance(target, Table) and f"{key}/".startswith(f"/{target.name}/"):
        return True
    rest = key.removeprefix(f"{ROOT}{target.path}")
    return rest != key and rest[:1] in {"", "?", ";"}
