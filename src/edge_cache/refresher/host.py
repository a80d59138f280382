"""What lives in one Durable Object: a table's refresher with its backlog and state. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, NowMs, Storage
from edge_cache.refresher.backlog import MAX_RETRY_S, Backlog
from edge_cache.refresher.refresher import Refresher
from edge_cache.refresher.state import State
from edge_cache.resources import TABLES, Table
from edge_cache.unexpected import reported


@dataclass(frozen=True, slots=True)
class Host:
    """The parts that serve one table."""

    refresher: Refresher
    backlog: Backlog
    state: State

    def status(self) -> dict[str, object]:
        """Return how the table's refreshes go, as `/health` shows it."""
        state, pending = self.state.table, self.backlog.pending
        return {
            "refreshed_at": _time(state.refreshed_at_ms),
            "pending": pending.count,
            "failures": state.failures,
            "last_error": state.error or None,
            "failed_at": _time(state.failed_at_ms),
        }


async def wake(
    host_of: Callable[[Table], Host], storage: Storage, *, now_ms: NowMs, log: Log
) -> None:
    """Carry out what is pending when the alarm fires; whatever fails, there will be a next alarm.

    The runtime itself tries an alarm that raised only six times more. It does not promise an object
    its name here, so every table is looked at; this storage has changes of its own table only.
    """
    try:
        with reported(log):
            for table in TABLES:
                await host_of(table).backlog.run()
    except EdgeCacheError as error:
        log("alarm_failed", type=error.slug, detail=error.detail)
        await storage.set_alarm(now_ms() + round(MAX_RETRY_S * 1000))


def _time(ms: int) -> str | None:
    """Return a time as RFC 3339 has it, or None for never."""
    if not ms:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
