"""Which changes the database announced, but no webhook brought.

pg_net sends a notification at most once. But each is first a row of the database's outbox, and we
can ask the outbox for everything after a cursor. The project's object remembers the cursor, and
which changes webhooks brought since then.
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
"""After the outbox answered, we wait this long for webhooks that are on their way. Only then we
look which changes no webhook brought."""

MAX_CARRIED_OUT = 500
"""We remember at most this many changes that webhooks brought. If the outbox announces an older one
again, it is carried out twice, which only costs a refresh."""


@dataclass(frozen=True, slots=True)
class _State:
    """The outbox's cursor, and the numbers of the changes that webhooks brought.

    Times are Unix times in milliseconds, 0 means never. ``error`` names the failure of the last
    request to the outbox.
    """

    cursor: str | None = None
    carried_out: tuple[int, ...] = ()
    asked_at_ms: int = 0
    installed: bool = False
    error: str = ""


class CatchUp:
    """Asks the outbox, and remembers the cursor."""

    def __init__(self, outbox: Outbox, storage: Storage, now_ms: NowMs) -> None:
        self._outbox = outbox
        self._storage = storage
        self._now_ms = now_ms
        self._state = restored(storage.get(_KEY), _state_in) or _State()

    def note_carried_out(self, number: int) -> None:
        """Remember that a webhook brought a change, and that all objects recorded it."""
        if number:
            numbers = (*self._state.carried_out, number)[-MAX_CARRIED_OUT:]
            self._note(replace(self._state, carried_out=numbers))

    def note_cursor(self, cursor: str) -> None:
        """Remember that all objects recorded all changes before this cursor."""
        self._note(replace(self._state, cursor=cursor))

    async def missed(self) -> Missed | None:
        """Return the changes that no webhook brought, or None if there is no outbox.

        Raises UpstreamError.
        """
        announced = await self._ask() if self._outbox.is_open else None
        if announced is None:
            return None
        if not announced.complete:
            # The numbers may have begun again, so an old webhook may have a new change's number.
            self._note(replace(self._state, carried_out=()))
        elif announced.changes:
            await asyncio.sleep(LAG_S)
        missed = missed_of(announced, frozenset(self._state.carried_out))
        if missed.is_nothing:
            self.note_cursor(missed.cursor)
        return missed

    def status(self) -> dict[str, object]:
        """Return whether the outbox is installed, if that is known, and whether it answers."""
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
    """Return what was stored. Without a cursor the outbox says that anything may have changed."""
    numbers = Stored(told.get("carried_out", list, [])).each(int)
    return _State(
        told.get("cursor", str, "") or None,
        tuple(numbers.values()),
        told.get("asked_at_ms", int, 0),
        told.get("installed", bool, False),
        told.get("error", str, ""),
    )


def missed_of(announced: Announced, carried_out: frozenset[int]) -> Missed:
    """Return what was announced, by table, without the changes that have these numbers."""
    changes = [change for change in announced.changes if change.number not in carried_out]
    return Missed(
        announced.cursor,
        len(changes),
        _rows_by_table(changes),
        [table.name for table in announced.unwatched],
        announced.complete,
    )


def _rows_by_table(changes: Iterable[Change]) -> dict[str, list[str] | None]:
    """Return the ids of the changed rows by their table's name. None means all, or too many."""
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
