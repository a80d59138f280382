"""What readers ask of the refresher: entries that they miss, or that have aged. Pure."""

from __future__ import annotations

import asyncio

from edge_cache.entries import Entry
from edge_cache.errors import (
    AnotherRow,
    FinalAnswer,
    LookupsExhausted,
    NotAsked,
    NotFound,
    Overloaded,
    StillReading,
    UpstreamTimeout,
)
from edge_cache.ports import Filled
from edge_cache.refresher.entries import Entries
from edge_cache.refresher.parts import Known
from edge_cache.refresher.reads import PATIENCE_MS, Reading, Reads
from edge_cache.refresher.single_flight import SingleFlight
from edge_cache.resources import Resource
from edge_cache.supabase.rows import row_ids

STALE_AT_ONCE = 10
"""How many rows and queries that have an entry are read at once. The others wait, so that the time
for which Supabase is waited for is Supabase's, and not that of a queue in front of it."""

MISSED_AT_ONCE = 30
"""How many queries that have none are. A few slow ones keep no other waiting."""

MAX_WAITING = 100
"""How many more of them wait for their turn."""

MAX_WAIT_S = 10.0
"""How long they do. Supabase is slow then, and to be asked past this cache would not help it."""


class Fills:
    """Answers readers from memory or by a read, within the bounds of `Lookups`."""

    def __init__(self, known: Known, reads: Reads, entries: Entries) -> None:
        journal = self._journal = known.journal
        self._record = known.record
        self._lookups = known.lookups
        self._demand = known.demand
        self._new_keys = known.new_keys
        self._reads = reads
        self._entries = entries
        self._gate = asyncio.Semaphore(STALE_AT_ONCE)
        self._missed_gate = asyncio.Semaphore(MISSED_AT_ONCE)
        self._waiting = 0
        # Who waits for a turn shares it with all who want the same row: of a row that a thousand
        # readers want, one turn is taken, and one read begins.
        self._missed = SingleFlight(self._first, lambda: journal.changes.version)
        self._aged = SingleFlight(self._again, lambda: journal.changes.version)
        self._going_on: set[asyncio.Task[Reading]] = set()
        self._listed: tuple[Entry[bytes] | None, frozenset[str]] = None, frozenset()

    async def fill(self, resource: Resource, *, version: int, has_stale: bool) -> Filled:
        """Return an entry that readers miss, as new as the version that they see.

        Raises NotFound, LookupsExhausted, Overloaded or UpstreamError. A reader that ``has_stale``
        bytes to fall back on waits for Supabase no longer than its patience (StillReading), and not
        at all while that has just failed (NotAsked).
        """
        self._journal.note(self._journal.changes.with_seen(resource, version))
        if has_stale:
            self._new_keys.know(resource.key)
        if has_stale or resource.query is None:
            self._demand.note(resource, again=has_stale)
        needed = self._journal.changes.needed(resource)
        kept = self._reads.recent.get(resource.key, needed)
        if kept:
            return Filled(kept.sent, stored=True, asked=False)
        if resource.row_id is not None and self._lookups.is_absent(resource.key, needed):
            table = resource.table
            raise NotFound(f"No row of {table.name} with this {table.key} is visible.")
        reading = await self._reading(resource, needed, has_stale=has_stale)
        # A query that is rejected, or never repeats, is not to be kept warm.
        if reading.is_stored and resource.query is not None and not has_stale:
            self._demand.note(resource)
        return Filled(reading.entry, stored=reading.is_stored, asked=True)

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Read an entry anew that a reader wants, and was last known to want then.

        If a reader was known to want it later, KV has not shown that to this one yet. Nothing is
        read while Supabase has just failed. Raises NotFound or UpstreamError.
        """
        self._demand.note(resource, again=True)
        self._new_keys.know(resource.key)
        kept = self._reads.recent.get(resource.key, 0)
        if kept and kept.entry.metadata.asked_at_ms > asked_at_ms:
            return
        needed = self._journal.changes.needed(resource)
        if not self._record.failed_just_now(resource.key, needed):
            await self._aged.join(resource, needed)

    async def _reading(self, resource: Resource, needed: int, *, has_stale: bool) -> Reading:
        if has_stale:
            self._require_health(resource, needed)
            return await self._patiently(resource, needed)
        if resource.is_whole or self._reads.is_under_way(resource, needed):
            return await self._reads.refresh(resource, needed)
        return await self._missed.join(resource, needed)

    async def _first(self, resource: Resource, version: int) -> Reading:
        """Read what has no entry: a row that may not exist, or a query."""
        if resource.query is None:
            return await self._look_up(resource, version)
        if self._waiting >= MAX_WAITING:
            raise Overloaded("So many are being read already that this one is not.")
        self._waiting += 1
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                await self._missed_gate.acquire()
        except TimeoutError as error:
            raise UpstreamTimeout("Supabase took too long for those that asked before.") from error
        finally:
            self._waiting -= 1
        try:
            return await self._reads.refresh(resource, version)
        finally:
            self._missed_gate.release()

    async def _look_up(self, resource: Resource, version: int) -> Reading:
        """Read a row that may not exist."""
        try:
            await self._lookups.begin()
        except LookupsExhausted:
            if not self._is_listed(resource):
                raise
            return await self._reads.refresh(resource, version)
        in_vain = False
        try:
            return await self._reads.refresh(resource, version)
        except (NotFound, AnotherRow, FinalAnswer):
            in_vain = True
            raise
        finally:
            self._lookups.end(in_vain=in_vain)

    async def _patiently(self, resource: Resource, needed: int) -> Reading:
        """Read what has an entry; the read goes on if the reader does not wait for it."""
        reading = asyncio.ensure_future(self._aged.join(resource, needed))
        self._going_on.add(reading)  # asyncio itself keeps only a weak reference
        reading.add_done_callback(self._going_on.discard)
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        patience_ms = PATIENCE_MS
        while not reading.done():
            if patience_ms <= 0:
                raise StillReading("Supabase has not answered yet.")
            await asyncio.wait({reading}, timeout=patience_ms / 1000)
            # Of queries there is no end, and so of those in the queue: a second is all they get.
            patience_ms = self._reads.patience_ms(resource) if resource.query is None else 0
        return reading.result()

    async def _again(self, resource: Resource, version: int) -> Reading:
        """Read what has an entry, which goes if Supabase's answer is another one by now."""
        try:
            async with self._gate:
                # Supabase may have failed while others had their turn.
                self._require_health(resource, version)
                return await self._reads.refresh(resource, version)
        except (NotFound, FinalAnswer):
            self._reads.recent.forget(resource.key)
            self._entries.remove(resource)
            raise

    def _require_health(self, resource: Resource, needed: int) -> None:
        if self._record.failed_just_now(resource.key, needed):
            raise NotAsked("Supabase failed a moment ago.")

    def _is_listed(self, row: Resource) -> bool:
        """Tell whether the row was in the table when that was last read, if that is known."""
        entry = self._reads.recent.latest(Resource(row.table).key)
        if entry is None:
            return False
        if self._listed[0] is not entry:
            self._listed = entry, row_ids(entry.body, row.table.key)
        return row.row_id in self._listed[1]
