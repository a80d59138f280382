"""The ledger's object: it takes every change, keeps it, and tells the targets that depend on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import unquote

from edge_cache import wire
from edge_cache.changes import ANYTHING, Change, Heard, Subscribed, Subscription
from edge_cache.dependencies import EVERYTHING, relation_id
from edge_cache.refresher import names
from edge_cache.refresher.backlog import Backlog, Step
from edge_cache.refresher.earlier import Earlier
from edge_cache.refresher.feed import Feed
from edge_cache.refresher.ledger import Accounts
from edge_cache.refresher.own_reads import own_sums
from edge_cache.refresher.parts import Outside
from edge_cache.refresher.queries import Queries
from edge_cache.refresher.soon import Soon
from edge_cache.refresher.traffic import Traffic
from edge_cache.supabase.catalogue import Catalogue, catalogue_in
from edge_cache.supabase.key_filters import are_certain
from edge_cache.tables import Declared, Table, Target
from edge_cache.traffic import Counts

TELLING_S = 2.0
"""Whoever brings a change waits at most this long until its targets know it."""

WRITTEN_S = 0.07
"""After a write through the Worker, the outbox has this long to say what changed."""


class Bookkeeping:
    """Records changes and tells them. Every target hears each change that it depends on."""

    def __init__(self, declared: Declared, outside: Outside) -> None:
        described = {target.name: _description(target) for target in declared.targets}
        self._declared = declared
        self._parsed: tuple[str, Catalogue | None] = ("", None)
        self._accounts = Accounts(outside.storage, described, outside.now_ms)
        self._earlier = Earlier("", outside.storage, outside.store)
        self._call = outside.call
        self._log = outside.log
        self._asking = outside.asking
        outside.asking.when_counted = Soon(self._count_own)
        self._traffic = Traffic(outside.storage, outside.now_ms)
        self.queries = Queries(outside.storage, outside.now_ms)
        self.feed = Feed(
            outside.database,
            outside.storage,
            self._note,
            self._note_anything,
            now_ms=outside.now_ms,
            log=outside.log,
        )
        self.backlog = Backlog(
            self._pending, outside.storage, now_ms=outside.now_ms, log=outside.log
        )
        if self._earlier.is_new:
            self._note_anything()  # that release knew of changes that this one was never told

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self.backlog.is_idle

    def count(self, counts: Counts) -> None:
        """Keep what an isolate counted."""
        self._traffic.add(counts.sums)
        if counts.costs:
            self.queries.add(counts.costs)

    def counted(self) -> dict[str, object]:
        """Return what was counted, as `Traffic.told` does."""
        self._count_own()
        return self._traffic.told()

    def _count_own(self) -> None:
        """Keep what the ledger itself asked of Supabase."""
        if own := self._asking.taken():
            self._traffic.add(own_sums(wire.LEDGER, own))

    async def record(self, changes: Sequence[Change]) -> None:
        """Record changes, and tell them to the targets. What cannot be told now is told later."""
        self._note([one for change in changes for one in self._widened(change)])
        await self._tell()

    async def written(self, changes: Sequence[Change]) -> None:
        """Record what a write through the Worker changed, as far as its request says.

        The outbox knows that more exactly. If it does not answer soon, if there is none, or if it
        does not watch the table, these ``changes`` count.
        """
        asking = asyncio.ensure_future(self.feed.ask())
        asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({asking}, timeout=WRITTEN_S)
        announced = asking.result() if asking.done() and not asking.exception() else None
        will_tell = announced is not None or (self.feed.is_installed and not asking.done())
        found = [one for change in changes for one in self._widened(change)]
        watched = announced.watched if announced else frozenset[str]()
        is_told = {ANYTHING.relation} if will_tell else set[str]()
        untold = [one for one in found if one.relation not in watched | is_told]
        self._note(list(map(self._certain, untold)))
        await self._tell()

    async def catch_up(self) -> list[str] | None:
        """Ask the database for changes, of rows and of the catalogue, and tell them.

        Return the names of the tables that the outbox does not watch, or None if there is none.
        Raises UpstreamError.
        """
        self.feed.settle()
        announced = await self.feed.ask()
        if announced is not None or self.feed.catalogue.fingerprint:
            await self.feed.look()
        await self._tell()
        if announced is None:
            return None
        tables = self._declared.tables
        return [one.name for one in tables if one.relation_id not in announced.watched]

    async def revalidate(self) -> None:
        """Tell every target that everything changed. Return after all tables were read again.

        If one fails, the others are still told. Raises the first one's error.
        """
        if self.feed.catalogue.fingerprint:
            await self.feed.look_quietly()
        self._accounts.note(self._accounts.ledger.after([ANYTHING]))
        untold = dict(self._accounts.ledger.untold)
        outcomes = await asyncio.gather(
            *(self._tell_one(name, wire.RENEW_ALL) for name in untold), return_exceptions=True
        )
        await self.backlog.schedule()
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def subscribe(self, asked: Subscription) -> Subscribed:
        """Promise a target to tell it each change of these relations from now on."""
        await self.feed.first_look()
        self._accounts.note(self._accounts.ledger.after_asking(asked))
        kept, ledger = self.feed.catalogue, self._accounts.ledger
        text = None if kept.fingerprint == asked.fingerprint else kept.text
        return Subscribed(ledger.life, ledger.number, kept.fingerprint, text)

    def touches(self, change: Change) -> dict[str, object]:
        """Return what a change would do, as JSON members. Nothing changes.

        ``kind`` and ``reads`` are as in `Touched`. ``targets`` are the names of those that would
        hear of it.
        """
        kind, reads = names.meaning_of(change.relation, self._declared, self._catalogue())
        hearers = self._accounts.ledger.hearers(self._widened(change))
        return {"kind": kind, "reads": reads, "targets": hearers}

    def status(self) -> dict[str, object]:
        """Return the ledger's state for `/health`."""
        outbox = {**self.feed.status(), "unwatched": self._unwatched()}
        return {"pending": len(self._pending()), "outbox": outbox}

    def _unwatched(self) -> list[str] | None:
        """Return the tables that answers depend on and that the outbox does not watch.

        Return None if nobody knows what it watches.
        """
        watched, catalogue = self.feed.watched, self._catalogue()
        if watched is None or catalogue is None:
            return None
        views = {relation_id(*one.name) for one in catalogue.relations.values() if one.is_view}
        needed = frozenset[str]().union(*self._accounts.ledger.subscriptions.values())
        return sorted(map(unquote, needed - watched - views - {EVERYTHING}))

    def _widened(self, change: Change) -> list[Change]:
        """Return a change, and that of anything, unless the change is one of a known table.

        What nobody declared may be a view, or a part of a table, and only the catalogue knows.
        """
        is_known = names.is_table(change.relation, self._declared, self._catalogue())
        return [change] if is_known or change == ANYTHING else [change, ANYTHING]

    def _certain(self, change: Change) -> Change:
        """Return a change of any row, unless Postgres spells each key as the request does."""
        type_ = self._key_type(change.relation)
        is_certain = change.keys and type_ and are_certain(change.keys, type_)
        return change if is_certain else Change(change.relation)

    def _key_type(self, relation: str) -> str | None:
        """Return the type of a declared table's key, if the database says the same key."""
        catalogue = self._catalogue()
        table = next((one for one in self._declared.tables if one.relation_id == relation), None)
        if catalogue is None or table is None:
            return None
        found = catalogue.relations.get((table.schema, table.relation))
        key = found.key if found else None
        return key.type if key and key.column == table.key else None

    def _catalogue(self) -> Catalogue | None:
        """Return the catalogue, if there is one that can be read."""
        kept = self.feed.catalogue
        if self._parsed[0] != kept.fingerprint:
            self._parsed = kept.fingerprint, _parsed(kept.text)
        return self._parsed[1]

    def _note(self, changes: Sequence[Change]) -> None:
        """Give numbers to changes, and begin to tell them."""
        self._accounts.note(self._accounts.ledger.after(changes))
        self.backlog.begin()

    def _note_anything(self) -> None:
        """Note that anything may have changed. If no target asked anything yet, nobody cares."""
        if self._accounts.ledger.subscriptions:
            self._note([ANYTHING])

    async def _tell(self) -> None:
        await self.backlog.run()
        await self.backlog.wait(TELLING_S)

    def _pending(self) -> Mapping[str, Step]:
        untold = self._accounts.ledger.untold
        steps = {name: Step(partial(self._tell_one, name)) for name in untold}
        return steps | ({"earlier": Step(self._earlier.outdate)} if self._earlier.is_new else {})

    async def _tell_one(self, name: str, verb: str = wire.CHANGED) -> None:
        """Tell a target what it does not know yet, but not what comes meanwhile."""
        last = self._accounts.ledger.number
        while (notice := self._accounts.ledger.next_for(name)) and notice.number <= last:
            is_known = EVERYTHING not in notice.changes
            told = wire.CHANGED if is_known else verb
            answer = await wire.ask(self._call, name, told, body=notice.to_json())
            heard = Heard.of(await answer.text())
            self._accounts.note(self._accounts.ledger.told(name, notice, heard))


def _parsed(text: str) -> Catalogue | None:
    try:
        return catalogue_in(text) if text else None
    except ValueError:
        return None


def _description(target: Target) -> str:
    """Return what distinguishes a target from another one that was declared under the same name."""
    if isinstance(target, Table):
        return f"{target.schema} {target.relation} {target.key}"
    return target.name
