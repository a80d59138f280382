"""What the cron trigger does: it makes up for notifications that never came.

Every minute it asks the database's outbox for the changes that no webhook brought. If the outbox
does not watch a table, it compares the table with its entries instead. It does that less often,
because it reads the whole table. Now and then it compares all tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, Missed, Refreshing
from edge_cache.tables import PROJECT, Table

COMPARE_MINUTES = 15
COMPARE_ALL_MINUTES = 60
"""If the time in minutes can be divided by `COMPARE_MINUTES`, we compare the tables that no outbox
watches. If it can be divided by `COMPARE_ALL_MINUTES`, we compare all tables, because a dropped
partition or a changed policy fires no trigger."""


async def heal(tables: tuple[Table, ...], refresher: Refreshing, log: Log, at_ms: int) -> None:
    """Do what the trigger has to do at ``at_ms``, the Unix time that it was planned for."""
    missed = await _catch_up(tables, refresher, log)
    minute = at_ms // 60_000
    if minute % COMPARE_MINUTES == 0:
        if missed and minute % COMPARE_ALL_MINUTES:
            tables = tuple(table for table in tables if table.name in missed.unwatched)
        await _compare(tables, refresher, log)


async def _catch_up(tables: tuple[Table, ...], refresher: Refreshing, log: Log) -> Missed | None:
    """Record the changes that no webhook brought. Return them, or None if nobody can know."""
    try:
        missed = await refresher.missed()
        if missed and not missed.is_nothing:
            await _record(missed, tables, refresher)
            log("caught_up", changes=missed.changes, complete=missed.complete)
    except EdgeCacheError as error:
        log("catch_up_failed", type=error.slug, detail=error.detail)
        return None
    return missed


async def _record(missed: Missed, tables: tuple[Table, ...], refresher: Refreshing) -> None:
    """Record the changes table by table. Only after that, remember that it was done.

    So a failure in between makes us record a change twice, but never lose it.
    """
    everything = dict.fromkeys(table.name for table in tables)
    changed = missed.rows if missed.complete else everything
    await asyncio.gather(
        *(refresher.record(table, changed[table.name]) for table in tables if table.name in changed)
    )
    await refresher.record(PROJECT, ())
    await refresher.caught_up(missed.cursor)


async def _compare(tables: Iterable[Table], refresher: Refreshing, log: Log) -> None:
    """Compare each table. If one fails, its entries stay, and the others are still compared.

    If one differs from its entries, answers that depend on the project may lack the change too.
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
