"""What lives in one object: the parts that serve one scope, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, NowMs, Storage
from edge_cache.refresher.backlog import Backlog
from edge_cache.refresher.catch_up import CatchUp
from edge_cache.refresher.entries import Entries
from edge_cache.refresher.fills import Fills
from edge_cache.refresher.parts import Known, Outside, known_of
from edge_cache.refresher.reads import Reads
from edge_cache.refresher.refreshes import Refreshes
from edge_cache.refresher.retries import MAX_RETRY_MS
from edge_cache.refresher.revalidation import Revalidation
from edge_cache.refresher.writer import Writer
from edge_cache.tables import PROJECT, Scope
from edge_cache.unexpected import reported


@dataclass(frozen=True, slots=True)
class Host:
    """The parts that serve one scope."""

    known: Known
    fills: Fills
    revalidation: Revalidation
    backlog: Backlog
    reads: Reads
    writer: Writer
    catch_up: CatchUp

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self.backlog.is_idle and self.reads.is_idle and self.writer.is_idle

    def status(self) -> dict[str, object]:
        """Return the scope's state for `/health`. Times are in milliseconds, 0 means never."""
        outcome = self.known.record.outcome
        status: dict[str, object] = {
            "refreshed_at_ms": outcome.refreshed_at_ms,
            "pending": self.known.journal.changes.pending,
            "failures": outcome.failures,
            "last_error": outcome.error or None,
            "last_error_detail": outcome.detail or None,
            "failed_at_ms": outcome.failed_at_ms,
            "queries": len(self.known.demand.warm()),
        }
        if self.known.scope == PROJECT:
            status["outbox"] = self.catch_up.status()
        else:
            status["refused"] = self.known.record.is_refused
        return status


def host_of(scope: Scope, outside: Outside) -> Host:
    """Put the parts together."""
    known = known_of(scope, outside)
    writer = Writer(now_ms=outside.now_ms, log=outside.log)
    entries = Entries(known, outside, writer)
    reads = Reads(known, outside, entries)
    backlog = Backlog(known, outside, Refreshes(known, reads, entries))
    reads.when_well_again, reads.when_refused = backlog.hurry, backlog.begin
    return Host(
        known,
        Fills(known, reads, entries),
        Revalidation(known, outside, reads, entries, backlog),
        backlog,
        reads,
        writer,
        CatchUp(outside.outbox, outside.storage, outside.now_ms),
    )


async def wake(
    host: Callable[[], Host | None], storage: Storage, *, now_ms: NowMs, log: Log
) -> None:
    """Carry out what is pending when the alarm fires. If that fails, set the next alarm.

    The runtime would retry an alarm that raises only six times. ``host`` may raise
    ConfigurationError. It returns None if the table is no longer served.
    """
    try:
        with reported(log):
            woken = host()
            if woken:
                await woken.backlog.run()
    except EdgeCacheError as error:
        log("alarm_failed", type=error.slug, detail=error.detail)
        await storage.set_alarm(now_ms() + MAX_RETRY_MS)
