"""What the cron trigger does: look whether every table's entries are as the table is. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, Refreshing
from edge_cache.tables import Table


async def check_all(tables: Iterable[Table], refresher: Refreshing, log: Log) -> None:
    """Check every table; one that fails keeps its entries and does not stop the others."""
    for table in tables:
        try:
            await refresher.check(table)
        except EdgeCacheError as error:
            log("check_failed", table=table.name, type=error.slug, detail=error.detail)
