"""Reads from Supabase's REST interface (PostgREST). Only complete, checked answers are returned."""

from __future__ import annotations

import httpx

from edge_cache.config import Settings
from edge_cache.entries import Representation
from edge_cache.errors import AnotherRow, InvalidAnswer, NotFound, SpelledOtherwise
from edge_cache.ports import NowMs
from edge_cache.resources import Resource
from edge_cache.supabase.absence import can_exist, is_spelling, proves_absence
from edge_cache.supabase.answers import object_in, require_storable, require_success
from edge_cache.supabase.api import Requests, profile, table_target
from edge_cache.supabase.columns import equals
from edge_cache.supabase.query_reads import Queries
from edge_cache.supabase.script import Script
from edge_cache.supabase.table_reads import Tables
from edge_cache.tables import Table

_ROW_TYPE = "application/vnd.pgrst.object+json"


class Supabase:
    """Reads tables, rows and queries as the public key may see them.

    ``database`` asks the functions that the script installs.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, settings: Settings, *, now_ms: NowMs
    ) -> None:
        self._requests = Requests(transport, settings)
        self._tables = Tables(self._requests, now_ms)
        self._queries = Queries(self._requests)
        self.database = Script(self._requests, settings)

    async def read(self, resource: Resource) -> Representation:
        """Return a table as a JSON array of all its rows, a row as a JSON object, or an answer.

        The settings' time limit bounds the whole read, retries included. Raises NotFound if the
        answer proves that a row is absent, else UpstreamError.
        """
        if resource.query is not None:
            return await self._queries.read(resource.query)
        if resource.row_id is not None:
            return Representation(await self._read_row(resource.table, resource.row_id))
        async with self._requests.within_time_limit():
            table = await self._tables.read(resource.table)
        return Representation(table.body, rows=table.rows)

    async def _read_row(self, table: Table, row_id: str) -> bytes:
        absent = NotFound(f"No row of {table.name} with this {table.key} is visible.")
        if not can_exist(row_id):
            raise absent
        target = f"{table_target(table)}&{equals(table.key, row_id)}"
        response = await self._requests.get(target, {"accept": _ROW_TYPE, **profile(table)})
        if proves_absence(response, row_id):
            raise absent
        require_success(response, table)
        require_storable(response, table)
        found_id = object_in(response).get(table.key)
        if not isinstance(found_id, str):
            raise InvalidAnswer(
                f"Supabase sent a row whose {table.key} is neither number nor text."
            )
        if found_id == row_id:
            return response.content
        if is_spelling(row_id, found_id):
            # If the row is edited, an entry under another spelling would stay as it was.
            raise SpelledOtherwise(f"The row's {table.key} is spelled in another way.")
        raise AnotherRow(f"Supabase sent a row with another {table.key} than we asked for.")
