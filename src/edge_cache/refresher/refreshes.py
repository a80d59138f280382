"""The steps that a target has to carry out after a change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from edge_cache.errors import EdgeCacheError, FinalAnswer, NotAsked
from edge_cache.refresher.backlog import Step
from edge_cache.refresher.earlier import Earlier
from edge_cache.refresher.parts import Known
from edge_cache.refresher.publishing import Entries, require_stored
from edge_cache.refresher.reads import Reads
from edge_cache.resources import Resource
from edge_cache.tables import Table

AT_ONCE = 4
"""At most this many popular answers are read at once."""

MOST = 50
"""At most this many popular answers by key, and as many others, are read again at a time: those
that were asked for last."""

FEW = 10

OFTEN_MS = 1_000
"""A table, and few popular answers, are read again no more often than this, so that one read has a
burst of changes. Workers KV takes only one write a second for a key anyway."""

MANY_MS = 5_000
"""Popular answers that any change of a table touches are read again no more often than this, and so
are more than `FEW` others. A reader that asks before that gets the new answer anyway."""


class Refreshes:
    """Publishes the versions, and reads popular answers again if a change touched them.

    If a step fails, the entries stay as they were, and the step stays pending.
    """

    def __init__(self, known: Known, reads: Reads, entries: Entries, earlier: Earlier) -> None:
        self._earlier = earlier
        self._target = known.target
        self._journal = known.journal
        self._subscriber = known.subscriber
        self._demand = known.demand
        self._record = known.record
        self._reads = reads
        self._entries = entries

    def pending(self) -> Mapping[str, Step]:
        """Return what is to be done, by a key for each step."""
        steps: dict[str, Step] = {}
        if self._earlier.is_new:
            steps["earlier"] = Step(self._replace_earlier)
        if not self._journal.state.is_published:
            steps[self._target.versions_key] = Step(self._publish)
        if isinstance(self._target, Table) and self._is_whole_outdated(self._target):
            steps[Resource(self._target).key] = Step(self._whole, OFTEN_MS)
        if not self._journal.state.is_refreshed:
            by_key, lists = self._touched()
            if by_key or not lists:
                every_ms = MANY_MS if len(by_key) > FEW else OFTEN_MS
                rows = Step(partial(self._popular, 0), every_ms)
                steps[f"{self._target.versions_key}&rows"] = rows
            if lists:
                popular = Step(partial(self._popular, 1), MANY_MS)
                steps[f"{self._target.versions_key}&lists"] = popular
        return steps

    def _touched(self) -> tuple[list[Resource], list[Resource]]:
        """Return the popular answers that lack a change, at most `MOST` by key and of the others.

        The one asked for last comes first.
        """
        touched = (
            resource
            for resource in self._demand.popular()
            if not _is_call(resource)
            and self._demand.is_awaited(resource)
            and self._demand.read_at(resource) < self._subscriber.needed(resource)
        )
        by_key, lists = list[Resource](), list[Resource]()
        for resource in touched:
            (by_key if self._subscriber.depends(resource).keys else lists).append(resource)
        return by_key[:MOST], lists[:MOST]

    def _is_whole_outdated(self, table: Table) -> bool:
        """Return whether a table's entry lacks a change. If nobody wants the entry, it may."""
        whole, listed = Resource(table), self._journal.state.listed
        is_known = listed > 0 and self._demand.is_wanted(whole)
        return is_known and listed < self._subscriber.needed(whole)

    async def _replace_earlier(self) -> None:
        """Leave nothing that an earlier release would take for fresh if it came back."""
        whole = Resource(self._target)
        if self._demand.is_wanted(whole):
            await self._whole()
        else:
            require_stored(stored=await self._entries.remove(whole))
        await self._earlier.outdate()

    async def _publish(self) -> None:
        require_stored(stored=await self._entries.publish())

    async def _whole(self) -> None:
        """Read the whole table again. If PostgREST refuses it, remove its entry."""
        whole, number = Resource(self._target), self._journal.state.number
        try:
            reading = await self._reads.refresh_whole(whole, self._subscriber.needed(whole))
        except FinalAnswer:
            writing: asyncio.Future[bool] = self._entries.remove(whole)
        else:
            writing, number = reading.storing, reading.entry.metadata.version
        require_stored(stored=await writing)
        # Also if there is no entry any more, because nothing is left to be done.
        self._journal.note(self._journal.state.with_listed(number))

    async def _popular(self, which: int) -> None:
        """Read popular answers again that a change touched: those by key (0), or the others (1).

        This does not wait for KV, because readers know that the old entries are outdated. If one
        answer fails, it is not tried again before a reader asks. But if Supabase is down, this
        raises NotAsked, so that all of them are tried again.
        """
        changed = self._journal.state.changed
        waiting = iter(self._touched()[which])

        async def read_some() -> None:
            for resource in waiting:
                await self._again(resource)

        readers = [asyncio.ensure_future(read_some()) for _ in range(AT_ONCE)]
        outcomes = await asyncio.gather(*readers, return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        if not any(self._touched()):
            refreshed = max(self._journal.state.refreshed, changed)
            self._journal.note(replace(self._journal.state, refreshed=refreshed))

    async def _again(self, resource: Resource) -> None:
        """Read one answer again."""
        needed = self._subscriber.needed(resource)
        try:
            if not self._record.is_down(needed):
                await self._reads.again(resource, needed)
                self._demand.note_ahead(resource)
        except EdgeCacheError:
            if not self._record.is_down(needed):
                self._demand.note_read(resource, needed)  # the next reader has to ask
        if self._record.is_down(needed):
            raise NotAsked("Supabase failed a moment ago.")


def _is_call(resource: Resource) -> bool:
    """Return whether to read a resource means to call a function by POST.

    Until we know the newest catalogue, the function may write by now. So only readers have it
    called.
    """
    return resource.query is not None and bool(resource.query.arguments)
