"""Brings one pending entry up to date: a row's, the table's, or the rows' version. Pure."""

from __future__ import annotations

from edge_cache.errors import NotFound
from edge_cache.refresher.entries import Entries, require_stored
from edge_cache.refresher.journal import Journal
from edge_cache.refresher.reads import Reads
from edge_cache.resources import Resource
from edge_cache.tables import Table


class Refreshes:
    """Carries out single steps of the table's pending changes.

    A step that fails leaves the entry as it was and the change pending: every method raises
    UpstreamError or StoreError unless readers have the change, or what is newer.
    """

    def __init__(self, table: Table, reads: Reads, entries: Entries, journal: Journal) -> None:
        self._whole = Resource(table)
        self._reads = reads
        self._entries = entries
        self._journal = journal

    async def list(self) -> None:
        """Read the table and overwrite its entry."""
        needed = self._journal.changes.listed
        reading = await self._reads.refresh(self._whole, needed)
        require_stored(stored=await reading.storing)
        self._journal.note(self._journal.changes.with_list(reading.metadata.version))

    async def row(self, row_id: str) -> None:
        """Read a row and overwrite its entry, or remove that if there is no such row."""
        row = Resource(self._whole.table, row_id)
        needed = self._journal.changes.needed(row)
        version = self._journal.changes.version
        try:
            reading = await self._reads.refresh(row, needed)
        except NotFound:
            require_stored(stored=await self._entries.remove(row))
        else:
            version = reading.metadata.version
            require_stored(stored=await reading.storing)
        self._journal.note(self._journal.changes.with_row(row_id, version))

    async def publish(self) -> None:
        """Let readers know which rows' entries are stale."""
        require_stored(stored=await self._entries.publish())
