"""The only writer of a table's entries: fetch, check, write. Pure; its I/O is passed in.

It must run in one place for each table, since it orders the table's reads and writes.
"""

from __future__ import annotations

from functools import partial

from edge_cache.entries import Snapshot, etag_of, snapshot_of
from edge_cache.errors import (
    EdgeCacheError,
    LookupsExhausted,
    NotFound,
    StoreError,
    TransientUpstreamError,
    UpstreamUnavailable,
)
from edge_cache.ports import Filled, Log, NowMs, Source, WritableStore
from edge_cache.refresher.lookups import Lookups
from edge_cache.refresher.pending import Pending
from edge_cache.refresher.recent import Recent
from edge_cache.refresher.single_flight import SingleFlight
from edge_cache.refresher.state import State
from edge_cache.refresher.writer import Writer
from edge_cache.resources import Resource, Table
from edge_cache.supabase.rows import row_digests, row_ids
from edge_cache.unexpected import reported

MAX_VALUE_BYTES = 25 * 1024 * 1024
"""Workers KV's limit for a value (https://developers.cloudflare.com/kv/platform/limits/)."""

PAUSE_MS = 5_000
"""After a failure, readers that have a stale entry do not have Supabase asked again for so long."""


class Refresher:
    """Refreshes one table's entries: one read of a key at a time, in order."""

    def __init__(  # noqa: PLR0913  its collaborators, nothing else
        self,
        table: Table,
        source: Source,
        store: WritableStore,
        writer: Writer,
        state: State,
        *,
        now_ms: NowMs,
        log: Log,
    ) -> None:
        self._table = table
        self._whole = Resource(table)
        self._source = source
        self._store = store
        self._writer = writer
        self._state = state
        self._now_ms = now_ms
        self._log = log
        self._reads = SingleFlight(self._refresh)
        self._epochs = SingleFlight(self._write_epoch)
        self._recent = Recent(now_ms)
        self._lookups = Lookups(now_ms)
        self._unstored: set[str] = set()
        self._reading: dict[Resource, int] = {}
        self._last_read_ms = 0
        self._listed: tuple[Snapshot | None, frozenset[str]] = None, frozenset()

    async def fill(self, resource: Resource, *, has_stale: bool = False) -> Filled:
        """Return an entry that readers miss, and write it.

        The answer comes from the refresh itself, not from the store, which may go on saying that
        the key is absent. A reader that ``has_stale`` bytes to fall back on does not wait for
        Supabase while that has just failed. Raises NotFound, LookupsExhausted or UpstreamError.
        """
        snapshot = self._recent.get(resource.key)
        if snapshot and self._is_current(resource, snapshot):
            stored = resource.key not in self._unstored
            return Filled(snapshot.metadata, snapshot.body, stored=stored)
        if has_stale and self._failed_just_now():
            raise UpstreamUnavailable("Supabase failed a moment ago.")
        if resource.row_id is None:
            return await self._reads.join(resource)
        return await self._look_up(resource, resource.row_id)

    async def renew(self, resource: Resource, read_at_ms: int) -> None:
        """Read an entry anew, unless that happened after ``read_at_ms`` or failed just now.

        Raises NotFound or UpstreamError.
        """
        latest = self._recent.latest(resource.key)
        if latest and latest.metadata.read_at_ms > read_at_ms:
            return
        if self._failed_just_now():
            return
        await self._reads.join(resource)

    async def revalidate(self) -> None:
        """Read the table anew, overwrite its entry, and make all its rows' entries stale.

        The read begins after the call, so it sees every change committed before. Raises
        UpstreamError, with the entries as they were, or StoreError if Workers KV took no write.
        """
        filled = await self._reads.begin_after_now(self._whole)
        self._lookups.forget_all()
        written = await self._epochs.join(filled.metadata.read_at_ms)
        self._require_stored(filled, written=written)

    async def check(self) -> None:
        """Revalidate if the table's entries are not as the table is; else write nothing.

        Raises UpstreamError or StoreError.
        """
        body = await self._read(self._whole)
        ledger = self._state.rows()
        digests = {
            Resource(self._table, row_id).key: digest
            for row_id, digest in row_digests(body, self._table.key).items()
        }
        outdated = sum(digests.get(key) != digest for key, digest in ledger.items())
        if outdated == 0 and etag_of(body) == self._state.table.etag:
            self._log("unchanged", key=self._whole.key)
            return
        self._log("changed", key=self._whole.key, rows_outdated=outdated)
        await self.revalidate()

    async def apply(self, changes: Pending) -> None:
        """Refresh the table's entry and those of the changed rows.

        Raises UpstreamError or StoreError unless everything is written.
        """
        if changes.all_rows:
            await self.revalidate()
            return
        filled = await self._reads.begin_after_now(self._whole)
        self._require_stored(filled)
        rows = [Resource(self._table, row_id) for row_id in changes.rows]
        failures = [await self._refresh_row(row) for row in rows]
        for failure in filter(None, failures):
            raise failure

    def may_exist(self, row_id: str) -> None:
        """Look a row up again that was not there: something is known to have happened to it."""
        self._lookups.forget(row_id)

    async def _look_up(self, resource: Resource, row_id: str) -> Filled:
        """Read a row that may not exist, within the bounds of `Lookups`."""
        if self._lookups.is_absent(row_id):
            raise NotFound(f"No row of {self._table.name} with this {self._table.key} is visible.")
        if self._reads.is_under_way(resource):
            # One that began before the epoch may have seen the row before the edit.
            if self._reading.get(resource, 0) < self._state.table.epoch_ms:
                return await self._reads.begin_after_now(resource)
            return await self._reads.join(resource)
        taken = self._lookups.take()
        if not taken and not self._is_listed(row_id):
            raise LookupsExhausted("Ask again in a moment.")
        try:
            return await self._reads.join(resource)
        except NotFound:
            taken = False  # spent
            raise
        finally:
            if taken:
                self._lookups.give_back()

    def _is_listed(self, row_id: str) -> bool:
        """Tell whether the row was in the table when that was last read, if that is known."""
        snapshot = self._recent.latest(self._whole.key)
        if snapshot is None:
            return False
        if self._listed[0] is not snapshot:
            self._listed = snapshot, row_ids(snapshot.body, self._table.key)
        return row_id in self._listed[1]

    async def _refresh_row(self, row: Resource) -> EdgeCacheError | None:
        """Refresh or remove a row's entry; return what calls for another attempt.

        A row that Supabase will not give, now or later, loses its entry and holds up no others.
        """
        try:
            with reported(self._log):
                self._require_stored(await self._reads.begin_after_now(row))
        except (TransientUpstreamError, StoreError) as error:
            return error
        except EdgeCacheError:
            self._recent.forget(row.key)
            if not await self._writer.write(row.key, partial(self._store.delete, row.key)):
                return StoreError("Workers KV has not removed a row's entry yet.")
            self._state.row_removed(row.key)
        return None

    def _failed_just_now(self) -> bool:
        state = self._state.table
        return state.failures > 0 and self._now_ms() < state.failed_at_ms + PAUSE_MS

    def _is_current(self, resource: Resource, snapshot: Snapshot) -> bool:
        if resource.row_id is None:
            return True
        return snapshot.metadata.read_at_ms >= self._state.table.epoch_ms

    async def _refresh(self, resource: Resource) -> Filled:
        """Read, check and write one entry."""
        read_at_ms = self._reading[resource] = self._begin_read_ms()
        try:
            snapshot = snapshot_of(await self._read(resource), read_at_ms)
        finally:
            del self._reading[resource]
        stored = await self._write(resource, snapshot)
        self._log(
            "refreshed",
            key=resource.key,
            bytes=snapshot.metadata.size,
            stored=stored,
            ms=self._now_ms() - read_at_ms,
        )
        return Filled(snapshot.metadata, snapshot.body, stored=stored)

    async def _read(self, resource: Resource) -> bytes:
        """Read from Supabase and note how that went."""
        knowledge = self._lookups.knowledge
        try:
            body = await self._source.read(resource)
        except NotFound:
            self._log("not_found", key=resource.key)
            self._recent.forget(resource.key)
            if knowledge == self._lookups.knowledge:
                self._lookups.remember_absent(resource.row_id or "")
            self._state.update(self._state.table.answered())
            raise
        except EdgeCacheError as error:
            self._log("refresh_failed", key=resource.key, type=error.slug, detail=error.detail)
            self._state.update(self._state.table.failed(error.slug, self._now_ms()))
            raise
        self._state.update(self._state.table.answered())
        return body

    async def _write(self, resource: Resource, snapshot: Snapshot) -> bool:
        key, size = resource.key, snapshot.metadata.size
        if size > MAX_VALUE_BYTES:
            self._log("too_large", key=key, bytes=size, limit=MAX_VALUE_BYTES)
            self._recent.forget(key)
            # An earlier, smaller entry would be served for ever.
            await self._writer.write(key, partial(self._store.delete, key))
            return False
        self._recent.put(key, snapshot)
        if resource.row_id is not None:
            return await self._write_row(key, snapshot)
        stored = await self._put(key, snapshot)
        if stored:
            self._state.update(self._state.table.refreshed(snapshot.metadata))
        return stored

    async def _write_row(self, key: str, snapshot: Snapshot) -> bool:
        read_at_ms = snapshot.metadata.read_at_ms
        self._state.row_begins(key, read_at_ms)
        stored = await self._put(key, snapshot)
        if stored:
            self._state.row_written(key, read_at_ms, snapshot.body)
        return stored

    async def _put(self, key: str, snapshot: Snapshot) -> bool:
        metadata = snapshot.metadata.to_json()
        put = partial(self._store.put, key, snapshot.body, metadata)
        stored = await self._writer.write(key, put)
        (self._unstored.discard if stored else self._unstored.add)(key)
        return stored

    async def _write_epoch(self, epoch_ms: int) -> bool:
        """Make row entries stale whose read began before; tell whether KV knows."""
        if epoch_ms <= self._state.table.epoch_ms:
            return True
        key = self._table.epoch_key
        written = await self._writer.write(key, partial(self._store.put_epoch, key, epoch_ms))
        if written:
            self._state.update(self._state.table.expired(epoch_ms))
        return written

    def _require_stored(self, filled: Filled, *, written: bool = True) -> None:
        cacheable = filled.metadata.size <= MAX_VALUE_BYTES
        if (cacheable and not filled.stored) or not written:
            raise StoreError("The new rows were read, but Workers KV has not taken them yet.")

    def _begin_read_ms(self) -> int:
        """Return the time, later than that of every read before.

        The runtime's clock stands still between I/O, and an epoch must tell two reads apart.
        """
        self._last_read_ms = max(self._now_ms(), self._last_read_ms + 1)
        return self._last_read_ms
