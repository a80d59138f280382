"""Asks the database what changed: its outbox, and its catalogue.

A trigger writes each change into the outbox, and pg_net sends the Worker a poke without content.
Then the ledger asks the outbox. The cron trigger makes up for a lost poke within a minute.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from edge_cache.changes import ANYTHING, Change
from edge_cache.errors import EdgeCacheError
from edge_cache.pauses import OVER, Pause
from edge_cache.ports import Announced, Database, Log, NowMs, Storage
from edge_cache.refresher.single_flight import SingleFlight
from edge_cache.refresher.stored import Stored, restored

_OUTBOX_KEY = "outbox"
_CATALOGUE_KEY = "catalogue"
_REPLACED_KEY = "catalogue-replaced"
"""The Unix time in milliseconds at which the catalogue changed, until `Feed.settle` counts that."""

SPACING_MS = 300
"""The outbox is asked at most this often, however many pokes come."""

MAX_CATALOGUE_CHARS = 1_000_000
"""A longer catalogue counts as none, because a value in an object's storage has 2 MB at most.
https://developers.cloudflare.com/durable-objects/platform/limits/"""

RELOAD_MS = 15_000
"""PostgREST answers by the schema that it knows, until it has read the new one. That takes it
seconds after DDL, as a rule."""

PATIENCE_S = 2.0
"""A target that asks for the catalogue for the first time waits for the database this long."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The outbox's cursor, and how it answered last.

    Times are Unix times in milliseconds, 0 means never. ``error`` names the failure of the last
    request.
    """

    cursor: str | None = None
    asked_at_ms: int = 0
    installed: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The catalogue as the database gave it. Both are empty if there is none."""

    fingerprint: str = ""
    text: str = ""


class Feed:
    """Asks the database, and hands its changes to ``record``, which must keep them at once.

    It calls ``replaced`` if it finds another catalogue than before.
    """

    def __init__(  # noqa: PLR0913  its collaborators, nothing else
        self,
        database: Database,
        storage: Storage,
        record: Callable[[Sequence[Change]], None],
        replaced: Callable[[], None],
        *,
        now_ms: NowMs,
        log: Log,
    ) -> None:
        self._database = database
        self._storage = storage
        self._record = record
        self._replaced = replaced
        self._now_ms = now_ms
        self._log = log
        self._calls = 0
        self._flights = SingleFlight(self._ask, lambda: self._calls)
        self._spacing = OVER
        self._poke: asyncio.Task[None] | None = None
        self._first: asyncio.Task[bool] | None = None
        self._asked = restored(storage.get(_OUTBOX_KEY), _asked_in) or _Asked()
        self.watched: frozenset[str] | None = None
        """The relations whose changes reach the outbox. None if it has not answered yet."""
        self.catalogue = restored(storage.get(_CATALOGUE_KEY), _kept_in) or Kept()

    def poke(self) -> None:
        """Ask soon. Pokes that come before that become one."""
        if self._database.is_open and self._poke is None:
            self._poke = asyncio.ensure_future(self._after_poke())

    async def ask(self) -> Announced | None:
        """Ask for changes, and record them. Return None if there is no outbox.

        The request begins after the call. Raises UpstreamError.
        """
        if not self._database.is_open:
            return None
        self._calls += 1
        return await self._flights.join("", self._calls)

    async def look(self) -> None:
        """Look whether the catalogue changed, and record that. Raises UpstreamError."""
        if not self._database.is_open:
            return
        found = await self._database.catalogue(self.catalogue.fingerprint)
        kept = self.catalogue
        if found is None:
            kept = Kept()
        elif found.text is not None and len(found.text) > MAX_CATALOGUE_CHARS:
            kept = Kept()
            self._log("catalogue_too_large", chars=len(found.text))
        elif found.text is not None:
            kept = Kept(found.fingerprint, found.text)
        if kept != self.catalogue:
            if self.catalogue.fingerprint:
                self._storage.put(_REPLACED_KEY, str(self._now_ms()))
            self.catalogue = kept
            self._storage.put(_CATALOGUE_KEY, json.dumps(asdict(kept)))
            self._replaced()

    def settle(self) -> None:
        """Count a change of the catalogue once more, after PostgREST has read the new schema.

        What was read in between may show the old one.
        """
        replaced_at = self._storage.get(_REPLACED_KEY) or ""
        if replaced_at and Pause(int(replaced_at), RELOAD_MS).is_over(self._now_ms()):
            self._storage.put(_REPLACED_KEY, "")
            self._replaced()

    async def first_look(self) -> None:
        """If the catalogue is not known yet, look for it, but do not wait for it longer than this.

        If the database fails, or has no catalogue, nobody looks again before the cron trigger does.
        """
        if self.catalogue.fingerprint or not self._database.is_open:
            return
        if self._first is None:
            self._first = asyncio.ensure_future(self.look_quietly())
        await asyncio.wait({self._first}, timeout=PATIENCE_S)

    @property
    def is_installed(self) -> bool:
        """Whether there was an outbox when it was asked last."""
        return self._asked.installed

    def status(self) -> dict[str, object]:
        """Return whether the outbox is installed, if that is known, and whether it answers.

        If there is no secret any more, nobody asks it, so nobody knows.
        """
        asked = self._asked
        is_known = asked.asked_at_ms and self._database.is_open
        return {
            "installed": asked.installed if is_known else None,
            "asked_at_ms": asked.asked_at_ms,
            "error": asked.error or None,
        }

    async def _after_poke(self) -> None:
        await asyncio.sleep(self._spacing.remaining_ms(self._now_ms()) / 1000)
        self._poke = None  # what comes from now on is another poke
        with suppress(EdgeCacheError):  # the log has it
            await self.ask()

    async def look_quietly(self) -> bool:
        """Look for the catalogue. Return whether the database answered."""
        try:
            await self.look()
        except EdgeCacheError as error:
            self._log("catalogue_failed", type=error.slug, detail=error.detail)
            return False
        return True

    async def _ask(self, _: str, _call: int) -> Announced | None:
        self._spacing = Pause(self._now_ms(), SPACING_MS)
        try:
            announced = await self._database.announced(self._asked.cursor)
        except EdgeCacheError as error:
            self._log("outbox_failed", type=error.slug, detail=error.detail)
            self._note(replace(self._asked, error=error.slug))
            raise
        asked = replace(self._asked, asked_at_ms=self._now_ms(), error="")
        self.watched = announced.watched if announced else None
        if announced is None:
            self._note(replace(asked, installed=False))
            return None
        changes = announced.changes if announced.complete else (ANYTHING,)
        looks = announced.concerns_catalogue or not announced.complete
        if looks and not await self.look_quietly():
            changes = (ANYTHING,)  # nobody knows by what the targets depend on what
        if changes:
            self._record(changes)
            self._log("announced", changes=len(changes), complete=announced.complete)
        # Both are stored together, because nothing is awaited in between.
        self._note(replace(asked, installed=True, cursor=announced.cursor))
        return announced

    def _note(self, asked: _Asked) -> None:
        if asked != self._asked:
            self._asked = asked
            self._storage.put(_OUTBOX_KEY, json.dumps(asdict(asked)))


def _asked_in(told: Stored) -> _Asked:
    """Return what was stored. Without a cursor the outbox says that anything may have changed."""
    return _Asked(
        told.get("cursor", str, "") or None,
        told.get("asked_at_ms", int, 0),
        told.get("installed", bool, False),
        told.get("error", str, ""),
    )


def _kept_in(told: Stored) -> Kept:
    return Kept(told.get("fingerprint", str), told.get("text", str))
