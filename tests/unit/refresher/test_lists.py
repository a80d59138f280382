"""Whole tables are read again only as long as somebody wants them."""

from __future__ import annotations

import asyncio

from world import LIST, World, body_of, row, settle

DAY_S = 24 * 60 * 60
NEW = [{"id": "1", "title": "new"}]


async def with_list(world: World, *, asked_s_ago: float = DAY_S) -> None:
    """Have the table in KV, which somebody asked for last so long ago."""
    world.source.write("1", "old")
    await world.fill(LIST)
    await world.live(asked_s_ago)
    world.source.asked.clear()
    world.store.tried.clear()


async def edit(world: World) -> None:
    """Edit a row, and tell of the table's change."""
    world.source.write("1", "new")
    await world.host.backlog.record([])


async def test_a_table_that_somebody_wanted_lately_is_read_after_a_change(world: World) -> None:
    """Up to a day ago."""
    await with_list(world, asked_s_ago=DAY_S - 1)
    await edit(world)
    await world.live(0.5)
    assert world.shown(LIST) == NEW


async def test_a_table_that_nobody_wants_is_removed_once(world: World) -> None:
    """After the first change; later ones cost nothing, also after a restart."""
    await with_list(world)
    for _ in range(3):
        await edit(world)
        await world.live(5)
        await world.restart()
    assert [(what, key) for _, what, key in world.store.tried] == [("delete", "/articles")]
    assert world.source.asked == []
    assert world.host.status()["pending"] == 0


async def test_a_table_that_was_removed_is_read_once_somebody_wants_it(world: World) -> None:
    """And then after each change."""
    await with_list(world)
    await edit(world)
    await world.live(5)
    assert body_of(await world.fill(LIST)) == NEW
    await world.live(5)
    world.source.write("1", "newest")
    await world.host.backlog.record([])
    await world.live(5)
    assert world.shown(LIST) == [{"id": "1", "title": "newest"}]


async def test_who_renews_a_table_wants_it(world: World) -> None:
    """Even if Supabase had just failed."""
    await with_list(world)
    await world.host.fills.renew(LIST, 0)
    await edit(world)
    await world.live(5)
    assert world.shown(LIST) == NEW


async def test_who_revalidates_a_table_wants_it(world: World) -> None:
    """Though not what the cron trigger finds changed."""
    await with_list(world)
    await world.host.revalidation.revalidate()
    await edit(world)
    await world.live(5)
    assert world.shown(LIST) == NEW


async def test_a_check_is_no_reader(world: World) -> None:
    """It mends the entry, but does not have it kept for another day."""
    await with_list(world)
    world.source.write("1", "new")
    await world.host.revalidation.check()
    assert world.shown(LIST) == NEW
    await edit(world)
    await world.live(5)
    assert LIST.key not in world.store.values


async def test_a_removal_that_kv_refuses_stays_pending(world: World) -> None:
    """Until the entry is gone, whatever comes meanwhile."""
    await with_list(world)
    world.store.refuses = lambda _what, _key: world.passed_ms < (DAY_S + 100) * 1000
    await edit(world)
    await world.live(10)
    await edit(world)
    await world.live(40)
    await world.restart()
    assert world.host.status()["pending"] == 1
    await world.live(70)
    assert world.host.status()["pending"] == 0
    assert LIST.key not in world.store.values
    assert world.source.asked == []


async def test_a_table_that_is_asked_for_while_it_is_removed_is_kept_fresh(world: World) -> None:
    """KV may say that it is absent before it says that it is removed."""
    await with_list(world)
    gate = world.store.hold(LIST.key)
    await edit(world)
    await world.live(0.5)
    assert [what for _, what, _ in world.store.tried] == ["delete"]
    await world.fill(LIST)
    gate.set()
    await world.live(5)
    assert world.shown(LIST) == NEW
    world.source.write("1", "newest")
    await world.host.backlog.record([])
    await world.live(5)
    assert world.shown(LIST) == [{"id": "1", "title": "newest"}]


async def test_what_a_check_was_reading_meanwhile_does_not_come_back(world: World) -> None:
    """It is from before the change."""
    await with_list(world)
    world.source.write("1", "in between")
    world.source.delay_s = 1
    checking = asyncio.ensure_future(world.host.revalidation.check())
    await world.live(1.5)
    await edit(world)
    await world.live(10)
    await checking
    assert world.shown(LIST) in (None, NEW)
    assert world.host.status()["pending"] == 0


async def test_its_entry_tells_when_it_was_asked_for(world: World) -> None:
    """Not when it was read: so a reader can tell that nobody has told of it for long."""
    await with_list(world, asked_s_ago=50)
    asked_at_ms = world.clock.now_ms() - 50_000
    await edit(world)
    await world.live(5)
    metadata = world.metadata(LIST)
    assert metadata is not None
    assert (metadata.asked_at_ms, metadata.read_at_ms) == (asked_at_ms, asked_at_ms + 50_000)
    await world.host.fills.renew(LIST, asked_at_ms)
    await world.live(5)
    metadata = world.metadata(LIST)
    assert metadata is not None
    assert metadata.asked_at_ms == metadata.read_at_ms == asked_at_ms + 55_000


async def test_a_rows_entry_was_asked_for_when_it_was_read(world: World) -> None:
    """Nothing else is known."""
    world.source.write("1", "a")
    await world.live(5)
    filled = await world.fill(row("1"))
    metadata = filled.entry.metadata
    assert metadata.asked_at_ms == metadata.read_at_ms == world.clock.now_ms()


async def test_nothing_was_asked_for_after_it_was_read(world: World) -> None:
    """Where the clock was set back since."""
    world.host.known.demand.note(LIST)
    world.clock.set_by(-5000)
    filled = await world.fill(LIST)
    await settle()
    metadata = filled.entry.metadata
    assert metadata.asked_at_ms == metadata.read_at_ms == world.clock.now_ms()
