"""What the cron trigger does: make up for notifications that never came. Pure.

Every minute the database's outbox is asked for what it announced and no webhook brought. Tables
that no outbox watches are compared with their entries instead, less often, as that reads them
whole; and all tables now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from edge_cache.errors import EdgeCacheError
from edge_cache.ports import Log, Missed, Refreshing
from edge_cache.tables import PROJECT, Table

COMPARE_MINUTES = 15
COMPARE_ALL_MINUTES = 60
"""Tables that no outbox watches are compared, and all tables, when the time, in minutes, can be
divided by this: a partition that is dropped, or a policy that is changed, fires no trigger."""


async def heal(tables: tuple[Table, ...], refresher: Refreshing, log: Log, at_ms: int) -> None:
    """Do what a run of the trigger is for, at the Unix time in milliseconds that it is for."""
    missed = await _catch_up(tables, refresher, log)
    minute = at_ms // 60_000
    if minute % COMPARE_MINUTES == 0:
        if missed and minute % COMPARE_ALL_MINUTES:
            tables = tuple(table for table in tables if table.name in missed.unwatched)
        await _compare(tables, refresher, log)


async def _catch_up(tables: tuple[Table, ...], refresher: Refreshing, log: Log) -> Missed | None:
    """Record what no webhook brought; return that, or None where it cannot be known."""
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
    """Record it table by table, and only then that it was: twice is better than never."""
    everything = dict.fromkeys(table.name for table in tables)
    changed = missed.rows if missed.complete else everything
    await asyncio.gather(
        *(refresher.record(table, changed[table.name]) for table in tables if table.name in changed)
    )
    await refresher.record(PROJECT, ())
    await refresher.caught_up(missed.cursor)


async def _compare(tables: Iterable[Table], refresher: Refreshing, log: Log) -> None:
    """Compare each table; one that fails keeps its entries and does not stop the others.

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
