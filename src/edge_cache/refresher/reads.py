"""The target's reads from Supabase: one at a time for each key. It keeps the latest answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge_cache.bodies import Body
from edge_cache.entries import Entry, Metadata, Representation, entry_of, shared_by
from edge_cache.errors import (
    AnotherRow,
    EdgeCacheError,
    FinalAnswer,
    NotFound,
    StoreError,
    Volatile,
)
from edge_cache.pauses import OVER, Pause
from edge_cache.refresher.parts import Known, Outside
from edge_cache.refresher.publishing import Entries, is_storable
from edge_cache.refresher.recent import Recent
from edge_cache.refresher.single_flight import SingleFlight
from edge_cache.resources import Resource

PATIENCE_MS = 1_000
"""A reader that has an outdated entry waits this long for Supabase."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer, ready to send, and its write to KV.

    ``storing`` returns whether KV took it. ``is_stored`` is false if the object does not write it:
    it is too large, it may not be stored, or it answers one of many queries that never repeat.
    """

    entry: Entry[Body]
    storing: asyncio.Future[bool]
    is_stored: bool


class Reads:
    """Reads resources, keeps the answers in memory, writes them to KV, and notes the outcome.

    It calls ``when_well_again`` if Supabase answers after a failure. It calls ``when_refused`` if
    PostgREST begins to refuse the table.
    """

    def __init__(self, known: Known, outside: Outside, entries: Entries) -> None:
        journal = self._journal = known.journal
        self._subscriber = known.subscriber
        self._record = known.record
        self._lookups = known.lookups
        self._demand = known.demand
        self._new_keys = known.new_keys
        self._entries = entries
        self._source = outside.source
        self._project = outside.project
        self._share = outside.share
        self._shared = shared_by(outside.signed_in)
        self._now_ms = outside.now_ms
        self._log = outside.log
        self._flights = SingleFlight(self._refresh, lambda: journal.state.number)
        self._asked: dict[Resource, Pause] = {}
        self._answered = OVER
        self._whole: Reading | None = None
        self.recent = Recent(outside.now_ms)
        self.when_well_again: Callable[[], None] = lambda: None
        self.when_refused: Callable[[], None] = lambda: None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being read."""
        return self._flights.is_idle

    def is_under_way(self, resource: Resource, version: int) -> bool:
        """Return whether a read is under way that began at that version or later."""
        return self._flights.is_under_way(resource, version)

    async def refresh(self, resource: Resource, version: int) -> Reading:
        """Return the result of a read that began at that version or later.

        The answer comes from the read itself and not from KV, because KV may still show that the
        key is absent. Raises NotFound or UpstreamError.
        """
        return await self._flights.join(resource, version)

    async def again(self, resource: Resource, version: int) -> Reading:
        """Do the same after a change. The log has it, because no reader's line says it."""
        reading = await self.refresh(resource, version)
        self._log("refreshed", key=resource.key, bytes=reading.entry.metadata.size)
        return reading

    async def refresh_whole(self, whole: Resource, version: int) -> Reading:
        """Do the same for a table. If KV is just taking such an answer, do not read it again."""
        last = self._whole
        if last and not last.storing.done() and last.entry.metadata.version >= version:
            return last
        return await self.again(whole, version)

    async def read(self, resource: Resource) -> Representation:
        """Read from Supabase. Keep only the outcome. Raises NotFound or UpstreamError."""
        version, key = self._journal.state.number, resource.key
        try:
            answered = await self._source.read(resource)
        except NotFound:
            self._log("not_found", key=key)
            self._demand.forget(resource)
            self._note_answer(resource)
            raise
        except (FinalAnswer, AnotherRow) as error:
            event = "final_answer" if isinstance(error, FinalAnswer) else "another_row"
            self._log(event, key=key, detail=error.detail)
            self._demand.forget(resource)
            self._note_answer(resource)
            if resource.is_whole:
                self._note_refusal(resource, error)
            if error.reply and error.reply.body:
                error.reply = replace(error.reply, body=self._share(error.reply.body))
            raise
        except EdgeCacheError as error:
            self._log("refresh_failed", key=key, type=error.slug, detail=error.detail)
            self._record.failed(resource.key, version, error)
            raise
        self._note_answer(resource)
        if resource.is_whole:
            self._record.read_whole()
        return answered

    def patience_ms(self, resource: Resource) -> int:
        """Return how much longer a reader with an outdated entry should wait for a resource.

        Supabase has `PATIENCE_MS` from the moment when it was asked for the resource. Before that,
        while other reads have their turn, it has as long after each of its answers.
        """
        return self._asked.get(resource, self._answered).remaining_ms(self._now_ms())

    def _note_answer(self, resource: Resource) -> None:
        self._answered = Pause(self._now_ms(), PATIENCE_MS)
        had_failed = self._record.outcome.failures > 0
        self._record.answered(resource.key)
        if had_failed:
            self.when_well_again()

    def _note_refusal(self, whole: Resource, error: EdgeCacheError) -> None:
        """Remember that PostgREST refuses the table. At the first time, all rows may be gone."""
        is_new = not self._record.is_refused
        self._record.refused(error)
        if is_new:
            self._entries.remove(whole)
            self.when_refused()

    async def _refresh(self, resource: Resource, _version: int) -> Reading:
        """Read one resource, keep the answer in memory, and write it to KV."""
        depends = await self._subscriber.ready(resource)
        self._require_read_only(resource)
        version, began_ms = self._journal.state.number, self._now_ms()
        self._asked[resource] = Pause(began_ms, PATIENCE_MS)
        try:
            answered = await self.read(resource)
        except (NotFound, FinalAnswer, AnotherRow) as error:
            self._forget(resource)
            if isinstance(error, NotFound):
                self._lookups.note_absent(resource.key, version)
            raise
        finally:
            del self._asked[resource]
        self._lookups.note_found(resource.key)
        entry = entry_of(
            answered,
            self._project,
            depends,
            read_at_ms=began_ms,
            version=version,
            asked_at_ms=min(began_ms, self._demand.asked_at_ms(resource)),
            shared=self._shared,
        )
        return self._keep(resource, entry)

    def _require_read_only(self, resource: Resource) -> None:
        """Raise Volatile if to read a resource means to call a function that may write."""
        if not self._subscriber.is_read_only(resource):
            self._demand.forget(resource)
            self._forget(resource)
            raise Volatile("The database does not say that the function is STABLE or IMMUTABLE.")

    async def remove(self, resource: Resource) -> None:
        """Remove what memory and KV have of a resource. Raises StoreError.

        A read that is under way would bring back what was there before, so it ends first.
        """
        await self._flights.settle(resource)
        self._demand.forget(resource)
        self.recent.forget(resource.key)
        if not await self._entries.remove(resource):
            raise StoreError("Workers KV has not removed the entry yet. It is tried again.")

    async def forget_all(self) -> None:
        """Forget every answer in memory. As above, reads that are under way end first."""
        await self._flights.settle()
        self.recent.clear()
        self._whole = None

    def _forget(self, resource: Resource) -> None:
        """Remove what memory and KV have, because the new answer may not be stored.

        If nobody remembers that KV has an entry, nothing is removed there, because any number of
        rejected queries may come.
        """
        self.recent.forget(resource.key)
        if self._new_keys.forget(resource.key):
            self._entries.remove(resource)

    def _keep(self, resource: Resource, entry: Entry[bytes]) -> Reading:
        shared, storable = self._share(entry.body), is_storable(entry)
        sent: Entry[Body] = Entry(entry.metadata, shared)
        if resource.query is not None and not self._new_keys.admits(resource.key):
            not_storing: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            not_storing.set_result(False)
            return Reading(sent, not_storing, is_stored=False)
        self._new_keys.know(resource.key)
        if storable:
            self.recent.put(resource.key, entry, shared)
            self._demand.note_read(resource, entry.metadata.version)
        else:
            self.recent.forget(resource.key)
        storing = self._entries.put(resource, entry)
        reading = Reading(sent, storing, storable)
        if resource.is_whole and storable:
            self._whole = reading
            storing.add_done_callback(lambda done: self._note_stored(done, entry.metadata))
        return reading

    def _note_stored(self, storing: asyncio.Task[bool], metadata: Metadata) -> None:
        if not storing.cancelled() and storing.exception() is None and storing.result():
            self._record.refreshed(metadata.read_at_ms)
            self._journal.note(self._journal.state.with_listed(metadata.version))
