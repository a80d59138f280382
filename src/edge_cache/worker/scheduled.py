"""What the cron trigger does: it makes up for pokes and webhooks that never came.

Every minute it has the database's outbox asked for changes. If the outbox does not watch a table,
it compares the table with its entries instead. It does that less often, because it reads the whole
table. Now and then it compares all tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_cache.changes import Change
from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, Refreshing
from edge_cache.tables import Table

COMPARE_MINUTES = 15
COMPARE_ALL_MINUTES = 60
"""If the time in minutes can be divided by `COMPARE_MINUTES`, we compare the tables that no outbox
watches. If it can be divided by `COMPARE_ALL_MINUTES`, we compare all tables, in case a change was
never announced."""


async def heal(tables: tuple[Table, ...], refresher: Refreshing, log: Log, at_ms: int) -> None:
    """Do what the trigger has to do at ``at_ms``, the Unix time that it was planned for."""
    unwatched = await _catch_up(refresher, log)
    minute = at_ms // 60_000
    if minute % COMPARE_MINUTES == 0:
        if unwatched is not None and minute % COMPARE_ALL_MINUTES:
            tables = tuple(table for table in tables if table.name in unwatched)
        await _compare(tables, refresher, log)


async def _catch_up(refresher: Refreshing, log: Log) -> Sequence[str] | None:
    """Have the outbox asked. Return the tables that it does not watch, or None if nobody knows."""
    try:
        return await refresher.catch_up()
    except EdgeCacheError as error:
        log("catch_up_failed", type=error.slug, detail=error.detail)
        return None


async def _compare(tables: Iterable[Table], refresher: Refreshing, log: Log) -> None:
    """Compare each table. If one fails, the others are still compared.

    If one differs from its entries, all of its rows count as changed.
    """
    changed: list[Change] = []
    for table in tables:
        try:
            if await refresher.check(table):
                changed.append(Change(table.relation_id))
        except EdgeCacheError as error:
            log("check_failed", table=table.name, type=error.slug, detail=error.detail)
    try:
        if changed:
            await refresher.record(changed)
    except EdgeCacheError as error:
        log("check_failed", type=error.slug, detail=error.detail)
