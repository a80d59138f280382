"""Queries that readers asked for lately are read again as soon as a change is known."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from world import LIST, START_MS, TABLE, World, query, settle

from edge_cache.errors import (
    FinalAnswer,
    InvalidAnswer,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from edge_cache.refresher.host import host_of
from edge_cache.resources import Resource

ALL = query("select=*")
NEW = [{"id": "1", "title": "new"}]
DOWN = UpstreamUnavailable("x", supabase_status=503)


def numbered(count: int) -> list[Resource]:
    """Return so many queries."""
    return [query(f"a={number}") for number in range(count)]


async def with_warm(world: World, *queries: Resource) -> None:
    """Have entries of queries in KV, which were asked for in this order."""
    world.source.write("1", "old")
    for resource in queries:
        await world.fill(resource)
    await world.live(10)
    world.source.asked.clear()
    world.source.most_under_way = 0
    world.store.done.clear()


async def edit(world: World) -> None:
    """Edit a row, and tell of it."""
    world.source.write("1", "new")
    await world.host.backlog.record([])


def reads(world: World) -> list[str]:
    """Return which queries were read."""
    return [key for _, key in world.source.asked if key.startswith("/rest/")]


def pending(world: World) -> object:
    """Return how many changes are pending as a restarted object would see it."""
    return host_of(TABLE, world.outside).status()["pending"]


async def test_no_reader_waits_for_a_query_that_is_kept_warm(world: World) -> None:
    """A moment after the change its entry is fresh."""
    await with_warm(world, ALL)
    await edit(world)
    await world.live(0.5)
    assert world.shown(ALL) == NEW
    assert world.versions.queries == START_MS + 1
    assert pending(world) == 0
    assert {str(line["key"]) for line in world.logged("applied")} >= {
        "/articles?version",
        "/articles?version&queries",
    }


async def test_its_entry_says_when_it_was_asked_for(world: World) -> None:
    """So that a reader can tell that this was not told for long."""
    await with_warm(world, ALL)
    await edit(world)
    await world.live(0.5)
    metadata = world.metadata(ALL)
    assert metadata is not None
    assert (metadata.asked_at_ms, metadata.read_at_ms) == (START_MS, START_MS + 10_000)


async def test_status_tells_how_many_are_kept_warm(world: World) -> None:
    """As /health shows it."""
    await with_warm(world, *numbered(3))
    assert world.host.status()["queries"] == 3


async def test_four_are_read_at_once_those_asked_for_most_lately_first(world: World) -> None:
    """Fifty at most."""
    queries = numbered(60)
    await with_warm(world, *queries)
    world.source.delay_s = 0.1
    await edit(world)
    await world.live(4)
    assert reads(world) == [resource.key for resource in reversed(queries[10:])]
    assert world.source.most_under_way - 1 <= 4
    assert world.shown(queries[10]) == NEW
    assert world.has_stale(queries[9])


async def test_exactly_four_are_read_at_once(world: World) -> None:
    """So that readers of others find Supabase free."""
    queries = numbered(9)
    await with_warm(world, *queries)
    gates = [world.source.hold(resource.key) for resource in queries]
    await edit(world)
    await world.live(1)
    assert len(reads(world)) == 4
    for gate in gates:
        gate.set()
    await world.live(1)
    assert len(reads(world)) == 9


async def test_they_are_read_again_every_five_seconds_at_most(world: World) -> None:
    """Whoever asks before that gets what is new anyway."""
    await with_warm(world, ALL)
    for _ in range(40):
        await edit(world)
        await world.live(0.5)
    await world.live(10)
    times = [at for at, key in world.source.asked if key == ALL.key]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(pauses) == 4
    assert set(pauses) == {5000}
    assert pending(world) == 0


async def test_a_reader_in_between_gets_what_is_new(world: World) -> None:
    """And saves the next reading."""
    await with_warm(world, ALL)
    await edit(world)
    await world.live(1)
    world.source.write("1", "newest")
    await world.host.backlog.record([])
    await world.live(1)
    assert world.has_stale(ALL)
    assert await world.read(ALL) == [{"id": "1", "title": "newest"}]
    await world.live(10)
    assert reads(world) == [ALL.key] * 2
    assert pending(world) == 0


async def test_after_a_restart_they_are_read_at_once(world: World) -> None:
    """What is kept warm, and that a change is pending, is in storage."""
    await with_warm(world, *numbered(3))
    world.source.error = DOWN
    await edit(world)
    await world.live(0.5)
    world.source.error = None
    world.source.asked.clear()
    await world.restart()
    await world.live(0.5)
    assert sorted(reads(world)) == sorted(resource.key for resource in numbered(3))
    assert all(world.shown(resource) == NEW for resource in numbered(3))
    assert pending(world) == 0


async def test_a_change_in_the_midst_has_them_read_once_more(world: World) -> None:
    """What was read before it does not count as having it."""
    await with_warm(world, ALL)
    gate = world.source.hold(ALL.key)
    await edit(world)
    await world.live(0.5)
    world.source.write("1", "newest")
    await world.host.backlog.record([])
    gate.set()
    await world.live(2)
    assert world.has_stale(ALL)
    assert pending(world) == 1
    await world.live(5)
    assert world.shown(ALL) == [{"id": "1", "title": "newest"}]
    assert pending(world) == 0


async def test_a_readers_read_begun_before_is_not_taken_for_it(world: World) -> None:
    """One that began since is."""
    await with_warm(world, ALL)
    world.source.delay_s = 0.1
    gate = world.source.hold(ALL.key)
    early = asyncio.ensure_future(world.host.fills.renew(ALL, START_MS))
    await settle()
    await edit(world)
    await world.live(0.5)
    late = asyncio.ensure_future(world.fill(ALL, has_stale=True))
    await settle()
    gate.set()
    await asyncio.gather(early, late)
    await world.live(5)
    assert world.shown(ALL) == NEW
    assert reads(world) == [ALL.key] * 2
    assert world.logged("internal_error") == []


@pytest.mark.parametrize(
    "error", [UpstreamTimeout("x"), InvalidAnswer("x"), UpstreamRejected("x"), KeyError("x")]
)
async def test_one_that_fails_holds_up_no_other(world: World, error: Exception) -> None:
    """Nor is it tried again before a reader asks; its entry stays."""
    queries = numbered(9)
    await with_warm(world, *queries)
    world.source.errors[queries[8].key] = error
    await edit(world)
    await world.live(0.5)
    assert all(world.shown(resource) == NEW for resource in queries[:8])
    assert world.has_stale(queries[8])
    if not isinstance(error, KeyError):
        await world.live(60)
        assert len(reads(world)) == 9
        assert pending(world) == 0


async def test_one_with_a_final_answer_goes(world: World) -> None:
    """The others are read."""
    queries = numbered(2)
    await with_warm(world, *queries)
    world.source.errors[queries[1].key] = FinalAnswer("x")
    await edit(world)
    await world.live(2)
    assert queries[1].key not in world.store.values
    assert world.shown(queries[0]) == NEW
    assert pending(world) == 0


async def test_that_supabase_is_down_stops_it_until_it_is_well(world: World) -> None:
    """Fifty queries are not fifty attempts."""
    queries = numbered(50)
    await with_warm(world, *queries)
    world.source.error = DOWN
    await edit(world)
    await world.live(4)
    assert len(reads(world)) == 4
    assert pending(world) == 1
    assert world.logged("retry_scheduled")[0]["type"] == "supabase-failed-just-now"
    await world.live(60)
    assert 8 <= len(reads(world)) <= 4 * 13
    world.source.error = None
    await world.live(15)
    assert all(world.shown(resource) == NEW for resource in queries)
    assert pending(world) == 0


async def test_those_under_way_are_waited_for_before_it_is_tried_again(world: World) -> None:
    """Else more and more would be."""
    queries = numbered(4)
    await with_warm(world, *queries)
    gate = world.source.hold(queries[0].key)
    world.source.errors[queries[1].key] = DOWN
    await edit(world)
    await world.live(12)
    assert len(reads(world)) == 4
    assert not world.host.backlog.is_idle
    gate.set()
    world.source.errors.clear()
    await world.live(12)
    assert pending(world) == 0


async def test_those_that_were_read_before_it_went_down_are_not_read_again(world: World) -> None:
    """Once it is well."""
    queries = numbered(8)
    await with_warm(world, *queries)
    world.source.errors = dict.fromkeys([resource.key for resource in queries[:4]], DOWN)
    await edit(world)
    await world.live(1)
    world.source.errors.clear()
    await world.live(20)
    assert [reads(world).count(resource.key) for resource in queries[4:]] == [1] * 4
    assert all(world.shown(resource) == NEW for resource in queries)


async def test_whether_kv_takes_them_is_not_waited_for(world: World) -> None:
    """Readers know that the old ones are stale."""
    await with_warm(world, ALL)
    world.store.hold(ALL.key)
    await edit(world)
    await world.live(2)
    assert world.has_stale(ALL)
    assert pending(world) == 0


async def test_what_nobody_asked_for_in_a_day_is_not_read(world: World) -> None:
    """Its entry is stale until somebody does."""
    await with_warm(world, ALL)
    await world.live(24 * 60 * 60)
    await edit(world)
    await world.live(5)
    assert reads(world) == []
    assert world.has_stale(ALL)
    assert pending(world) == 0


async def test_a_revalidation_has_them_read_again(world: World) -> None:
    """Soon after it was answered."""
    await with_warm(world, ALL)
    world.source.write("1", "new")
    await world.host.revalidation.revalidate()
    await world.live(1)
    assert world.shown(ALL) == NEW


@pytest.mark.parametrize("error", [UpstreamRejected("x"), FinalAnswer("x")])
async def test_a_revalidation_reaches_queries_of_a_table_that_cannot_be_read(
    world: World, error: UpstreamRejected
) -> None:
    """A query may ask for other columns than those that the key may not read any more."""
    await with_warm(world, ALL)
    world.source.write("1", "new")
    world.source.errors[LIST.key] = error
    with pytest.raises(type(error)):
        await world.host.revalidation.revalidate()
    await world.live(1)
    assert world.shown(ALL) == NEW
