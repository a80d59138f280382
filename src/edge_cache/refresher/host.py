"""What lives in one Durable Object: the parts that look after one scope, put together. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, NowMs, Outbox, Share, Source, Storage, WritableStore
from edge_cache.refresher.backlog import Backlog
from edge_cache.refresher.catch_up import CatchUp
from edge_cache.refresher.demand import Demand
from edge_cache.refresher.entries import Entries
from edge_cache.refresher.fills import Fills
from edge_cache.refresher.journal import Journal
from edge_cache.refresher.lookups import Lookups
from edge_cache.refresher.new_keys import NewKeys
from edge_cache.refresher.reads import Reads
from edge_cache.refresher.record import Record
from edge_cache.refresher.refreshes import Refreshes
from edge_cache.refresher.retries import MAX_RETRY_MS, Retries
from edge_cache.refresher.revalidation import Revalidation
from edge_cache.refresher.writer import Writer
from edge_cache.tables import PROJECT, Scope, Table
from edge_cache.times import rfc3339
from edge_cache.unexpected import reported


@dataclass(frozen=True, slots=True)
class Outside:
    """What the parts need of the world; ``project`` is what entries name theirs by."""

    source: Source
    project: str
    outbox: Outbox
    store: WritableStore
    storage: Storage
    share: Share
    now_ms: NowMs
    log: Log


@dataclass(frozen=True, slots=True)
class Host:
    """The parts that serve one scope."""

    scope: Scope
    fills: Fills
    revalidation: Revalidation
    backlog: Backlog
    reads: Reads
    writer: Writer
    journal: Journal
    record: Record
    demand: Demand
    catch_up: CatchUp

    @property
    def is_idle(self) -> bool:
        """Whether nothing is going on."""
        return self.backlog.is_idle and self.reads.is_idle and self.writer.is_idle

    def status(self) -> dict[str, object]:
        """Return how the scope's refreshes go, as `/health` shows it."""
        outcome = self.record.outcome
        status: dict[str, object] = {
            "refreshed_at": rfc3339(outcome.refreshed_at_ms),
            "pending": self.journal.changes.pending,
            "failures": outcome.failures,
            "last_error": outcome.error or None,
            "last_error_detail": outcome.detail or None,
            "failed_at": rfc3339(outcome.failed_at_ms),
            "queries": len(self.demand.warm()),
        }
        if self.scope == PROJECT:
            status["outbox"] = self.catch_up.status()
        else:
            status["refused"] = self.reads.is_refused
        return status


def host_of(scope: Scope, outside: Outside) -> Host:
    """Put the parts together."""
    now_ms, log, storage = outside.now_ms, outside.log, outside.storage
    journal = Journal(storage, now_ms, has_list=isinstance(scope, Table))
    record, demand = Record(storage, now_ms), Demand(scope, storage, now_ms)
    lookups, new_keys = Lookups(now_ms), NewKeys(now_ms)
    writer = Writer(now_ms=now_ms, log=log)
    entries = Entries(scope, outside.store, writer, journal, log)
    reads = Reads(
        source=outside.source,
        project=outside.project,
        entries=entries,
        journal=journal,
        record=record,
        lookups=lookups,
        demand=demand,
        new_keys=new_keys,
        share=outside.share,
        now_ms=now_ms,
        log=log,
    )
    backlog = Backlog(
        scope=scope,
        refreshes=Refreshes(
            scope, reads=reads, entries=entries, journal=journal, demand=demand, record=record
        ),
        journal=journal,
        retries=Retries(),
        storage=storage,
        now_ms=now_ms,
        log=log,
    )
    reads.when_well_again, reads.when_refused = backlog.hurry, backlog.begin
    fills = Fills(
        reads=reads,
        entries=entries,
        journal=journal,
        record=record,
        lookups=lookups,
        demand=demand,
        new_keys=new_keys,
    )
    revalidation = Revalidation(
        scope=scope,
        store=outside.store,
        project=outside.project,
        reads=reads,
        entries=entries,
        journal=journal,
        backlog=backlog,
        demand=demand,
        log=log,
    )
    catch_up = CatchUp(outside.outbox, storage, now_ms)
    return Host(
        scope, fills, revalidation, backlog, reads, writer, journal, record, demand, catch_up
    )


async def wake(
    host: Callable[[], Host | None], storage: Storage, *, now_ms: NowMs, log: Log
) -> None:
    """Carry out what is pending when the alarm fires; whatever fails, there will be a next alarm.

    The runtime itself tries an alarm that raised only six times more. ``host`` may raise
    ConfigurationError, and returns None where the table is not served any more.
    """
    try:
        with reported(log):
            woken = host()
            if woken:
                await woken.backlog.run()
    except EdgeCacheError as error:
        log("alarm_failed", type=error.slug, detail=error.detail)
        await storage.set_alarm(now_ms() + MAX_RETRY_MS)
