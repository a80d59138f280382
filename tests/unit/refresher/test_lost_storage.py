"""An object whose storage is lost does not make old entries fresh."""

from __future__ import annotations

import pytest
from world import START_MS, World, query, row

from edge_cache.entries import Versions
from edge_cache.resources import Resource
from edge_cache.tables import PROJECT


async def with_stale(world: World, resource: Resource) -> None:
    """Have an entry in KV that is out of date, and lose all that the object knew."""
    world.source.write("1", "old")
    await world.fill(resource)
    await world.live(2)
    world.source.error = ZeroDivisionError("nothing is refreshed")
    if resource.query is None:
        await world.host.backlog.record([str(number) for number in range(21)])
    else:
        await world.host.backlog.record([])
    await world.live(5)
    assert world.has_stale(resource)
    world.storage.texts.clear()
    world.storage.due = None
    await world.restart()
    world.source.error = None


async def test_a_rows_entry_stays_stale_when_queries_become_so(world: World) -> None:
    """Both versions lie under one key."""
    await with_stale(world, row("1"))
    await world.fill(query())
    await world.host.backlog.record([])
    await world.live(5)
    assert world.has_stale(row("1"))
    assert world.versions.queries > world.versions.rows > START_MS


async def test_a_querys_entry_stays_stale_when_rows_become_so(world: World) -> None:
    """Though the object knows of no query."""
    await with_stale(world, query())
    await world.host.revalidation.revalidate()
    assert world.has_stale(query())


async def test_entries_that_were_written_since_are_as_fresh_as_before(world: World) -> None:
    """Of rows that did not change."""
    world.source.write("1", "a")
    await world.live(5)
    for resource in (row("1"), query()):
        await world.fill(resource)
    await world.live(2)
    await world.host.backlog.record(["2"])
    await world.live(0.5)
    await world.host.backlog.record(["3"])
    await world.live(10)
    assert world.versions == Versions(START_MS, START_MS + 2)
    assert world.shown(row("1")) == {"id": "1", "title": "a"}


@pytest.mark.parametrize("has_read", [True, False])
async def test_a_project_that_is_revalidated_makes_all_queries_stale(
    project: World, *, has_read: bool
) -> None:
    """Those of a lost life too, whether it knows of any or not."""
    resource = query("a=1", PROJECT)
    await with_stale(project, resource)
    if has_read:
        await project.fill(query("a=2", PROJECT))
    await project.host.revalidation.revalidate()
    assert project.has_stale(resource)
