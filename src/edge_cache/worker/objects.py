"""How the Worker asks the objects: one for each table, and one for the project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from edge_cache import wire
from edge_cache.errors import RefresherUnavailable
from edge_cache.ports import CallObject, Filled, Missed, ObjectAnswer
from edge_cache.resources import Resource
from edge_cache.tables import PROJECT, Scope, Table

_PROJECT = Resource(PROJECT)


class Objects:
    """Calls the object of a scope. Every method raises EdgeCacheError."""

    def __init__(self, call: CallObject) -> None:
        self._call_object = call

    async def fill(self, resource: Resource, *, version: int, has_stale: bool) -> Filled:
        """Return an entry that a reader misses, at least as new as the version that the reader saw.

        If the reader has an outdated entry (``has_stale``), it does not wait long. Then this raises
        StillReading or NotAsked.
        """
        verb = wire.REFILL if has_stale else wire.FILL
        answer = await self._call(resource, verb, number=version)
        return wire.filled_from(answer.header, answer.body)

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Read an entry again, unless a reader is known to have wanted it after ``asked_at_ms``."""
        await self._call(resource, wire.RENEW, number=asked_at_ms)

    async def revalidate(self, scope: Scope) -> None:
        """Make a scope's entries outdated. If it is a table, also refresh the table's entry."""
        await self._call(Resource(scope), wire.REVALIDATE)

    async def check(self, table: Table) -> bool:
        """Return whether a table differs from its entries. If it does, revalidate it."""
        return bool(await self._told(Resource(table), wire.CHECK))

    async def record(self, scope: Scope, row_ids: Sequence[str] | None, number: int = 0) -> None:
        """Record a change of a scope and these rows (None: all), and refresh what it touches.

        ``number`` is the change's own in the database. Only the project needs it, and only after
        the table has recorded the change.
        """
        await self._call(Resource(scope), wire.RECORD, json.dumps(row_ids), number)

    async def missed(self) -> Missed | None:
        """Return the changes that no webhook brought, or None if nobody can know."""
        return wire.missed_from(await self._told(_PROJECT, wire.MISSED))

    async def caught_up(self, cursor: str) -> None:
        """Remember that all changes before ``cursor`` are recorded."""
        await self._call(_PROJECT, wire.CAUGHT_UP, cursor)

    async def status(self, scope: Scope) -> dict[str, object]:
        """Return a scope's state for `/health`, as JSON members."""
        status: dict[str, object] = await self._told(Resource(scope), wire.STATUS)
        return status

    async def _told(self, resource: Resource, verb: str) -> Any:
        text = await (await self._call(resource, verb)).text()
        try:
            return json.loads(text)
        except ValueError as error:
            raise RefresherUnavailable("The Durable Object's answer is broken.") from error

    async def _call(
        self, resource: Resource, verb: str, body: str = "", number: int = 0
    ) -> ObjectAnswer:
        url = wire.url_of(verb, resource.path, number)
        answer = await self._call_object(wire.object_of(resource.scope), url, body)
        if answer.is_ok:
            return answer
        raise wire.error_from(answer.header(wire.ERROR), answer.body)
