"""`/health`: whether readers can be served, and how the refreshes go. Pure."""

from __future__ import annotations

import asyncio

from edge_cache.errors import ConfigurationError, EdgeCacheError
from edge_cache.http import Answer, json_answer, release
from edge_cache.ports import ReadableStore, Refreshing
from edge_cache.resources import Resource
from edge_cache.tables import PROJECT, Table


class Health:
    """Looks at Workers KV and at each table's refresher."""

    def __init__(
        self, tables: tuple[Table, ...], store: ReadableStore, refresher: Refreshing
    ) -> None:
        self._tables = tables
        self._store = store
        self._refresher = refresher

    async def report(self) -> Answer:
        """Answer 200 if every table can be served, else 503; either way with the details."""
        project, *reports = await asyncio.gather(self._project(), *map(self._table, self._tables))
        tables = {table.name: told for table, told in zip(self._tables, reports, strict=True)}
        serving = all(table["serving"] for table in tables.values())
        return _answer(serving=serving, configuration="ok", tables=tables, project=project)

    async def _project(self) -> dict[str, object]:
        """Return the members of what belongs to no single table."""
        try:
            return await self._refresher.status(PROJECT)
        except EdgeCacheError as error:
            return {"error": error.document()}

    async def _table(self, table: Table) -> dict[str, object]:
        """Return a table's members.

        It can be served from its entry or, as long as the last read did not fail, from Supabase.
        """
        try:
            value = await self._store.open(Resource(table).key)
            if value:
                release(value.stream)
            status = await self._refresher.status(table)
        except EdgeCacheError as error:
            return {"serving": False, "cached": None, "error": error.document()}
        serving = value is not None or status["failures"] == 0
        return {"serving": serving, "cached": value is not None, **status}


def misconfigured(error: ConfigurationError) -> Answer:
    """Answer 503 with what is wrong with the configuration."""
    return _answer(serving=False, configuration=list(error.faults), tables={}, project={})


def _answer(
    *,
    serving: bool,
    configuration: object,
    tables: dict[str, dict[str, object]],
    project: dict[str, object],
) -> Answer:
    members = {
        "status": "ok" if serving else "failing",
        "configuration": configuration,
        "tables": tables,
        "project": project,
    }
    return json_answer(members, status=200 if serving else 503)
