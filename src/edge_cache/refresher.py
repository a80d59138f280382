"""The only writer of a table's entries: fetch, check, write. Pure; its I/O is passed in.

It must run in one place for each table, since it orders the table's reads and writes.
"""

from __future__ import annotations

from functools import partial

from edge_cache.entries import Snapshot, snapshot_of
from edge_cache.errors import EdgeCacheError, NotFound, StoreError
from edge_cache.ports import Filled, Log, NowMs, Source, WritableStore
from edge_cache.recent import Recent
from edge_cache.resources import Resource, Table
from edge_cache.single_flight import SingleFlight
from edge_cache.writer import Writer

MAX_VALUE_BYTES = 25 * 1024 * 1024
"""Workers KV's limit for a value (https://developers.cloudflare.com/kv/platform/limits/)."""


class Refresher:
    """Refreshes one table's entries: one read of a key at a time, in order."""

    def __init__(  # noqa: PLR0913  its collaborators, nothing else
        self,
        table: Table,
        source: Source,
        store: WritableStore,
        writer: Writer,
        *,
        now_ms: NowMs,
        log: Log,
    ) -> None:
        self._table = table
        self._source = source
        self._store = store
        self._writer = writer
        self._now_ms = now_ms
        self._log = log
        self._reads = SingleFlight(self._refresh)
        self._epochs = SingleFlight(self._write_epoch)
        self._recent = Recent(now_ms)
        self._last_read_ms = 0
        self._epoch_ms = 0

    async def fill(self, resource: Resource) -> Filled:
        """Return an entry that readers miss, and write it.

        The answer comes from the refresh itself, not from the store, which may go on saying that
        the key is absent. Raises NotFound or UpstreamError.
        """
        snapshot = self._recent.get(resource.key)
        if snapshot and (resource.row_id is None or self._is_current(snapshot)):
            return Filled(snapshot.metadata, snapshot.body, stored=True)
        return await self._reads.join(resource)

    async def revalidate(self) -> None:
        """Read the table anew, overwrite its entry, and make all its rows' entries stale.

        The read begins after the call, so it sees every change committed before. Raises
        UpstreamError, with the entries as they were, or StoreError if Workers KV took no write.
        """
        filled = await self._reads.begin_after_now(Resource(self._table))
        written = await self._epochs.join(filled.metadata.read_at_ms)
        cacheable = filled.metadata.size <= MAX_VALUE_BYTES
        if (cacheable and not filled.stored) or not written:
            raise StoreError("The new rows were read, but Workers KV has not taken them yet.")

    def _is_current(self, snapshot: Snapshot) -> bool:
        return snapshot.metadata.read_at_ms >= self._epoch_ms

    async def _refresh(self, resource: Resource) -> Filled:
        """Read, check and write one entry."""
        read_at_ms = self._begin_read_ms()
        try:
            body = await self._source.read(resource)
        except NotFound:
            self._log("not_found", key=resource.key)
            raise
        except EdgeCacheError as error:
            self._log("refresh_failed", key=resource.key, type=error.slug, detail=error.detail)
            raise
        snapshot = snapshot_of(body, read_at_ms)
        stored = await self._write(resource, snapshot)
        self._log(
            "refreshed",
            key=resource.key,
            bytes=len(body),
            stored=stored,
            ms=self._now_ms() - read_at_ms,
        )
        return Filled(snapshot.metadata, body, stored=stored)

    async def _write(self, resource: Resource, snapshot: Snapshot) -> bool:
        key, size = resource.key, snapshot.metadata.size
        if size > MAX_VALUE_BYTES:
            self._log("too_large", key=key, bytes=size, limit=MAX_VALUE_BYTES)
            self._recent.forget(key)
            # An earlier, smaller entry would be served for ever.
            await self._writer.write(key, partial(self._store.delete, key))
            return False
        self._recent.put(key, snapshot)
        metadata = snapshot.metadata.to_json()
        return await self._writer.write(key, partial(self._store.put, key, snapshot.body, metadata))

    async def _write_epoch(self, epoch_ms: int) -> bool:
        """Make row entries stale whose read began before; tell whether KV knows."""
        if epoch_ms <= self._epoch_ms:
            return True
        self._epoch_ms = epoch_ms
        key = self._table.epoch_key
        return await self._writer.write(key, partial(self._store.put_epoch, key, epoch_ms))

    def _begin_read_ms(self) -> int:
        """Return the time, later than that of every read before.

        The runtime's clock stands still between I/O, and an epoch must tell two reads apart.
        """
        self._last_read_ms = max(self._now_ms(), self._last_read_ms + 1)
        return self._last_read_ms
