"""How the Worker asks the objects: one for each target, and the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from edge_cache import wire
from edge_cache.changes import ANYTHING, Change
from edge_cache.ports import TABLE, CallObject, Filled, Touched
from edge_cache.resources import Resource
from edge_cache.tables import Table, Target
from edge_cache.traffic import Counts, counts_text


class Objects:
    """Calls the object of a target, or the ledger. Every method raises EdgeCacheError."""

    def __init__(self, call: CallObject) -> None:
        self._call = call

    async def fill(
        self,
        resource: Resource,
        *,
        version: int,
        has_stale: bool,
        has_session: bool = False,
        trace: str = "",
    ) -> Filled:
        """Return an entry that a reader misses. ``version`` is the highest number that it saw.

        If the reader has an outdated entry (``has_stale``), it does not wait long. Then this raises
        StillReading or NotAsked. If the reader is signed in (``has_session``), and nobody has
        proven that it gets the same as all others, this raises NotShared. ``trace`` is the reader's
        traceparent.
        """
        verb = wire.REFILL if has_stale else wire.FILL
        verb += wire.SHARED if has_session else ""
        name, path = resource.target.name, resource.path
        answer = await wire.ask(self._call, name, verb, path=path, number=version, trace=trace)
        return wire.filled_from(answer.header, answer.body)

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Read an entry again, unless a reader is known to have wanted it after ``asked_at_ms``."""
        name, path = resource.target.name, resource.path
        await wire.ask(self._call, name, wire.RENEW, path=path, number=asked_at_ms)

    async def remove(self, resource: Resource) -> None:
        """Remove an entry from KV and from memory."""
        name, path = resource.target.name, resource.path
        await wire.ask(self._call, name, wire.REMOVE, path=path)

    async def remove_all(self, target: Target, after: str) -> Sequence[str]:
        """Remove a target's next entries after a key. Return their keys, or none at the end."""
        keys: Sequence[str] = await self._value(target.name, wire.REMOVE_ALL, after)
        return keys

    async def check(self, table: Table) -> bool:
        """Return whether a table differs from its entries."""
        return bool(await self._value(table.name, wire.CHECK))

    async def revalidate(self) -> None:
        """Make all entries outdated, and read all tables again."""
        await wire.ask(self._call, wire.LEDGER, wire.REVALIDATE)

    async def record(self, changes: Sequence[Change], *, written: bool = False) -> None:
        """Record changes, and make what depends on them outdated.

        ``written`` is whether a write that passed through the Worker made them. Then the database's
        outbox is asked first, because it knows more exactly what changed.
        """
        body = wire.changes_text(changes)
        await wire.ask(self._call, wire.LEDGER, wire.RECORD, number=int(written), body=body)

    async def poke(self) -> None:
        """Have the database's outbox asked soon."""
        await wire.ask(self._call, wire.LEDGER, wire.POKE)

    async def count(self, counts: Counts) -> None:
        """Hand over what was counted."""
        await wire.ask(self._call, wire.LEDGER, wire.COUNT, body=counts_text(counts))

    async def traffic(self) -> dict[str, Any]:
        """Return what was counted, as `edge_cache.refresher.traffic.Traffic.told` describes it."""
        told: dict[str, Any] = await self._value(wire.LEDGER, wire.TRAFFIC)
        return told

    async def queries(self) -> dict[str, Any]:
        """Return what is asked for most, as `edge_cache.refresher.queries.Queries.told` says."""
        told: dict[str, Any] = await self._value(wire.LEDGER, wire.QUERIES)
        return told

    async def touches(self, change: Change) -> Touched:
        """Return what a change would make outdated. Nothing changes."""
        told = await self._value(wire.LEDGER, wire.TOUCHES, wire.changes_text([change]))
        names: list[str] = told["targets"]
        body = wire.changes_text([change if told["kind"] == TABLE else ANYTHING])
        answers = await asyncio.gather(*(self._value(name, wire.TOUCHES, body) for name in names))
        targets = dict(zip(names, answers, strict=True))
        return Touched(told["kind"], told["reads"], targets)

    async def catch_up(self) -> Sequence[str] | None:
        """Ask the database for changes, and record them.

        Return the names of the tables whose changes do not reach the outbox, or None if there is no
        outbox.
        """
        unwatched: Sequence[str] | None = await self._value(wire.LEDGER, wire.CATCH_UP)
        return unwatched

    async def status(self, target: Target | None) -> dict[str, object]:
        """Return the state of a target, or of the ledger (None), for `/health`, as JSON members."""
        name = wire.LEDGER if target is None else target.name
        status: dict[str, object] = await self._value(name, wire.STATUS)
        return status

    async def _value(self, name: str, verb: str, body: str = "") -> Any:
        return await wire.value_of(await wire.ask(self._call, name, verb, body=body))
