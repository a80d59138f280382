"""Recorded changes, which stay until every reader can see them.

A change is in storage before its sender gets `received`, and leaves it only after the refresh
succeeded. Each pending entry (a row's, the table's, the versions, the queries kept warm) is
refreshed on its own. If one fails or takes long, no other waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from edge_cache.errors import EdgeCacheError
from edge_cache.pauses import OVER, Pause
from edge_cache.refresher.parts import Known, Outside
from edge_cache.refresher.refreshes import Refreshes
from edge_cache.refresher.retries import Retries
from edge_cache.resources import Resource
from edge_cache.unexpected import reported

ROUND_MS = 1_000
"""At least this long lies between two rounds of refreshes, so that one round carries out a burst of
changes. KV takes only one write a second for a key anyway."""

LEASE_MS = 15_000
"""While refreshes are under way, an alarm wakes the object this often, in case it has ended."""

WARM_MS = 5_000
"""The queries kept warm are refreshed no more often than this, because a change costs up to fifty
reads and writes. A reader that asks before that gets the new answer anyway."""

Step = Callable[[], Coroutine[Any, Any, None]]


class Backlog:
    """One scope's pending changes. It tries to carry them out until it succeeds.

    A timer of the event loop begins what is due, even if the clock jumps. An alarm is set for the
    same moment, in case the object ends before that.
    """

    def __init__(self, known: Known, outside: Outside, refreshes: Refreshes) -> None:
        self._scope = known.scope
        self._queries_key = f"{known.scope.version_key}&queries"
        self._journal = known.journal
        self._refreshes = refreshes
        self._retries = Retries()
        self._storage = outside.storage
        self._now_ms = outside.now_ms
        self._log = outside.log
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._runs: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._round = OVER
        self._warmed = OVER

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being refreshed."""
        return not self._under_way

    async def record(self, row_ids: Sequence[str] | None) -> None:
        """Record a change of the scope and these rows (None: all), and carry it out soon."""
        self._journal.note(self._journal.changes.with_change(row_ids))
        await self.schedule()

    async def schedule(self) -> None:
        """Set the timer and the alarm for the next thing to do, if there is any."""
        now_ms = self._now_ms()
        round_ms = self._round.remaining_ms(now_ms)
        waits = [
            LEASE_MS if key in self._under_way else max(round_ms, self._pause_ms(key, now_ms))
            for key in self._pending()
        ]
        if self._timer:
            self._timer.cancel()
        if waits:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(min(waits) / 1000, self.begin)
            await self._storage.set_alarm(now_ms + min(waits))

    async def run(self) -> None:
        """Begin to refresh what is due. What fails is due again after a pause."""
        now_ms, pending = self._now_ms(), self._pending()
        self._retries.keep(pending)
        if self._round.is_over(now_ms):
            due = {
                key: step
                for key, step in pending.items()
                if key not in self._under_way and not self._pause_ms(key, now_ms)
            }
            if due:
                self._round = Pause(now_ms, ROUND_MS)
            if self._queries_key in due:
                self._warmed = Pause(now_ms, WARM_MS)
            for key, step in due.items():
                self._under_way[key] = asyncio.ensure_future(self._carry_out(key, step))
        await self.schedule()

    def hurry(self) -> None:
        """Try soon what waits for its next attempt, because Supabase answers again."""
        if self._retries.hurry():
            self.begin()

    def begin(self) -> None:
        """Begin to refresh what is due, without waiting for it."""
        run = asyncio.ensure_future(self.run())
        self._runs.add(run)  # asyncio itself keeps only a weak reference
        run.add_done_callback(self._runs.discard)

    def _pause_ms(self, key: str, now_ms: int) -> int:
        """Return how much longer a step has to wait, apart from the round."""
        pause_ms = self._retries.remaining_ms(key, now_ms)
        if key == self._queries_key:
            return max(pause_ms, self._warmed.remaining_ms(now_ms))
        return pause_ms

    def _pending(self) -> dict[str, Step]:
        """Return the steps to carry out, by their KV key. Rows come first."""
        changes = self._journal.changes
        steps: dict[str, Step] = {
            Resource(self._scope, row_id).key: self._row(row_id) for row_id in changes.rows
        }
        if not changes.is_published:
            steps[self._scope.version_key] = self._refreshes.publish
        if changes.listed:
            steps[Resource(self._scope).key] = self._refreshes.list
        if changes.queried:
            steps[self._queries_key] = self._refreshes.queries
        return steps

    def _row(self, row_id: str) -> Step:
        return lambda: self._refreshes.row(row_id)

    async def _carry_out(self, key: str, step: Step) -> None:
        began_ms = self._now_ms()
        try:
            with reported(self._log):
                await step()
        except EdgeCacheError as error:
            self._retries.failed(key, began_ms)
            wait_ms = self._retries.remaining_ms(key, self._now_ms())
            self._log("retry_scheduled", key=key, type=error.slug, in_s=round(wait_ms / 1000, 1))
        else:
            self._retries.succeeded(key)
            self._log("applied", key=key, pending=self._journal.changes.pending)
        finally:
            del self._under_way[key]
        await self.schedule()
