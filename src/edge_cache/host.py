"""What lives in one Durable Object: a table's refresher with its backlog and state. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from edge_cache.backlog import Backlog
from edge_cache.refresher import Refresher
from edge_cache.state import State


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


def _time(ms: int) -> str | None:
    """Return a time as RFC 3339 has it, or None for never."""
    if not ms:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
