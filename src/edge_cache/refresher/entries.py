"""The table's entries in Workers KV, as the refresher writes them. Pure; its I/O is passed in."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from edge_cache.entries import Snapshot
from edge_cache.errors import StoreError
from edge_cache.ports import Log, WritableStore
from edge_cache.refresher.journal import Journal
from edge_cache.refresher.writer import Writer
from edge_cache.resources import Resource
from edge_cache.supabase.rows import row_digest
from edge_cache.tables import Table

MAX_VALUE_BYTES = 25 * 1024 * 1024
"""Workers KV's limit for a value (https://developers.cloudflare.com/kv/platform/limits/)."""


class Entries:
    """Puts and removes entries, and publishes the rows' version, in the order of the calls."""

    def __init__(
        self, table: Table, store: WritableStore, writer: Writer, journal: Journal, log: Log
    ) -> None:
        self._table = table
        self._store = store
        self._writer = writer
        self._journal = journal
        self._log = log

    def put(self, resource: Resource, snapshot: Snapshot) -> asyncio.Task[bool]:
        """Have an entry written; the task tells whether readers get it or nothing older.

        What is too large for KV is removed from it: an earlier, smaller entry would be served for
        ever.
        """
        if not is_storable(snapshot):
            size = snapshot.metadata.size
            self._log("too_large", key=resource.key, bytes=size, limit=MAX_VALUE_BYTES)
            return self.remove(resource)
        return self._writer.write(resource.key, partial(self._put, resource, snapshot))

    def remove(self, resource: Resource) -> asyncio.Task[bool]:
        """Have an entry removed; the task tells whether it is gone."""
        return self._writer.write(resource.key, partial(self._store.delete, resource.key))

    async def publish(self) -> bool:
        """Let readers know which rows' entries are stale; return whether KV has it."""
        version = self._journal.changes.rows_version
        if self._journal.changes.is_published:
            return True
        key = self._table.version_key
        published = await self._writer.write(key, self._put_version)
        if published:
            self._journal.note(self._journal.changes.with_published(version))
        return published

    async def _put(self, resource: Resource, snapshot: Snapshot) -> None:
        metadata = snapshot.metadata
        if resource.row_id is not None:
            metadata = replace(metadata, row=row_digest(snapshot.body))
        await self._store.put(resource.key, snapshot.body, metadata.to_json())

    async def _put_version(self) -> None:
        await self._store.put_version(self._table.version_key, self._journal.changes.rows_version)


def require_stored(*, stored: bool) -> None:
    """Raise StoreError unless KV took what it was given."""
    if not stored:
        raise StoreError("The new rows were read, but Workers KV has not taken them yet.")


def is_storable(snapshot: Snapshot) -> bool:
    """Tell whether KV takes a snapshot."""
    return snapshot.metadata.size <= MAX_VALUE_BYTES
