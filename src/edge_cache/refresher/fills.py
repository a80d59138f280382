"""What readers ask the refresher for: entries that they miss, or that are aged."""

from __future__ import annotations

import asyncio

from edge_cache.entries import Entry
from edge_cache.errors import (
    AnotherRow,
    FinalAnswer,
    LookupsExhausted,
    NotAsked,
    NotFound,
    NotShared,
    Overloaded,
    StillReading,
    TargetNotShared,
    UpstreamTimeout,
)
from edge_cache.ports import Filled
from edge_cache.refresher.parts import Known
from edge_cache.refresher.reads import PATIENCE_MS, Reading, Reads
from edge_cache.refresher.single_flight import SingleFlight
from edge_cache.resources import Resource
from edge_cache.supabase.rows import row_ids

STALE_AT_ONCE = 10
"""At most this many rows and queries that have an entry are read at once. The others wait here, so
that a read's time is Supabase's own and not the time in a queue in front of Supabase."""

MISSED_AT_ONCE = 30
"""At most this many queries without an entry are read at once. So a few slow ones do not make the
others wait."""

MAX_WAITING = 100
"""At most this many more of them wait for their turn."""

MAX_WAIT_S = 10.0
"""They wait at most this long, and then fail. Supabase is slow then, so we do not pass them on."""


