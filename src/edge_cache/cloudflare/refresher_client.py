"""The Durable Object's refresher, as the Worker reaches it."""

from __future__ import annotations

import json
from typing import Any

import js
from pyodide.ffi import JsException, jsnull

from edge_cache import wire
from edge_cache.errors import RefresherUnavailable
from edge_cache.ports import Filled
from edge_cache.resources import Change, Resource
from edge_cache.tables import Table

_NO_HOST = "https://refresher"


class RefresherClient:
    """Calls the Durable Object of a resource's table. Every method raises EdgeCacheError."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def fill(self, resource: Resource, *, version: int, has_stale: bool) -> Filled:
        """Return an entry that readers miss."""
        verb = wire.REFILL if has_stale else wire.FILL
        response = await self._call(resource, f"{verb}={version}")

        def header(name: str) -> str | None:
            value = response.headers.get(name)
            return None if value is jsnull else str(value)

        return wire.filled_from(header, response.body)

    async def renew(self, resource: Resource, read_at_ms: int) -> None:
        """Read an entry anew, if it is the one that was read at the given time."""
        await self._call(resource, f"{wire.RENEW}={read_at_ms}")

    async def revalidate(self, table: Table) -> None:
        """Read a table anew and make its entries fresh."""
        await self._call(Resource(table), wire.REVALIDATE)

    async def check(self, table: Table) -> None:
        """Revalidate a table if its entries are not as it is."""
        await self._call(Resource(table), wire.CHECK)

    async def record(self, change: Change) -> None:
        """Keep a change safe, and refresh what it touches."""
        await self._call(Resource(change.table), wire.RECORD, json.dumps(change.row_ids))

    async def status(self, table: Table) -> dict[str, object]:
        """Return how a table's refreshes go, as JSON members."""
        response = await self._call(Resource(table), wire.STATUS)
        try:
            status: dict[str, object] = json.loads(await response.text())
        except (JsException, ValueError) as error:
            raise RefresherUnavailable("The Durable Object did not tell its status.") from error
        return status

    async def _call(self, resource: Resource, verb: str, body: str = "") -> Any:
        stub = self._namespace.getByName(resource.table.name)
        url = f"{_NO_HOST}{resource.path}?{verb}"
        try:
            response = await (stub.fetch(url, _post(body)) if body else stub.fetch(url))
            if response.ok:
                return response
            text, retry_after = await response.text(), response.headers.get("retry-after")
        except JsException as error:
            raise RefresherUnavailable("The Durable Object could not be reached.") from error
        raise wire.error_from(text, None if retry_after is jsnull else retry_after)


def _post(body: str) -> Any:
    return js.JSON.parse(json.dumps({"method": "POST", "body": body}))
