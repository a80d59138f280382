"""Makes all of a scope's entries fresh: on request, or because they differ from the table.

If a webhook never comes, entries are outdated and nobody knows. But each entry's metadata has a
digest of its content, so we can compare what readers get with the table. The rule is: read the
table, and if an entry that readers take for fresh differs from it, refresh all. It needs no memory
of what was read, changed or announced.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from edge_cache.entries import Metadata, etag_of, parse_metadata
from edge_cache.errors import FinalAnswer
from edge_cache.freshness import has_changes
from edge_cache.refresher.backlog import Backlog
from edge_cache.refresher.entries import Entries, require_stored
from edge_cache.refresher.parts import Known, Outside
from edge_cache.refresher.reads import Reads
from edge_cache.resources import Resource
from edge_cache.supabase.rows import row_digests
from edge_cache.tables import Table


class Revalidation:
    """Reads the whole table, and makes the entries of rows and queries outdated."""

    def __init__(
        self, known: Known, outside: Outside, reads: Reads, entries: Entries, backlog: Backlog
    ) -> None:
        self._scope = known.scope
        self._whole = Resource(known.scope)
        self._journal = known.journal
        self._demand = known.demand
        self._store = outside.store
        self._project = outside.project
        self._log = outside.log
        self._reads = reads
        self._entries = entries
        self._backlog = backlog

    async def revalidate(self) -> None:
        """Refresh the table's entry, and make all other entries outdated.

        The caller counts as a reader who wants the table. The read begins after the call, so it
        has every change committed before. Raises UpstreamError, and the entries stay, or StoreError
        if Workers KV took no write. If PostgREST refuses the table (FinalAnswer), its entries are
        removed.
        """
        if isinstance(self._scope, Table):
            self._demand.note(self._whole)
        await self._revalidate()

    async def _revalidate(self) -> None:
        version = listed = self._journal.raise_version()
        # Even if the table itself cannot be read, because a query may ask for other columns.
        self._journal.note(self._journal.changes.with_all_queries(version))
        await self._backlog.schedule()
        refusal: FinalAnswer | None = None
        writes: list[asyncio.Future[bool]] = []
        if isinstance(self._scope, Table):
            try:
                reading = await self._reads.refresh(self._whole, version)
                writes.append(reading.storing)
                listed = reading.entry.metadata.version
            except FinalAnswer as error:
                refusal = error
                writes.append(self._entries.remove(self._whole))
            self._journal.note(self._journal.changes.with_all_rows(version))
        stored = all(await asyncio.gather(*writes, self._entries.publish()))
        if not stored:
            await self._backlog.schedule()  # the versions are pending
        require_stored(stored=stored)
        self._journal.note(self._journal.changes.with_list(listed))
        if refusal:
            raise refusal

    async def check(self) -> bool:
        """Return whether an entry differs from the table. If so, revalidate, else write nothing.

        Entries of pending changes are skipped, because these changes will be carried out anyway.
        Raises UpstreamError or StoreError.
        """
        served = await self._served()
        try:
            outdated = await self._outdated(served) if served else []
        except FinalAnswer:
            outdated = list(served)
        if not outdated:
            self._log("unchanged", key=self._whole.key)
            return False
        self._log("changed", key=self._whole.key, entries=len(outdated))
        with suppress(FinalAnswer):  # then the entries are removed
            await self._revalidate()
        return True

    async def _served(self) -> dict[str, Metadata | None]:
        """Return the metadata of the entries that readers take for fresh, by their keys.

        None means that another Worker wrote the entry, so that nothing is known about it.
        """
        changes = self._journal.changes
        whole = await self._store.entries(self._whole.key, at_most=1)  # the first is the shortest
        rows = await self._store.entries(f"{self._whole.key}/")
        pending = {Resource(self._scope, row_id).key for row_id in changes.rows}
        served: dict[str, Metadata | None] = {}
        if self._whole.key in whole and not changes.listed:
            served.update(self._served_entry(self._whole.key, whole[self._whole.key], 0))
        for key, text in rows.items():
            if key not in pending:
                served.update(self._served_entry(key, text, changes.published.rows))
        return served

    def _served_entry(
        self, key: str, text: str | None, published: int
    ) -> dict[str, Metadata | None]:
        """Return an entry by its key, or an empty dict if readers do not take it for fresh."""
        if text is None:
            return {} if published else {key: None}
        metadata = parse_metadata(text)
        if metadata is None or not metadata.is_of(self._project):
            return {}
        return {key: metadata} if has_changes(metadata, published) else {}

    async def _outdated(self, served: dict[str, Metadata | None]) -> list[str]:
        """Read the table, and return the keys of the entries that differ from it."""
        body = (await self._reads.read(self._whole)).body
        rows = served.keys() - {self._whole.key}
        digests = row_digests(body, self._whole.table.key) if rows else {}
        actual = {Resource(self._scope, row_id).key: digest for row_id, digest in digests.items()}
        actual[self._whole.key] = etag_of(body)
        return [
            key
            for key, metadata in served.items()
            if metadata is None or actual.get(key) != (metadata.row or metadata.etag)
        ]
