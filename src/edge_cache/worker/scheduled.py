"""What the cron trigger does: look whether every table's entries are as the table is. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, Refreshing
from edge_cache.tables import PROJECT, Table


async def check_all(tables: Iterable[Table], refresher: Refreshing, log: Log) -> None:
    """Check every table; one that fails keeps its entries and does not stop the others.

    What one of them lacked, answers that depend on the whole project may lack too.
    """
    has_changed = False
    for table in tables:
        try:
            has_changed |= await refresher.check(table)
        except EdgeCacheError as error:
            log("check_failed", table=table.name, type=error.slug, detail=error.detail)
    try:
        if has_changed:
            await refresher.revalidate(PROJECT)
    except EdgeCacheError as error:
        log("check_failed", type=error.slug, detail=error.detail)
