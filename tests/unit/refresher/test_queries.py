"""What readers of queries get, and what that costs Supabase and KV."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest
from world import LIST, START_MS, World, body_of, query, row, settle

from edge_cache.entries import Representation, Versions
from edge_cache.errors import (
    FinalAnswer,
    NotAsked,
    Overloaded,
    StillReading,
    UpstreamTimeout,
)
from edge_cache.refresher.entries import MAX_VALUE_BYTES, QUERY_TTL_S
from edge_cache.resources import Resource, loggable
from edge_cache.tables import PROJECT

ALL = query("select=*")
OLD = [{"id": "1", "title": "old"}]
NEW = [{"id": "1", "title": "new"}]


async def with_stale(world: World, *queries: Resource) -> None:
    """Have entries of queries in KV which are out of date, and which are not kept warm."""
    world.source.write("1", "old")
    for resource in queries:
        await world.fill(resource)
    await world.live(2)
    world.host.known.demand._asked.clear()
    world.source.write("1", "new")
    await world.host.backlog.record([])
    await world.live(5)
    assert all(world.has_stale(resource) for resource in queries)
    world.source.asked.clear()
    world.store.done.clear()


async def test_a_miss_is_read_and_stored_for_thirty_days(world: World) -> None:
    """With what is known about it, and with its headers."""
    world.source.write("1", "old")
    await world.live(1)
    filled = await world.fill(ALL)
    assert body_of(filled) == OLD
    assert (filled.stored, filled.asked) == (True, True)
    await world.live(1)
    metadata = world.metadata(ALL)
    assert metadata == filled.entry.metadata
    assert (metadata.version, metadata.read_at_ms) == (START_MS, START_MS + 1000)
    assert metadata.asked_at_ms == START_MS + 1000
    assert (metadata.headers, metadata.row) == ({"content-range": "0-1/*"}, "")
    assert world.store.ttls[ALL.key] == QUERY_TTL_S == 30 * 24 * 60 * 60
    (line,) = world.logged("refreshed")
    assert line == {"key": loggable(ALL.key), "bytes": filled.entry.metadata.size, "ms": 0}


async def test_tables_and_rows_stay_for_ever(world: World) -> None:
    """They are not too many."""
    world.source.write("1", "a")
    for resource in (LIST, row("1")):
        await world.fill(resource)
    await world.live(1)
    assert world.store.ttls == {LIST.key: None, row("1").key: None}


async def test_misses_that_kv_goes_on_reporting_are_answered_from_memory(world: World) -> None:
    """As of any entry."""
    await world.fill(ALL)
    again = await world.fill(ALL)
    assert (again.stored, again.asked) == (True, False)
    assert world.source.count(ALL.key) == 1


async def test_a_read_has_the_version_that_was_current_before_it_began(world: World) -> None:
    """So a change in its midst makes it stale."""
    world.source.write("1", "old")
    gate = world.source.hold(ALL.key)
    early = asyncio.ensure_future(world.fill(ALL))
    await settle()
    world.source.write("1", "new")
    await world.host.backlog.record([])
    late = asyncio.ensure_future(world.fill(ALL))
    await settle()
    gate.set()
    assert body_of(await early) == OLD
    assert body_of(await late) == NEW
    assert (await early).entry.metadata.version == START_MS
    assert (await late).entry.metadata.version == START_MS + 1
    await world.live(5)
    assert world.shown(ALL) == NEW
    assert world.source.count(ALL.key) == 2


async def test_readers_whose_version_is_not_newer_share_a_read(world: World) -> None:
    """However many, and whether they have an entry or not."""
    await with_stale(world, ALL)
    world.source.delay_s = 0.1
    readers = [world.fill(ALL, has_stale=number % 2 == 0) for number in range(50)]
    assert {str(body_of(each)) for each in await asyncio.gather(*readers)} == {str(NEW)}
    assert world.source.count(ALL.key) == 1


async def test_a_version_that_a_reader_saw_is_learned(world: World) -> None:
    """Nothing older is given to it."""
    await world.fill(ALL)
    seen = START_MS + 1_000_000
    filled = await world.host.fills.fill(ALL, version=seen, has_stale=False)
    assert (filled.asked, filled.entry.metadata.version) == (True, seen)
    assert world.host.known.journal.changes.published == Versions(0, seen)


async def test_where_no_query_was_read_no_version_is_published(world: World) -> None:
    """It would be of no use to anybody."""
    await world.fill(LIST)
    await world.host.backlog.record([])
    await world.live(5)
    assert world.versions == Versions(0, 0)
    await world.fill(ALL)
    await world.host.backlog.record([])
    await world.live(5)
    assert world.versions == Versions(START_MS, START_MS + 2)


async def test_thirty_are_read_at_once_and_a_hundred_wait(world: World) -> None:
    """More are refused, so that nobody waits for long."""
    world.source.delay_s = 0.1
    queries = [query(f"a={number}") for number in range(132)]
    outcomes = await asyncio.gather(*map(world.fill, queries), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert len(refused) == 2
    assert refused[0].detail == "Too many queries wait for their turn already."
    assert world.source.most_under_way == 30
    assert world.passed_ms == 500
    assert (await world.fill(query("b=1"))).asked


async def test_nobody_waits_longer_than_ten_seconds_for_a_turn(world: World) -> None:
    """Supabase is too slow then; the next one gets a turn."""
    world.source.delay_s = 6
    queries = [query(f"a={number}") for number in range(65)]
    outcomes = await asyncio.gather(*map(world.fill, queries), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(UpstreamTimeout) == 5
    assert world.passed_ms == 12_000
    assert (await world.fill(query("b=1"))).asked


async def test_a_project_without_queries_has_nothing_to_revalidate(project: World) -> None:
    """It has no rows either, so KV is given nothing."""
    await project.host.revalidation.revalidate()
    await project.live(5)
    assert (project.store.tried, project.source.asked) == ([], [])


async def test_those_that_fail_leave_their_place_to_others(world: World) -> None:
    """Each that waits has its turn."""
    world.source.error = UpstreamTimeout("x")
    for _ in range(12):
        outcomes = await asyncio.gather(
            *(world.fill(query(f"a={number}")) for number in range(100)), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {UpstreamTimeout}


async def test_queries_do_not_wait_behind_rows_nor_cost_their_budget(world: World) -> None:
    """An empty answer is one."""
    for number in range(100):
        assert body_of(await world.fill(query(f"a={number}"))) == []
    world.source.write("1", "a")
    assert (await world.fill(row("1"))).asked


async def test_of_queries_that_never_repeat_few_are_written(world: World) -> None:
    """A hundred at once and one a second; their readers get them."""
    for number in range(150):
        filled = await world.fill(query(f"a={number}"))
        assert (filled.stored, filled.asked) == (number < 100, True)
    await world.live(2)
    assert len(world.store.done) == 100
    assert (await world.fill(query("b=1"))).stored
    assert (await world.fill(query("b=2"))).stored
    assert not (await world.fill(query("b=3"))).stored
    await world.live(2)
    assert len(world.store.done) == 102


async def test_one_that_is_asked_for_again_is_written(world: World) -> None:
    """It was not kept in memory either, which would crowd out others."""
    for number in range(101):
        await world.fill(query(f"a={number}"))
    again = await world.fill(query("a=100"))
    assert (again.stored, again.asked) == (True, True)
    assert not (await world.fill(query("a=100"))).asked


async def test_a_flood_does_not_crowd_out_what_is_kept_warm(world: World) -> None:
    """Nor is anything of it read again after a change."""
    for number in range(100):
        await world.fill(query(f"a={number}"))
    warm = world.host.known.demand.warm()
    for number in range(60):
        await world.fill(query(f"b={number}"))
    assert world.host.known.demand.warm() == warm == [query(f"a={n}") for n in range(99, 49, -1)]


@pytest.mark.parametrize("known", ["stale", "aged"])
async def test_what_kv_has_is_written_whatever_the_flood(world: World, known: str) -> None:
    """It is no new key, though the object may not know it any more."""
    await with_stale(world, ALL)
    await world.restart()
    for number in range(150):
        await world.fill(query(f"a={number}"))
    if known == "stale":
        assert (await world.fill(ALL, has_stale=True)).stored
    else:
        await world.host.fills.renew(ALL, START_MS)
    await world.live(2)
    assert world.shown(ALL) == NEW


async def test_what_is_too_large_is_removed_and_read_each_time(world: World) -> None:
    """An earlier entry would be served for ever."""
    await with_stale(world, ALL)
    body = b"x" * (MAX_VALUE_BYTES + 1)
    world.source.answers[ALL.key] = Representation(body)
    for _ in range(2):
        filled = await world.fill(ALL, has_stale=True)
        assert (filled.stored, filled.asked, filled.entry.body) == (False, True, body)
    assert world.logged("too_large")[0] == {"key": loggable(ALL.key), "bytes": len(body)}
    await world.live(2)
    assert ALL.key not in world.store.values


async def test_that_there_is_no_row_is_stored_as_any_answer(world: World) -> None:
    """With its status."""
    answer = Representation(b"{}", 406, {"content-type": "application/json"})
    world.source.answers[ALL.key] = answer
    assert (await world.fill(ALL)).entry.metadata.status == 406
    await world.live(1)
    metadata = world.metadata(ALL)
    assert metadata is not None
    assert (metadata.status, metadata.headers) == (406, answer.headers)


async def test_a_final_answer_says_nothing_of_supabases_health(world: World) -> None:
    """It is told to whoever asked; nothing is written, and nobody else is kept waiting."""
    await with_stale(world, query("a=1"))
    error = FinalAnswer("Supabase answered 400.", supabase_status=400)
    world.source.errors[ALL.key] = error
    with pytest.raises(FinalAnswer):
        await world.fill(ALL)
    assert world.host.status()["failures"] == 0
    assert world.logged("final_answer") == [
        {"key": loggable(ALL.key), "detail": "Supabase answered 400."}
    ]
    assert ALL not in world.host.known.demand.warm()
    assert (await world.fill(query("a=1"), has_stale=True)).asked


async def test_a_final_answer_ends_an_outage(world: World) -> None:
    """Supabase is there."""
    world.source.error = UpstreamTimeout("x")
    with pytest.raises(UpstreamTimeout):
        await world.fill(ALL)
    assert world.host.status()["failures"] == 1
    world.source.error = FinalAnswer("x")
    with pytest.raises(FinalAnswer):
        await world.fill(ALL)
    assert world.host.status()["failures"] == 0


@pytest.mark.parametrize("how", ["fill", "renew"])
async def test_a_final_answer_drops_what_was_read_before(world: World, how: str) -> None:
    """It goes out of KV, and out of memory."""
    world.source.write("1", "old")
    await world.fill(ALL)
    await world.live(2)
    world.source.errors[ALL.key] = FinalAnswer("x")
    fills, newer = world.host.fills, START_MS + 1_000_000
    asked: Coroutine[object, object, object] = (
        fills.renew(ALL, START_MS)
        if how == "renew"
        else fills.fill(ALL, version=newer, has_stale=True)
    )
    with pytest.raises(FinalAnswer) as caught:
        await asked
    assert not caught.value.stale_if_error
    await world.live(2)
    assert ALL.key not in world.store.values
    with pytest.raises(FinalAnswer):
        await world.fill(ALL)


async def test_a_stale_reader_does_not_wait_for_a_silent_supabase(world: World) -> None:
    """A second; the read goes on."""
    await with_stale(world, ALL)
    world.source.delay_s = 5
    with pytest.raises(StillReading):
        await world.fill(ALL, has_stale=True)
    await world.live(5)
    assert world.shown(ALL) == NEW


async def test_a_stale_reader_waits_a_second_in_all_however_long_the_queue(world: World) -> None:
    """Ten are read at once; who is behind them gets the old answer, though Supabase answers."""
    queries = [query(f"a={number}") for number in range(30)]
    await with_stale(world, *queries)
    world.source.delay_s = 0.6
    began_ms = world.passed_ms
    waits: list[int] = []

    async def read(resource: Resource) -> str:
        try:
            return str(body_of(await world.fill(resource, has_stale=True))[0]["title"])
        except StillReading:
            waits.append(world.passed_ms - began_ms)
            return "outdated"

    answers = await asyncio.gather(*map(read, queries))
    assert (answers.count("new"), answers.count("outdated")) == (10, 20)
    assert set(waits) == {1000}
    await world.live(2)
    assert all(world.shown(resource) == NEW for resource in queries)


async def test_after_a_failure_a_stale_reader_does_not_ask(world: World) -> None:
    """That query; others go on."""
    await with_stale(world, ALL, query("a=1"))
    world.source.errors[ALL.key] = UpstreamTimeout("x")
    with pytest.raises(UpstreamTimeout):
        await world.fill(ALL, has_stale=True)
    with pytest.raises(NotAsked):
        await world.fill(ALL, has_stale=True)
    assert body_of(await world.fill(query("a=1"), has_stale=True)) == NEW


async def test_an_answer_that_stays_the_same_costs_a_write_for_each_maximum_age(
    world: World,
) -> None:
    """However many readers come upon the aged entry, and however long KV shows it."""
    filled = await world.fill(ALL)
    await world.live(301)
    for _ in range(20):
        await world.host.fills.renew(ALL, filled.entry.metadata.asked_at_ms)
        await world.live(1)
    assert world.source.count(ALL.key) == 2
    assert [key for _, _, key in world.store.done] == [ALL.key, ALL.key]
    metadata = world.metadata(ALL)
    assert metadata is not None
    assert metadata.etag == filled.entry.metadata.etag
    assert metadata.asked_at_ms == START_MS + 301_000


async def test_a_querys_change_is_the_projects(project: World) -> None:
    """Where it may read several tables: any change makes it stale."""
    embedding = query("select=id,author(name)", PROJECT)
    project.source.write("1", "old")
    await project.fill(embedding)
    await project.live(2)
    project.source.write("1", "new")
    await project.host.backlog.record([])
    assert project.host.status()["pending"] == 2
    await project.live(5)
    assert project.shown(embedding) == NEW
    assert project.host.status()["pending"] == 0
    assert {key for _, key in project.source.asked} == {embedding.key}
