"""The Durable Object's refresher, as the Worker reaches it."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException, jsnull

from edge_cache import wire
from edge_cache.errors import RefresherUnavailable
from edge_cache.ports import Filled
from edge_cache.resources import Resource

_POST = '{"method": "POST"}'
_NO_HOST = "https://refresher"


class RefresherClient:
    """Calls the Durable Object of a resource's table."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def fill(self, resource: Resource) -> Filled:
        """Have an entry read and written. Raises EdgeCacheError."""
        response = await self._call(resource, resource.path)

        def header(name: str) -> str | None:
            value = response.headers.get(name)
            return None if value is jsnull else str(value)

        return wire.filled_from(header, response.body)

    async def revalidate(self, resource: Resource) -> None:
        """Have a table read anew. Raises EdgeCacheError."""
        await self._call(resource, f"{resource.path}?{wire.REVALIDATE}")

    async def _call(self, resource: Resource, path: str) -> Any:
        stub = self._namespace.getByName(resource.table.name)
        try:
            response = await stub.fetch(_NO_HOST + path, js.JSON.parse(_POST))
            if response.ok:
                return response
            text, retry_after = await response.text(), response.headers.get("retry-after")
        except JsException as error:
            raise RefresherUnavailable("The Durable Object could not be reached.") from error
        raise wire.error_from(text, None if retry_after is jsnull else retry_after)
