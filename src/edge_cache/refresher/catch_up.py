"""Which changes the database announced and no webhook brought. Pure.

pg_net sends a notification at most once. But each is first a row of the database's outbox, and what
came after the moment that was caught up with can be asked for. The project's object remembers that
moment, and what webhooks brought since.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Announced, Missed, NowMs, Outbox, Storage
from edge_cache.refresher.changes import MAX_ROWS
from edge_cache.refresher.stored import Stored, restored
from edge_cache.resources import Change

_KEY = "outbox"

LAG_S = 5.0
"""So much later it is looked which changes webhooks brought: those of the last moment are on their
way."""

MAX_CARRIED_OUT = 500
"""So many changes are remembered that webhooks brought. What is announced again beyond that is
carried out twice, which costs a refresh, no more."""


@dataclass(frozen=True, slots=True)
class _State:
    """The moment that was caught up with, and what webhooks brought, by the changes' numbers.

    Times are Unix times in milliseconds, 0 is never. ``error`` names the last asking's failure.
    """

    cursor: str | None = None
    carried_out: tuple[int, ...] = ()
    asked_at_ms: int = 0
    installed: bool = False
    error: str = ""


class CatchUp:
    """Asks the outbox, and remembers up to where that was done."""

    def __init__(self, outbox: Outbox, storage: Storage, now_ms: NowMs) -> None:
        self._outbox = outbox
        self._storage = storage
        self._now_ms = now_ms
        self._state = restored(storage.get(_KEY), _state_in) or _State()

    def note_carried_out(self, number: int) -> None:
        """Note that a webhook brought a change, which is recorded wherever it has to be."""
        if number:
            numbers = (*self._state.carried_out, number)[-MAX_CARRIED_OUT:]
            self._note(replace(self._state, carried_out=numbers))

    def note_cursor(self, cursor: str) -> None:
        """Note that what was missed until then is recorded wherever it has to be."""
        self._note(replace(self._state, cursor=cursor))

    async def missed(self) -> Missed | None:
        """Return what was announced and not brought, or None where there is no outbox.

        Raises UpstreamError.
        """
        announced = await self._ask() if self._outbox.is_open else None
        if announced is None:
            return None
        if not announced.complete:
            # A webhook of before may have the number of a change that came since.
            self._note(replace(self._state, carried_out=()))
        elif announced.changes:
            await asyncio.sleep(LAG_S)
        missed = missed_of(announced, frozenset(self._state.carried_out))
        if missed.is_nothing:
            self.note_cursor(missed.cursor)
        return missed

    def status(self) -> dict[str, object]:
        """Return whether the outbox is there, as far as that is known, and how asking it goes."""
        state = self._state
        return {
            "installed": state.installed if state.asked_at_ms else None,
            "asked_at_ms": state.asked_at_ms,
            "error": state.error or None,
        }

    async def _ask(self) -> Announced | None:
        try:
            announced = await self._outbox.announced(self._state.cursor)
        except EdgeCacheError as error:
            self._note(replace(self._state, error=error.slug))
            raise
        installed = announced is not None
        self._note(replace(self._state, asked_at_ms=self._now_ms(), installed=installed, error=""))
        return announced

    def _note(self, state: _State) -> None:
        if state != self._state:
            self._state = state
            self._storage.put(_KEY, json.dumps(asdict(state)))


def _state_in(told: Stored) -> _State:
    """Return what was stored; without a cursor, the outbox says that anything may have changed."""
    numbers = Stored(told.get("carried_out", list, [])).each(int)
    return _State(
        told.get("cursor", str, "") or None,
        tuple(numbers.values()),
        told.get("asked_at_ms", int, 0),
        told.get("installed", bool, False),
        told.get("error", str, ""),
    )


def missed_of(announced: Announced, carried_out: frozenset[int]) -> Missed:
    """Return what was announced, but for the changes of these numbers, by table."""
    changes = [change for change in announced.changes if change.number not in carried_out]
    return Missed(
        announced.cursor,
        len(changes),
        _rows_by_table(changes),
        [table.name for table in announced.unwatched],
        announced.complete,
    )


def _rows_by_table(changes: Iterable[Change]) -> dict[str, list[str] | None]:
    """Return the ids of the rows that changed by their table's name, None for all or too many."""
    rows: dict[str, dict[str, None] | None] = {}
    for change in changes:
        if change.table is None:
            continue
        found = rows.setdefault(change.table.name, {})
        if found is None or change.row_ids is None:
            rows[change.table.name] = None
            continue
        found.update(dict.fromkeys(change.row_ids))
        if len(found) > MAX_ROWS:
            rows[change.table.name] = None
    return {name: None if found is None else list(found) for name, found in rows.items()}
