"""The Durable Object's refresher, as the Worker reaches it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pyodide.ffi import JsException, jsnull

from edge_cache import wire
from edge_cache.cloudflare.javascript import JS
from edge_cache.errors import RefresherUnavailable
from edge_cache.ports import Filled, Missed
from edge_cache.resources import Resource
from edge_cache.tables import PROJECT, Scope, Table

_NO_HOST = "https://refresher"
_PROJECT = Resource(PROJECT)


class RefresherClient:
    """Calls the Durable Object of a scope. Every method raises EdgeCacheError."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def fill(self, resource: Resource, *, version: int, has_stale: bool) -> Filled:
        """Return an entry that readers miss."""
        verb = wire.REFILL if has_stale else wire.FILL
        response = await self._call(resource, verb, number=version)
        return wire.filled_from(lambda name: _header(response, name), response.body)

    async def renew(self, resource: Resource, asked_at_ms: int) -> None:
        """Read an entry anew, unless a reader was known to want it later than that."""
        await self._call(resource, wire.RENEW, number=asked_at_ms)

    async def revalidate(self, scope: Scope) -> None:
        """Make a scope's entries fresh."""
        await self._call(Resource(scope), wire.REVALIDATE)

    async def check(self, table: Table) -> bool:
        """Revalidate a table if its entries are not as it is; tell whether that was so."""
        return bool(await _json_of(await self._call(Resource(table), wire.CHECK)))

    async def record(self, scope: Scope, row_ids: Sequence[str] | None, number: int = 0) -> None:
        """Keep a change of a scope and these rows, or all, safe, and refresh what it touches."""
        await self._call(Resource(scope), wire.RECORD, json.dumps(row_ids), number)

    async def missed(self) -> Missed | None:
        """Return the changes that no webhook told of, or None where that cannot be known."""
        return wire.missed_from(await _json_of(await self._call(_PROJECT, wire.MISSED)))

    async def caught_up(self, cursor: str) -> None:
        """Note that what was missed until then is recorded."""
        await self._call(_PROJECT, wire.CAUGHT_UP, cursor)

    async def status(self, scope: Scope) -> dict[str, object]:
        """Return how a scope's refreshes go, as JSON members."""
        status: dict[str, object] = await _json_of(await self._call(Resource(scope), wire.STATUS))
        return status

    async def _call(self, resource: Resource, verb: str, body: str = "", number: int = 0) -> Any:
        stub = self._namespace.getByName(wire.object_of(resource.scope))
        url = wire.url_of(_NO_HOST, verb, resource.path, number)
        try:
            response = await (stub.fetch(url, _post(body)) if body else stub.fetch(url))
        except JsException as error:
            raise RefresherUnavailable("The Durable Object could not be reached.") from error
        if response.ok:
            return response
        reply = None if response.body is jsnull else response.body
        raise wire.error_from(_header(response, wire.ERROR), reply)


def _header(response: Any, name: str) -> str | None:
    value = response.headers.get(name)
    return None if value is jsnull else str(value)


async def _json_of(response: Any) -> Any:
    try:
        return json.loads(await response.text())
    except (JsException, ValueError) as error:
        raise RefresherUnavailable("The Durable Object's answer is broken.") from error


def _post(body: str) -> Any:
    return JS.parse(json.dumps({"method": "POST", "body": body}))
