"""Changes that were acknowledged, kept safe until every reader can see them. Pure.

A change is in storage before its sender is told `received`, and leaves it only after the refresh
succeeded; in between an alarm tries again, for as long as it takes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, NowMs, Storage
from edge_cache.refresher.pending import Pending
from edge_cache.refresher.refresher import Refresher
from edge_cache.resources import Table
from edge_cache.unexpected import reported

FIRST_RETRY_S = 1.0
MAX_RETRY_S = 60.0


class Backlog:
    """One table's changes, ``pending`` until they are carried out."""

    def __init__(
        self, table: Table, refresher: Refresher, storage: Storage, *, now_ms: NowMs, log: Log
    ) -> None:
        self._key = f"pending:{table.name}"
        self._refresher = refresher
        self._storage = storage
        self._now_ms = now_ms
        self._log = log
        self.pending = Pending.from_json(storage.get(self._key))
        self._failures = 0

    async def record(self, row_ids: Sequence[str]) -> None:
        """Keep a change of the table and these rows safe, and have it carried out soon."""
        for row_id in row_ids:
            self._refresher.may_exist(row_id)
        self._replace(self.pending.with_change(row_ids))
        # While Supabase fails, the next attempt keeps its time: a burst of changes must not turn
        # into a burst of attempts.
        if self._failures == 0 or await self._storage.alarm() is None:
            await self._storage.set_alarm(self._now_ms())

    async def run(self) -> None:
        """Carry out what is pending; if that fails, set the alarm for the next attempt."""
        changes = self.pending
        if changes.is_empty:
            return
        try:
            with reported(self._log):
                await self._refresher.apply(changes)
        except EdgeCacheError as error:
            pause_s = retry_s(self._failures, random.random())  # noqa: S311  no secret
            self._failures += 1
            self._log("retry_scheduled", type=error.slug, in_s=round(pause_s, 1))
            await self._storage.set_alarm(self._now_ms() + round(pause_s * 1000))
            return
        self._failures = 0
        rest = self.pending.without(changes)
        self._replace(rest)
        self._log("applied", entries=changes.count, pending=rest.count)
        if not rest.is_empty:
            await self._storage.set_alarm(self._now_ms())

    def _replace(self, pending: Pending) -> None:
        self.pending = pending
        self._storage.put(self._key, pending.to_json())


def retry_s(failures: int, jitter: float) -> float:
    """Return the pause in seconds after so many failures in a row.

    ``jitter`` from 0 to 1 spreads it between half and the whole of a bound that doubles up to
    `MAX_RETRY_S`.
    """
    bound = min(MAX_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures, 10))
    return bound * (0.5 + jitter / 2)
