"""Refreshes one pending entry: a row's, the table's, the versions, the queries kept warm."""

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

    If a step fails, the entry stays as it was, and the change stays pending. Every method raises
    UpstreamError or StoreError unless readers get the change, or something newer.
    """

    def __init__(self, known: Known, reads: Reads, entries: Entries) -> None:
        self._whole = Resource(known.scope)
        self._journal = known.journal
        self._demand = known.demand
        self._record = known.record
        self._reads = reads
        self._entries = entries

    async def list(self) -> None:
        """Refresh the table's entry.

        If nobody asked for the table lately, or PostgREST refuses it, the entry is removed.
        """
        needed = self._journal.changes.listed
        # If the table is being read already, its entry will be written anyway.
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
        # First this, so that the entry of a read that begins meanwhile does not count as removed.
        self._journal.note(self._journal.changes.without_list())
        require_stored(stored=await self._entries.remove(self._whole))
        self._journal.note(self._journal.changes.with_list(needed))

    async def row(self, row_id: str) -> None:
        """Refresh a row's entry. If Supabase has no such row for us, remove the entry.

        If the change spells the row's id in another way than its entry, all rows become outdated.
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
        """Publish which entries are outdated."""
        require_stored(stored=await self._entries.publish())

    async def queries(self) -> None:
        """Refresh the queries that are kept warm.

        This does not wait for KV, because readers know that the old entries are outdated. If one
        query fails, it is not tried again before a reader asks. But if Supabase is down, this
        raises NotAsked, so that all of them are tried again.
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
        """Refresh one query, unless it was read since the change."""
        if self._reads.recent.get(query.key, needed):
            return
        try:
            if not self._record.is_down(needed):
                await self._reads.refresh(query, needed)
        except FinalAnswer:
            self._entries.remove(query)
        except EdgeCacheError:
            pass  # the read has logged it
        if self._record.is_down(needed):
            raise NotAsked("Supabase failed a moment ago.")
