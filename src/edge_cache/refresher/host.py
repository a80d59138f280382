"""What lives in one object: the parts that serve a target, or those of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge_cache import wire
from edge_cache.changes import Change
from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, NowMs, Storage
from edge_cache.refresher.backlog import Backlog
from edge_cache.refresher.bookkeeping import Bookkeeping
from edge_cache.refresher.earlier import Earlier
from edge_cache.refresher.fills import Fills
from edge_cache.refresher.own_reads import OwnReads
from edge_cache.refresher.parts import Known, Outside, known_of
from edge_cache.refresher.publishing import Entries
from edge_cache.refresher.reads import Reads
from edge_cache.refresher.refreshes import Refreshes
from edge_cache.refresher.removal import Removal
from edge_cache.refresher.retries import MAX_RETRY_MS
from edge_cache.refresher.revalidation import Revalidation
from edge_cache.refresher.soon import Soon
from edge_cache.refresher.writer import Writer
from edge_cache.resources import Resource
from edge_cache.tables import Declared, Table, Target
from edge_cache.unexpected import reported


@dataclass(frozen=True, slots=True)
class Host:
    """The parts that serve a target."""

    known: Known
    fills: Fills
    revalidation: Revalidation
    removal: Removal
    backlog: Backlog
    reads: Reads
    writer: Writer
    pending: Callable[[], int]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self.backlog.is_idle and self.reads.is_idle and self.writer.is_idle

    def touches(self, change: Change) -> dict[str, object]:
        """Return what a change would make outdated: a member of `Touched.targets`."""
        target, demand = self.known.target, self.known.demand
        subscriber = self.known.subscriber
        whole = [Resource(target)] if isinstance(target, Table) else []
        wanted = [*filter(demand.is_wanted, whole), *demand.popular()]
        paths = [one.path for one in wanted if subscriber.is_touched(one, change)]
        return {"how": subscriber.how(change), "paths": paths}

    def status(self) -> dict[str, object]:
        """Return the target's state for `/health`. Times are in milliseconds, 0 means never."""
        outcome = self.known.record.outcome
        status: dict[str, object] = {
            "refreshed_at_ms": outcome.refreshed_at_ms,
            "pending": self.pending(),
            "failures": outcome.failures,
            "last_error": outcome.error or None,
            "last_error_detail": outcome.detail or None,
            "failed_at_ms": outcome.failed_at_ms,
            "queries": len(self.known.demand.popular()),
            "shared": self.known.subscriber.is_shared,
        }
        if isinstance(self.known.target, Table):
            status["refused"] = self.known.record.is_refused
        return status


def parts_of(name: str, declared: Declared, outside: Outside) -> Host | Bookkeeping | None:
    """Return the parts of the object with this name, or None if its target is not declared."""
    if name == wire.LEDGER:
        return Bookkeeping(declared, outside)
    target = wire.target_of(name, declared)
    return host_of(target, outside) if target else None


def host_of(target: Target, outside: Outside) -> Host:
    """Put a target's parts together."""
    known = known_of(target, outside)
    writer = Writer(now_ms=outside.now_ms, log=outside.log)
    entries = Entries(known, outside, writer)
    reads = Reads(known, outside, entries)
    earlier = Earlier(target.name, outside.storage, outside.store)
    refreshes = Refreshes(known, reads, entries, earlier)
    backlog = Backlog(refreshes.pending, outside.storage, now_ms=outside.now_ms, log=outside.log)
    reads.when_well_again = backlog.hurry
    reads.when_refused = known.subscriber.refuse
    known.subscriber.when_outdated = backlog.begin
    outside.asking.when_counted = Soon(OwnReads(target.name, outside).hand_over)
    return Host(
        known,
        Fills(known, reads),
        Revalidation(known, outside, reads, entries, backlog),
        Removal(known, outside, reads, writer),
        backlog,
        reads,
        writer,
        lambda: len(refreshes.pending()),
    )


async def wake(
    host: Callable[[], Host | Bookkeeping | None], storage: Storage, *, now_ms: NowMs, log: Log
) -> None:
    """Carry out what is pending when the alarm fires. If that fails, set the next alarm.

    The runtime would retry an alarm that raises only six times. ``host`` may raise
    ConfigurationError. It returns None if the target is no longer declared.
    """
    try:
        with reported(log):
            woken = host()
            if woken:
                await woken.backlog.run()
    except EdgeCacheError as error:
        log("alarm_failed", type=error.slug, detail=error.detail)
        await storage.set_alarm(now_ms() + MAX_RETRY_MS)
