"""The target's entries in Workers KV, as the refresher writes them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from edge_cache.entries import Entry
from edge_cache.errors import StoreError
from edge_cache.refresher.parts import Known, Outside
from edge_cache.refresher.writer import Writer
from edge_cache.resources import Resource
from edge_cache.supabase.rows import row_digest

MAX_VALUE_BYTES = 25 * 1024 * 1024
"""Workers KV's limit for a value (https://developers.cloudflare.com/kv/platform/limits/)."""

QUERY_TTL_S = 30 * 24 * 60 * 60
"""If nobody refreshes a query's entry for so long, KV deletes it."""


class Entries:
    """Writes and removes entries, and publishes versions, in the order of the calls."""

    def __init__(self, known: Known, outside: Outside, writer: Writer) -> None:
        self._versions_key = known.target.versions_key
        self._journal = known.journal
        self._store = outside.store
        self._writer = writer
        self._log = outside.log

    def put(self, resource: Resource, entry: Entry[bytes]) -> asyncio.Task[bool]:
        """Write an entry. The task returns whether readers get it, or at least nothing older.

        If it is too large for KV, the old entry is removed, because readers would get it for ever.
        """
        if not is_storable(entry):
            self._log("too_large", key=resource.key, bytes=entry.metadata.size)
            return self.remove(resource)
        return self._writer.write(resource.key, partial(self._put, resource, entry))

    def remove(self, resource: Resource) -> asyncio.Task[bool]:
        """Remove an entry. The task returns whether it is gone."""
        return self._writer.write(resource.key, partial(self._store.delete, resource.key))

    async def publish(self) -> bool:
        """Publish which entries are outdated. Return whether KV took it."""
        if self._journal.state.is_published:
            return True
        return await self._writer.write(self._versions_key, self._put_versions)

    async def _put(self, resource: Resource, entry: Entry[bytes]) -> None:
        metadata = entry.metadata
        if resource.row_id is not None:
            metadata = replace(metadata, row=row_digest(entry.body))
        ttl_s = None if resource.query is None else QUERY_TTL_S
        await self._store.put(resource.key, entry.body, metadata.to_json(), ttl_s)

    async def _put_versions(self) -> None:
        state = self._journal.state
        await self._store.put_versions(self._versions_key, state.versions.to_text())
        published = max(self._journal.state.published, state.changed)
        self._journal.note(replace(self._journal.state, published=published))


def require_stored(*, stored: bool) -> None:
    """Raise StoreError unless KV took the write."""
    if not stored:
        raise StoreError("The new rows were read, but Workers KV has not taken them yet.")


def is_storable(entry: Entry[bytes]) -> bool:
    """Return whether an entry is small enough for KV."""
    return entry.metadata.size <= MAX_VALUE_BYTES
