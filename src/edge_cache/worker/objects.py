"""The Durable Objects as the Worker asks them: one for each table, and one for the project."""

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
        """Return an entry that readers miss, at least as new as the version that they see.

        Whoever ``has_stale`` bytes to fall back on does not wait long: StillReading, NotAsked.
        """
        verb = wire.REFILL if has_stale else wire.FILL
        answer = await self._call(resource, verb, number=version)
        return wire.filled_from(answer.header, answer.body)

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Read an entry anew, unless a reader was known to want it later than that."""
        await self._call(resource, wire.RENEW, number=asked_at_ms)

    async def revalidate(self, scope: Scope) -> None:
        """Make all entries of a scope stale; read a table anew and overwrite its entry."""
        await self._call(Resource(scope), wire.REVALIDATE)

    async def check(self, table: Table) -> bool:
        """Revalidate a table if its entries are not as it is; tell whether that was so."""
        return bool(await self._told(Resource(table), wire.CHECK))

    async def record(self, scope: Scope, row_ids: Sequence[str] | None, number: int = 0) -> None:
        """Keep a change of a scope and these rows, or all, safe, and refresh what it touches.

        The project is also told the change's number, once the table has it.
        """
        await self._call(Resource(scope), wire.RECORD, json.dumps(row_ids), number)

    async def missed(self) -> Missed | None:
        """Return the changes that no webhook told of, or None where that cannot be known."""
        return wire.missed_from(await self._told(_PROJECT, wire.MISSED))

    async def caught_up(self, cursor: str) -> None:
        """Note that what was missed until then is recorded."""
        await self._call(_PROJECT, wire.CAUGHT_UP, cursor)

    async def status(self, scope: Scope) -> dict[str, object]:
        """Return how a scope's refreshes go, as JSON members."""
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
