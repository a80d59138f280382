"""Brings one pending entry up to date: a row's, the table's, the versions, the queries. Pure."""

from __future__ import annotations

import asyncio

from edge_cache.errors import (
    AnotherRow,
    EdgeCacheError,
    FinalAnswer,
    NotAsked,
    NotFound,
    SpelledOtherwise,
)
from edge_cache.refresher.entries import Entries, require_stored
from edge_cache.refresher.parts import Known
from edge_cache.refresher.reads import Reads
from edge_cache.resources import Resource

QUERIES_AT_ONCE = 4


class Refreshes:
    """Carries out single steps of the scope's pending changes.

    A step that fails leaves the entry as it was and the change pending: every method raises
    UpstreamError or StoreError unless readers have the change, or what is newer.
    """

    def __init__(self, known: Known, reads: Reads, entries: Entries) -> None:
        self._whole = Resource(known.scope)
        self._journal = known.journal
        self._demand = known.demand
        self._record = known.record
        self._reads = reads
        self._entries = entries

    async def list(self) -> None:
        """Read the table and overwrite its entry.

        If nobody asked for it lately, or PostgREST refuses it, the entry is removed.
        """
        needed = self._journal.changes.listed
        # What is being read will be written, whoever wants it.
        if not (self._demand.is_wanted(self._whole) or self._reads.is_under_way(self._whole, 0)):
            await self._remove_list(needed)
            return
        try:
            reading = await self._reads.refresh(self._whole, needed)
        except FinalAnswer:
            await self._remove_list(needed)
            return
        require_stored(stored=await reading.storing)
        self._journal.note(self._journal.changes.with_list(reading.entry.metadata.version))

    async def _remove_list(self, needed: int) -> None:
        # Before that, so that a read that begins meanwhile is not taken for removed with it.
        self._journal.note(self._journal.changes.without_list())
        require_stored(stored=await self._entries.remove(self._whole))
        self._journal.note(self._journal.changes.with_list(needed))

    async def row(self, row_id: str) -> None:
        """Read a row and overwrite its entry, or remove that if Supabase has no row to give.

        One whose id was told in another spelling than its entry has makes all rows out of date.
        """
        row = Resource(self._whole.scope, row_id)
        needed = self._journal.changes.needed(row)
        version = self._journal.changes.version
        try:
            reading = await self._reads.refresh(row, needed)
        except (SpelledOtherwise, AnotherRow):
            self._journal.note(self._journal.changes.with_all_rows(needed))
            return
        except (NotFound, FinalAnswer):
            require_stored(stored=await self._entries.remove(row))
        else:
            version = reading.entry.metadata.version
            require_stored(stored=await reading.storing)
        self._journal.note(self._journal.changes.with_row(row_id, version))

    async def publish(self) -> None:
        """Let readers know which entries are stale."""
        require_stored(stored=await self._entries.publish())

    async def queries(self) -> None:
        """Read the queries again that are kept warm.

        Whether KV takes them is not waited for: readers know that the old ones are out of date. Nor
        is one that fails tried again before a reader asks, unless Supabase is down: NotAsked.
        """
        needed = self._journal.changes.queried
        waiting = iter(self._demand.warm())

        async def read_some() -> None:
            for query in waiting:
                await self._warm(query, needed)

        readers = [asyncio.ensure_future(read_some()) for _ in range(QUERIES_AT_ONCE)]
        outcomes = await asyncio.gather(*readers, return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        self._journal.note(self._journal.changes.with_queries(needed))

    async def _warm(self, query: Resource, needed: int) -> None:
        """Read one query, if that was not done since the change."""
        if self._reads.recent.get(query.key, needed):
            return
        try:
            if not self._record.is_down(needed):
                await self._reads.refresh(query, needed)
        except FinalAnswer:
            self._reads.recent.forget(query.key)
            self._entries.remove(query)
        except EdgeCacheError:
            pass  # it was logged where it was read
        if self._record.is_down(needed):
            raise NotAsked("Supabase failed a moment ago.")
