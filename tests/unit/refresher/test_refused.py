"""A table that PostgREST refuses to read: its entries go, and Supabase is well all the same."""

from __future__ import annotations

import asyncio

import pytest
from world import LIST, World, row

from edge_cache.errors import FinalAnswer, UpstreamRejected

REFUSAL = FinalAnswer("No grant.", supabase_status=401, code="42501")


async def with_entries(world: World) -> None:
    """Have the table and two rows in KV."""
    for row_id in ("1", "2"):
        world.source.write(row_id, "old")
        await world.fill(row(row_id))
    await world.fill(LIST)
    await world.live(2)
    assert {LIST.key, row("1").key, row("2").key} <= world.store.values.keys()


async def carry_out(world: World, by: str) -> None:
    """Have the refusal noticed."""
    if by == "a webhook":
        await world.host.backlog.record(["1"])
    elif by == "the comparison":
        assert await world.host.revalidation.check()
    elif by == "a reader of an aged entry":
        with pytest.raises(FinalAnswer):
            await world.host.fills.renew(LIST, world.clock.now_ms())
    else:
        with pytest.raises(FinalAnswer):
            await world.host.revalidation.revalidate()
    await world.live(5)


@pytest.mark.parametrize(
    "by", ["a webhook", "the comparison", "a reader of an aged entry", "a revalidation"]
)
async def test_the_entries_of_a_refused_table_go(world: World, by: str) -> None:
    await with_entries(world)
    world.source.error = REFUSAL
    await carry_out(world, by)
    assert LIST.key not in world.store.values
    for row_id in ("1", "2"):
        assert world.shown(row(row_id)) is None
        with pytest.raises(FinalAnswer):
            await world.read(row(row_id))
    await world.live(2)
    assert world.store.values.keys() == {world.scope.version_key}
    status = world.host.status()
    assert (status["failures"], status["pending"], status["refused"]) == (0, 0, True)
    assert status["last_error_detail"] == "No grant."


async def test_a_table_that_is_given_back_is_served_again(world: World) -> None:
    await with_entries(world)
    world.source.error = REFUSAL
    await carry_out(world, "a revalidation")
    world.source.error = None
    assert await world.read(LIST) == list(world.source.rows.values())
    assert world.host.status()["refused"] is False


async def test_a_refused_table_costs_no_write_for_each_reader(world: World) -> None:
    await with_entries(world)
    world.source.error = REFUSAL
    await carry_out(world, "a revalidation")
    written = len(world.store.done)
    for _ in range(20):
        with pytest.raises(FinalAnswer):
            await world.read(LIST)
        await asyncio.sleep(1)
    assert len(world.store.done) <= written + 1


async def test_a_gateway_that_refuses_leaves_the_entries(world: World) -> None:
    await with_entries(world)
    world.source.error = UpstreamRejected("No such key.", supabase_status=401)
    with pytest.raises(UpstreamRejected):
        await world.host.revalidation.revalidate()
    await world.live(5)
    assert world.shown(LIST) is not None
    assert world.host.status()["failures"] != 0


async def test_lookups_of_a_refused_table_have_a_budget(world: World) -> None:
    """Each of them asks Supabase, and none makes an entry."""
    world.source.errors = {row(str(n)).key: REFUSAL for n in range(200)}
    for number in range(200):
        with pytest.raises(Exception, match=r"No grant|Ask again"):
            await world.fill(row(str(number)))
    assert len(world.source.asked) < 100
