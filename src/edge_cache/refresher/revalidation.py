"""Makes all of a target's entries fresh on request, and looks whether they differ from the table.

If a webhook never comes, entries are outdated and nobody knows. But each entry's metadata has a
digest of its content, so we can compare what readers get with the table. That needs no memory of
what was read, changed or announced.
"""

from __future__ import annotations

import asyncio

from edge_cache.changes import Heard, Notice
from edge_cache.entries import Metadata, etag_of, parse_metadata
from edge_cache.errors import FinalAnswer
from edge_cache.freshness import is_outdated
from edge_cache.refresher.backlog import Backlog
from edge_cache.refresher.parts import Known, Outside
from edge_cache.refresher.publishing import Entries, require_stored
from edge_cache.refresher.reads import Reads
from edge_cache.resources import Resource
from edge_cache.supabase.rows import row_digests
from edge_cache.tables import Table

PUBLISHING_S = 0.1
"""The ledger waits this long at most until the versions are in Workers KV."""


class Revalidation:
    """Reads the whole table, on request or to compare it with the entries."""

    def __init__(
        self, known: Known, outside: Outside, reads: Reads, entries: Entries, backlog: Backlog
    ) -> None:
        self._target = known.target
        self._journal = known.journal
        self._subscriber = known.subscriber
        self._demand = known.demand
        self._store = outside.store
        self._project = outside.project
        self._log = outside.log
        self._reads = reads
        self._entries = entries
        self._backlog = backlog

    async def hear(self, notice: Notice) -> Heard:
        """Note changes that the ledger tells, and carry out soon what follows from them.

        Wait a moment until readers know which entries are outdated.
        """
        state = self._journal.state.after(notice, self._subscriber.keyed)
        self._journal.note(state)
        await self._backlog.run()
        await self._backlog.wait(PUBLISHING_S, self._target.versions_key)
        return Heard(state.number, self._subscriber.relations)

    async def revalidate(self, notice: Notice) -> Heard:
        """Note that everything changed. Return after the table's entry was read again.

        The caller counts as a reader who wants the table. The read begins after the call, so it
        has every change committed before. Raises UpstreamError, and the old entries stay for as
        long as Supabase fails, or StoreError if Workers KV took no write. If PostgREST refuses the
        table (FinalAnswer), its entry is removed.
        """
        heard = await self.hear(notice)
        refusal: FinalAnswer | None = None
        writes: list[asyncio.Future[bool]] = []
        if isinstance(self._target, Table):
            whole = Resource(self._target)
            self._demand.note(whole)
            try:
                writes.append((await self._reads.refresh_whole(whole, heard.number)).storing)
            except FinalAnswer as error:
                refusal = error
                writes.append(self._entries.remove(whole))
        require_stored(stored=all(await asyncio.gather(*writes, self._entries.publish())))
        if refusal:
            raise refusal
        return heard

    async def check(self) -> bool:
        """Return whether an entry that readers take for fresh differs from the table.

        Raises UpstreamError or StoreError.
        """
        whole = Resource(self._target)
        served = await self._served(whole)
        try:
            outdated = await self._outdated(whole, served) if served else []
        except FinalAnswer:
            outdated = list(served)
        self._log("changed" if outdated else "unchanged", key=whole.key, entries=len(outdated))
        return bool(outdated)

    async def _served(self, whole: Resource) -> dict[str, Metadata | None]:
        """Return the metadata of the entries that readers take for fresh, by their keys.

        None means that another Worker wrote the entry, so that nothing is known about it.
        """
        first = await self._store.entries(whole.key, at_most=1)  # the first is the shortest
        rows = await self._store.entries(f"{whole.key}/")
        found = {key: text for key, text in first.items() if key == whole.key} | rows
        served: dict[str, Metadata | None] = {}
        for key, text in found.items():
            served |= self._served_entry(key, text)
        return served

    def _served_entry(self, key: str, text: str | None) -> dict[str, Metadata | None]:
        """Return an entry by its key, or an empty dict if readers do not take it for fresh."""
        state = self._journal.state
        if text is None:
            return {} if state.changed else {key: None}
        metadata = parse_metadata(text)
        if metadata is None or not metadata.is_of(self._project):
            return {}
        return {} if is_outdated(metadata, state.versions) else {key: metadata}

    async def _outdated(self, whole: Resource, served: dict[str, Metadata | None]) -> list[str]:
        """Read the table, and return the keys of the entries that differ from it."""
        body = (await self._reads.read(whole)).body
        rows = served.keys() - {whole.key}
        digests = row_digests(body, whole.table.key) if rows else {}
        actual = {Resource(self._target, key).key: digest for key, digest in digests.items()}
        actual[whole.key] = etag_of(body)
        return [
            key
            for key, metadata in served.items()
            if metadata is None or actual.get(key) != (metadata.row or metadata.etag)
        ]