class Fills:
    """Answers readers from memory, or with a read, within the limits of `Lookups`."""

    def __init__(self, known: Known, reads: Reads) -> None:
        journal = self._journal = known.journal
        self._subscriber = known.subscriber
        self._record = known.record
        self._lookups = known.lookups
        self._demand = known.demand
        self._new_keys = known.new_keys
        self._reads = reads
        self._gate = asyncio.Semaphore(STALE_AT_ONCE)
        self._missed_gate = asyncio.Semaphore(MISSED_AT_ONCE)
        self._waiting = 0
        # Readers of the same row share one turn: if a thousand wait for it, one read begins.
        self._missed = SingleFlight(self._first, lambda: journal.state.number)
        self._aged = SingleFlight(self._again, lambda: journal.state.number)
        self._going_on: set[asyncio.Task[Reading]] = set()
        self._listed: tuple[Entry[bytes] | None, frozenset[str]] = None, frozenset()

    async def fill(
        self, resource: Resource, *, version: int, has_stale: bool, has_session: bool
    ) -> Filled:
        """Return an entry that a reader misses. ``version`` is the highest number that it saw.

        Raises NotFound, LookupsExhausted, Overloaded or UpstreamError. If the reader has an
        outdated entry (``has_stale``), it waits for Supabase only for a moment (StillReading), and
        not at all if Supabase failed just now (NotAsked). If the reader is signed in
        (``has_session``), and the database does not say that it gets the same as all others, this
        raises NotShared.
        """
        self._note_seen(version)
        await self._subscriber.ready(resource)
        if has_session:
            self._require_shared(resource)
        if has_stale:
            self._new_keys.know(resource.key)
        if has_stale or resource.is_whole:
            self._demand.note(resource, again=has_stale)
        needed = self._subscriber.needed(resource)
        kept = self._reads.recent.get(resource.key, needed)
        if kept:
            return Filled(kept.sent, stored=True, asked=False)
        if resource.row_id is not None and self._lookups.is_absent(resource.key, needed):
            table = resource.table
            raise NotFound(f"No row of {table.name} with this {table.key} is visible.")
        reading = await self._reading(resource, needed, has_stale=has_stale)
        # If a row is absent, or a query rejected or never repeated, it is not popular.
        if reading.is_stored and not (has_stale or resource.is_whole):
            self._demand.note(resource)
            self._demand.note_read(resource, reading.entry.metadata.version)
        return Filled(reading.entry, stored=reading.is_stored, asked=True)

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Renew an entry that a reader wants. The reader's entry has this ``asked_at_ms``.

        If the object's entry has a later one, KV has not shown the newer entry to the reader yet,
        so there is nothing to do. Nothing is read either if Supabase failed just now. Raises
        NotFound or UpstreamError.
        """
        self._demand.note(resource, again=True)
        self._new_keys.know(resource.key)
        kept = self._reads.recent.get(resource.key, 0)
        if kept and kept.entry.metadata.asked_at_ms > asked_at_ms:
            return
        await self._subscriber.ready(resource)
        needed = self._subscriber.needed(resource)
        if not self._record.failed_just_now(resource.key, needed):
            await self._aged.join(resource, needed)

    def _require_shared(self, resource: Resource) -> None:
        if self._subscriber.depends(resource).is_shared:
            return
        if self._subscriber.is_shared:
            raise NotShared("The query shows more than is proven to be the same for everybody.")
        raise TargetNotShared("Nobody has proven that signed-in readers get the same.")

    def _note_seen(self, number: int) -> None:
        """If a reader saw a higher number in KV, this object's storage is lost."""
        self._journal.note(self._journal.state.with_seen(number))
        if not self._journal.state.is_published:
            self._subscriber.when_outdated()

    async def _reading(self, resource: Resource, needed: int, *, has_stale: bool) -> Reading:
        if has_stale:
            self._require_health(resource, needed)
            return await self._patiently(resource, needed)
        if resource.is_whole or self._reads.is_under_way(resource, needed):
            return await self._reads.refresh(resource, needed)
        if self._is_free(resource):
            return await self._first(resource, needed)
        return await self._missed.join(resource, needed)

    def _is_free(self, resource: Resource) -> bool:
        """Return whether a read without an entry begins at once. Others that want it find it."""
        return self._lookups.is_free if resource.query is None else not self._missed_gate.locked()

    async def _first(self, resource: Resource, version: int) -> Reading:
        """Read a resource without an entry: a row that may not exist, or a query."""
        if resource.query is None:
            return await self._look_up(resource, version)
        await self._take_turn()
        try:
            return await self._reads.refresh(resource, version)
        finally:
            self._missed_gate.release()

    async def _take_turn(self) -> None:
        """Acquire the gate for queries without an entry. Raises Overloaded or UpstreamTimeout."""
        if not self._missed_gate.locked():
            await self._missed_gate.acquire()  # it is free, so nobody needs a timer
            return
        if self._waiting >= MAX_WAITING:
            raise Overloaded("Too many queries wait for their turn already.")
        self._waiting += 1
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                await self._missed_gate.acquire()
        except TimeoutError as error:
            raise UpstreamTimeout("Supabase took too long to answer earlier queries.") from error
        finally:
            self._waiting -= 1

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
        """Read a resource with an entry. The read goes on after the reader stops waiting."""
        reading = asyncio.ensure_future(self._aged.join(resource, needed))
        self._going_on.add(reading)  # asyncio itself keeps only a weak reference
        reading.add_done_callback(self._going_on.discard)
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        patience_ms = PATIENCE_MS
        while not reading.done():
            if patience_ms <= 0:
                raise StillReading("Supabase has not answered yet.")
            await asyncio.wait({reading}, timeout=patience_ms / 1000)
            # There can be any number of queries in the queue, so they wait a second at most.
            patience_ms = self._reads.patience_ms(resource) if resource.query is None else 0
        return reading.result()

    async def _again(self, resource: Resource, version: int) -> Reading:
        """Read a resource with an entry."""
        async with self._gate:
            # Supabase may have failed while others had their turn.
            self._require_health(resource, version)
            return await self._reads.refresh(resource, version)

    def _require_health(self, resource: Resource, needed: int) -> None:
        if self._record.failed_just_now(resource.key, needed):
            raise NotAsked("Supabase failed a moment ago.")

    def _is_listed(self, row: Resource) -> bool:
        """Return whether the row was in the table at its last read. False if nobody knows."""
        entry = self._reads.recent.latest(Resource(row.table).key)
        if entry is None:
            return False
        if self._listed[0] is not entry:
            self._listed = entry, row_ids(entry.body, row.table.key)
        return row.row_id in self._listed[1]
