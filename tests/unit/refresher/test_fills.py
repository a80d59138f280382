"""What readers get from the refresher, and what that costs Supabase."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import pytest
from world import LIST, START_MS, TABLE, World, body_of, row, settle

from edge_cache.entries import Versions, etag_of
from edge_cache.errors import (
    AnotherRow,
    InvalidAnswer,
    LookupsExhausted,
    NotAsked,
    NotFound,
    StillReading,
    TornRead,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from edge_cache.refresher.entries import MAX_VALUE_BYTES
from edge_cache.refresher.recent import KEEP_MS


async def outcomes(asked: Sequence[Coroutine[Any, Any, object]]) -> list[object]:
    """Return what readers got who all asked at once."""
    return list(await asyncio.gather(*asked, return_exceptions=True))


async def with_stale_rows(world: World, count: int) -> None:
    """Have entries of so many rows in KV which are out of date."""
    for number in range(count):
        world.source.write(str(number), "old")
        await world.fill(row(str(number)))
    await world.host.revalidation.revalidate()
    for number in range(count):
        world.source.write(str(number), "new")
    world.source.asked.clear()
    world.store.done.clear()
    assert all(world.has_stale(row(str(number))) for number in range(count))


async def test_a_miss_is_read_and_stored(world: World) -> None:
    """With what is known about it, a moment after the reader has it."""
    world.source.write("1", "a")
    version = START_MS
    filled = await world.fill(row("1"))
    assert body_of(filled) == {"id": "1", "title": "a"}
    assert (filled.stored, filled.asked) == (True, True)
    assert isinstance(filled.entry.body, bytes)
    assert filled.entry.metadata.etag == etag_of(filled.entry.body)
    assert (filled.entry.metadata.version, filled.entry.metadata.read_at_ms) == (version, START_MS)
    assert world.store.tried == []
    await asyncio.sleep(0.01)
    assert world.store.done == [(1, "put", "/articles/1")]
    stored = world.metadata(row("1"))
    assert stored is not None
    assert (stored.etag, stored.size, stored.version) == (
        filled.entry.metadata.etag,
        len(filled.entry.body),
        version,
    )
    assert len(stored.row) == 16
    (line,) = world.logged("refreshed")
    assert line == {"key": "/articles/1", "bytes": len(filled.entry.body), "ms": 0}


async def test_the_table_is_filled_likewise(world: World) -> None:
    """Its metadata has no row's digest."""
    world.source.write("1", "a")
    filled = await world.fill(LIST)
    assert body_of(filled) == [{"id": "1", "title": "a"}]
    await asyncio.sleep(0.01)
    assert world.metadata(LIST) == filled.entry.metadata
    assert filled.entry.metadata.row == ""


async def test_misses_that_kv_goes_on_reporting_are_answered_from_memory(world: World) -> None:
    """For a minute, whether KV has the entry by then or not."""
    world.source.write("1", "a")
    first = await world.fill(row("1"))
    await asyncio.sleep(KEEP_MS / 1000 - 0.001)
    again = await world.fill(row("1"))
    assert again.entry.body == first.entry.body
    assert again.entry.metadata == first.entry.metadata
    assert (again.stored, again.asked) == (True, False)
    assert world.source.count("/articles/1") == 1
    await asyncio.sleep(0.001)
    assert (await world.fill(row("1"))).asked
    assert world.source.count("/articles/1") == 2


async def test_misses_at_once_are_one_read(world: World) -> None:
    """Of a row and of the table."""
    world.source.write("1", "a")
    world.source.delay_s = 0.2
    for resource in (row("1"), LIST):
        filled = await asyncio.gather(*(world.fill(resource) for _ in range(200)))
        assert len({id(each.entry.metadata) for each in filled}) == 1
        assert world.source.count(resource.key) == 1


async def test_a_reader_gets_nothing_older_than_the_version_it_sees(world: World) -> None:
    """Neither from memory nor from a read under way."""
    world.source.write("1", "old")
    await world.fill(row("1"))
    assert body_of(await world.host.fills.fill(row("1"), version=START_MS, has_stale=False))
    world.source.write("1", "new")
    seen = START_MS + 1_000_000
    filled = await world.host.fills.fill(row("1"), version=seen, has_stale=False)
    assert body_of(filled) == {"id": "1", "title": "new"}
    assert filled.entry.metadata.version == seen


async def test_versions_seen_in_kv_are_learned_for_ever(world: World) -> None:
    """After storage was lost, what the object does next is above all that it did before."""
    seen = START_MS + 1_000_000
    world.source.write("1", "a")
    with pytest.raises(NotFound):
        await world.host.fills.fill(row("2"), version=seen, has_stale=False)
    await world.restart()
    assert (await world.fill(row("1"))).entry.metadata.version == seen
    await world.host.revalidation.revalidate()
    assert world.published == seen + 1


async def test_entries_of_an_object_that_saw_no_change_become_stale_like_all(world: World) -> None:
    """Also if it was restarted since, on a machine whose clock is behind."""
    world.source.write("1", "old")
    await world.fill(row("1"))
    await asyncio.sleep(2)
    world.clock.set_by(-3_600_000)
    await world.restart()
    await world.host.revalidation.revalidate()
    assert world.has_stale(row("1"))


async def test_a_read_begun_before_a_revalidation_is_not_given_after_it(world: World) -> None:
    """Nor from memory, once it is there."""
    world.source.write("1", "old")
    gate = world.source.hold("/articles/1")
    early = asyncio.ensure_future(world.fill(row("1")))
    await settle()
    world.source.write("1", "new")
    await world.host.revalidation.revalidate()
    late = asyncio.ensure_future(world.fill(row("1")))
    await settle()
    gate.set()
    assert body_of(await early) == {"id": "1", "title": "old"}
    assert body_of(await late) == {"id": "1", "title": "new"}
    await asyncio.sleep(5)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}


async def test_what_was_read_before_a_revalidation_is_never_given_after_it(world: World) -> None:
    """Memory is no way around it, for rows and for the table."""
    world.source.write("1", "old")
    await world.fill(row("1"))
    await world.fill(LIST)
    world.source.write("1", "new")
    await world.host.revalidation.revalidate()
    assert body_of(await world.fill(row("1"))) == {"id": "1", "title": "new"}
    assert body_of(await world.fill(LIST)) == [{"id": "1", "title": "new"}]


@pytest.mark.parametrize("back_ms", [0, 30_000, 3_600_000])
async def test_what_was_read_before_a_change_is_never_given_after_it(
    world: World, back_ms: int
) -> None:
    """Whatever the clock says; rows that did not change are still in memory."""
    for row_id in "12":
        world.source.write(row_id, "old")
        await world.fill(row(row_id))
    await world.fill(LIST)
    world.clock.set_by(-back_ms)
    world.source.write("1", "new")
    await world.host.backlog.record(["1"])
    assert body_of(await world.fill(row("1"))) == {"id": "1", "title": "new"}
    assert (await world.fill(row("2"))).asked == bool(back_ms)
    assert body_of(await world.fill(LIST))[0] == {"id": "1", "title": "new"}


@pytest.mark.parametrize(
    "error",
    [UpstreamTimeout("x"), UpstreamRejected("x"), InvalidAnswer("x"), UpstreamUnavailable("x")],
)
async def test_errors_reach_the_reader_and_change_nothing(
    world: World, error: UpstreamError
) -> None:
    """No error enters the cache, nor the memory; the next reader asks anew."""
    world.source.write("1", "a")
    world.source.error = error
    for resource in (row("1"), LIST):
        with pytest.raises(type(error)):
            await world.fill(resource)
    await asyncio.sleep(5)
    assert world.store.tried == []
    assert world.logged("refresh_failed")[0] == {
        "key": "/articles/1",
        "type": error.slug,
        "detail": "x",
    }
    world.source.error = None
    assert (await world.fill(row("1"))).asked


async def test_what_kv_refuses_is_tried_again_and_the_reader_has_it(world: World) -> None:
    """Nothing is lost."""
    world.source.write("1", "a")
    world.store.refuses = lambda _what, _key: world.passed_ms < 3000
    assert (await world.fill(row("1"))).stored
    await asyncio.sleep(10)
    assert world.shown(row("1")) == {"id": "1", "title": "a"}
    assert world.source.count("/articles/1") == 1


async def test_a_missing_row_is_remembered(world: World) -> None:
    """For some seconds; nothing is written for it."""
    with pytest.raises(NotFound):
        await world.fill(row("1"))
    assert world.logged("not_found") == [{"key": "/articles/1"}]
    world.source.write("1", "a")
    await asyncio.sleep(4.999)
    with pytest.raises(NotFound, match="No row of articles with this id is visible"):
        await world.fill(row("1"))
    assert world.source.count("/articles/1") == 1
    await asyncio.sleep(0.001)
    assert (await world.fill(row("1"))).asked
    assert [what for _, what, _ in world.store.tried] == []


async def test_a_row_that_was_deleted_does_not_come_back_from_memory(world: World) -> None:
    """Neither while its change is pending nor once it is done."""
    world.source.write("1", "a")
    await world.fill(row("1"))
    del world.source.rows["1"]
    await world.host.backlog.record(["1"])
    with pytest.raises(NotFound):
        await world.fill(row("1"))
    await world.live(3)
    with pytest.raises(NotFound):
        await world.fill(row("1"))


async def test_a_row_that_became_too_large_does_not_come_back_from_memory(world: World) -> None:
    """It is read each time."""
    world.source.write("1", "a")
    await world.fill(row("1"))
    world.source.write("1", "x" * MAX_VALUE_BYTES)
    await world.host.backlog.record(["1"])
    await world.live(3)
    assert (await world.fill(row("1"))).asked


async def announce_row(world: World) -> None:
    """Tell of a change of row 1."""
    await world.host.backlog.record(["1"])


async def announce_all_rows(world: World) -> None:
    """Tell of a change that may be one of any row."""
    await world.host.backlog.record(None)


async def revalidate(world: World) -> None:
    """Have everything read anew."""
    await world.host.revalidation.revalidate()


async def publish_later_version(world: World) -> None:
    """Have readers see a version that an earlier object published, whose storage is lost."""
    await world.store.put_versions(TABLE.version_key, Versions(START_MS + 1000))


TELL = [announce_row, announce_all_rows, revalidate, publish_later_version]


@pytest.mark.parametrize("tell", TELL)
async def test_a_missing_row_is_not_remembered_once_it_may_be_there(
    world: World, tell: Callable[[World], Awaitable[None]]
) -> None:
    """Whoever tells that something may have happened to it."""
    with pytest.raises(NotFound):
        await world.fill(row("1"))
    world.source.write("1", "a")
    await tell(world)
    assert (await world.fill(row("1"))).asked


@pytest.mark.parametrize("tell", TELL)
async def test_a_lookup_begun_before_does_not_say_that_the_row_is_missing(
    world: World, tell: Callable[[World], Awaitable[None]]
) -> None:
    """The row may have been inserted since."""
    gate = world.source.hold("/articles/1")
    early = asyncio.ensure_future(world.fill(row("1")))
    await settle()
    world.source.write("1", "a")
    await tell(world)
    gate.set()
    with pytest.raises(NotFound):
        await early
    assert body_of(await world.fill(row("1"))) == {"id": "1", "title": "a"}


async def test_a_row_that_was_found_since_is_not_missing(world: World) -> None:
    """Also once its change is carried out, and where neither KV nor memory has it."""
    with pytest.raises(NotFound):
        await world.fill(row("1"))
    world.source.write("1", "x" * MAX_VALUE_BYTES)
    await announce_row(world)
    await world.live(3)
    assert world.host.status()["pending"] == 0
    assert (await world.fill(row("1"))).asked


async def test_a_missing_row_is_remembered_whatever_happens_to_others(world: World) -> None:
    """A lookup that was under way counts too."""
    gate = world.source.hold("/articles/1")
    early = asyncio.ensure_future(world.fill(row("1")))
    await settle()
    await world.host.backlog.record(["2"])
    gate.set()
    with pytest.raises(NotFound):
        await early
    with pytest.raises(NotFound):
        await world.fill(row("1"))
    assert world.source.count("/articles/1") == 1


async def test_existing_rows_are_never_refused(world: World) -> None:
    """A hundred cold ones at once, or a thousand."""
    world.source.delay_s = 0.05
    for number in range(1000):
        world.source.write(str(number), "a")
    filled = await asyncio.gather(*(world.fill(row(str(number))) for number in range(1000)))
    assert all(each.asked for each in filled)
    assert world.source.most_under_way == 50
    assert world.passed_ms == 1000


async def test_a_flood_of_unknown_ids_does_not_reach_supabase(world: World) -> None:
    """20,000 a minute cost the burst, and ten a second."""
    world.source.delay_s = 0.02
    flood = []
    for number in range(5_000):
        flood.append(asyncio.ensure_future(world.fill(row(f"unknown {number}"))))
        await asyncio.sleep(0.003)
    results = await asyncio.gather(*flood, return_exceptions=True)
    assert {type(result) for result in results} == {NotFound, LookupsExhausted}
    assert 190 <= len(world.source.asked) <= 50 + 10 * 15 + 1


async def test_the_same_unknown_id_costs_one_read(world: World) -> None:
    """However many ask for it at once, and whatever else is being looked up."""
    world.source.delay_s = 0.1
    others = [world.fill(row(f"unknown {number}")) for number in range(49)]
    same = [world.fill(row("x")) for _ in range(100)]
    results = await outcomes([*others, *same])
    assert {type(result) for result in results} == {NotFound}
    assert world.source.count("/articles/x") == 1
    assert len(world.source.asked) == 50


async def test_who_waits_for_a_turn_shares_it(world: World) -> None:
    """A row that many ask for during a flood is read once."""
    world.source.write("1", "a")
    world.source.delay_s = 0.1
    others = [world.fill(row(f"unknown {number}")) for number in range(45)]
    found = [world.fill(row(f"known {number}")) for number in range(10)]
    for number in range(10):
        world.source.write(f"known {number}", "a")
    same = [world.fill(row("1")) for _ in range(100)]
    results = await outcomes([*others, *found, *same])
    assert [type(result) for result in results[:45]] == [NotFound] * 45
    assert not [result for result in results[45:] if isinstance(result, Exception)]
    assert world.source.count("/articles/1") == 1


async def spend_budget(world: World) -> None:
    """Look up rows in vain until that is refused."""
    await outcomes([world.fill(row(f"unknown {number}")) for number in range(60)])


async def test_once_the_budget_is_spent_unknown_rows_are_refused(world: World) -> None:
    """Also those that exist, if nothing tells that they do."""
    world.source.write("1", "a")
    await spend_budget(world)
    with pytest.raises(LookupsExhausted):
        await world.fill(row("1"))
    assert world.source.count("/articles/1") == 0
    await asyncio.sleep(0.1)
    assert (await world.fill(row("1"))).asked


async def test_a_row_that_came_with_another_id_was_looked_up_in_vain(world: World) -> None:
    """There are many spellings of one row. Supabase is well, so the table is."""
    paths = [f"unknown {number}" for number in range(60)]
    world.source.errors = {row(path).key: AnotherRow("Another id.") for path in paths}
    failures = [type(outcome) for outcome in await outcomes([world.fill(row(p)) for p in paths])]
    assert failures == [AnotherRow] * 50 + [LookupsExhausted] * 10
    assert world.host.known.record.outcome.failures == 0


async def test_a_row_that_the_table_lists_is_served_although_the_budget_is_spent(
    world: World,
) -> None:
    """The table is in memory if it was read lately."""
    for row_id in ("1", "ü"):
        world.source.write(row_id, "a")
    await world.fill(LIST)
    await spend_budget(world)
    assert (await world.fill(row("1"))).asked
    assert (await world.fill(row("ü"))).asked
    with pytest.raises(LookupsExhausted):
        await world.fill(row("2"))
    world.source.write("2", "a")
    await world.host.revalidation.revalidate()
    await spend_budget(world)
    assert (await world.fill(row("2"))).asked


async def test_the_table_is_served_although_the_budget_is_spent(world: World) -> None:
    """It is no row that may not exist."""
    await spend_budget(world)
    assert (await world.fill(LIST)).asked


async def test_a_row_that_is_being_read_anyway_needs_no_budget(world: World) -> None:
    """Such as for a webhook."""
    world.source.write("1", "a")
    await spend_budget(world)
    world.source.hold("/articles")
    gate = world.source.hold("/articles/1")
    await world.host.backlog.record(["1"])
    await world.alarm()
    await settle()
    filling = asyncio.ensure_future(world.fill(row("1")))
    await settle()
    gate.set()
    assert body_of(await filling) == {"id": "1", "title": "a"}


async def test_rows_that_have_an_entry_are_not_limited_by_the_budget(world: World) -> None:
    """They exist."""
    await with_stale_rows(world, 1)
    await spend_budget(world)
    filled = await world.fill(row("0"), has_stale=True)
    assert body_of(filled) == {"id": "0", "title": "new"}


async def test_refills_in_vain_cost_no_budget(world: World) -> None:
    """The rows had existed when their entries were written."""
    await with_stale_rows(world, 60)
    world.source.rows.clear()
    refills = [world.fill(row(str(number)), has_stale=True) for number in range(60)]
    assert {type(result) for result in await outcomes(refills)} == {NotFound}
    world.source.write("x", "a")
    assert (await world.fill(row("x"))).asked


async def test_a_stale_row_gets_new_bytes_while_supabase_answers(world: World) -> None:
    """A hundred of them at once, ten at a time."""
    await with_stale_rows(world, 100)
    world.source.delay_s = 0.05
    filled = await asyncio.gather(
        *(world.fill(row(str(number)), has_stale=True) for number in range(100))
    )
    assert {body_of(each)["title"] for each in filled} == {"new"}
    assert world.source.most_under_way == 10


async def test_stale_readers_are_patient_while_supabase_answers_others(world: World) -> None:
    """The queue takes four seconds; each answer takes a fraction of one."""
    await with_stale_rows(world, 100)
    world.source.delay_s = 0.4
    began_ms = world.passed_ms
    filled = await asyncio.gather(
        *(world.fill(row(str(number)), has_stale=True) for number in range(100))
    )
    assert {body_of(each)["title"] for each in filled} == {"new"}
    assert world.passed_ms - began_ms == 4000


async def test_a_stale_reader_does_not_wait_for_a_silent_supabase(world: World) -> None:
    """A second; the read goes on, and what it gives is stored."""
    await with_stale_rows(world, 1)
    world.source.delay_s = 5
    began_ms = world.passed_ms
    with pytest.raises(StillReading, match=r"^Supabase has not answered yet"):
        await world.fill(row("0"), has_stale=True)
    assert world.passed_ms - began_ms == 1000
    await asyncio.sleep(4.1)
    assert world.shown(row("0")) == {"id": "0", "title": "new"}
    assert world.source.count("/articles/0") == 1


async def test_all_stale_readers_stop_waiting_for_a_silent_supabase(world: World) -> None:
    """Those in the queue too: it has not answered anybody."""
    await with_stale_rows(world, 30)
    world.source.delay_s = 5
    began_ms = world.passed_ms
    refills = [world.fill(row(str(number)), has_stale=True) for number in range(30)]
    assert {type(result) for result in await outcomes(refills)} == {StillReading}
    assert world.passed_ms - began_ms <= 2000


async def test_a_slow_row_does_not_make_readers_of_it_wait_because_others_are_fast(
    world: World,
) -> None:
    """The second counts from when this one was asked for."""
    await with_stale_rows(world, 2)
    world.source.hold("/articles/0")
    slow = asyncio.ensure_future(world.fill(row("0"), has_stale=True))
    for number in range(19):
        await asyncio.sleep(0.1)
        with pytest.raises(NotFound):
            await world.fill(row(f"unknown {number}"))
        if number != 9:
            assert slow.done() == (number > 9)
    with pytest.raises(StillReading):
        await slow


async def test_the_readers_of_one_stale_row_cost_one_read(world: World) -> None:
    """However many, and they leave room for other rows."""
    await with_stale_rows(world, 2)
    world.source.delay_s = 0.1
    began_ms = world.passed_ms
    same = [world.fill(row("0"), has_stale=True) for _ in range(100)]
    other = world.fill(row("1"), has_stale=True)
    assert {body_of(each)["title"] for each in await asyncio.gather(*same, other)} == {"new"}
    assert world.source.count("/articles/0") == 1
    assert world.passed_ms - began_ms == 100


async def test_after_a_failure_supabase_is_left_alone_for_a_while(world: World) -> None:
    """By readers who have something to fall back on; others ask it."""
    await with_stale_rows(world, 2)
    world.source.error = UpstreamUnavailable("x", supabase_status=503)
    with pytest.raises(UpstreamUnavailable):
        await world.fill(row("0"), has_stale=True)
    await asyncio.sleep(4.999)
    with pytest.raises(NotAsked, match=r"^Supabase failed a moment ago"):
        await world.fill(row("1"), has_stale=True)
    assert len(world.source.asked) == 1
    with pytest.raises(UpstreamUnavailable):
        await world.fill(row("cold"))
    world.source.error = None
    await asyncio.sleep(5)
    assert (await world.fill(row("1"), has_stale=True)).asked


async def test_after_an_answer_supabase_is_asked_again_at_once(world: World) -> None:
    """It is well."""
    await with_stale_rows(world, 1)
    world.source.errors["/articles"] = UpstreamUnavailable("x", supabase_status=503)
    with pytest.raises(UpstreamUnavailable):
        await world.host.revalidation.revalidate()
    with pytest.raises(NotAsked):
        await world.fill(row("0"), has_stale=True)
    with pytest.raises(NotFound):
        await world.fill(row("x"))
    assert (await world.fill(row("0"), has_stale=True)).asked


async def test_a_list_that_fails_keeps_no_row_out_of_date(world: World) -> None:
    """Its pages change all the time, or it takes too long; Supabase is well."""
    await with_stale_rows(world, 1)
    world.source.errors["/articles"] = TornRead("x")
    with pytest.raises(TornRead):
        await world.host.revalidation.revalidate()
    assert (await world.fill(row("0"), has_stale=True)).asked


async def test_a_queue_of_stale_readers_does_not_ask_a_supabase_that_failed(world: World) -> None:
    """Those whose turn comes after the failure fall back on what they have."""
    await with_stale_rows(world, 100)
    world.source.delay_s, world.source.error = 0.5, UpstreamUnavailable("x", supabase_status=503)
    refills = [world.fill(row(str(number)), has_stale=True) for number in range(100)]
    results = await outcomes(refills)
    assert {type(result) for result in results} == {UpstreamUnavailable, NotAsked}
    assert len(world.source.asked) == 10


async def test_a_reader_with_a_stale_entry_learns_that_the_row_is_gone(world: World) -> None:
    """And the entry goes; nobody else would remove it."""
    await with_stale_rows(world, 1)
    world.source.rows.clear()
    with pytest.raises(NotFound):
        await world.fill(row("0"), has_stale=True)
    await asyncio.sleep(2)
    assert "/articles/0" not in world.store.values


async def test_an_entry_that_aged_is_read_anew(world: World) -> None:
    """And stored; memory does not hold that up."""
    world.source.write("1", "old")
    for resource in (row("1"), LIST):
        filled = await world.fill(resource)
        await asyncio.sleep(2)
        world.source.write("1", "new")
        await world.host.fills.renew(resource, filled.entry.metadata.asked_at_ms)
        await asyncio.sleep(2)
        assert "new" in str(world.shown(resource))
        world.source.write("1", "old")


async def test_an_aged_entry_that_is_being_read_is_not_read_twice(world: World) -> None:
    """However many readers come upon it."""
    world.source.write("1", "a")
    filled = await world.fill(row("1"))
    world.source.delay_s = 0.1
    await asyncio.gather(
        *(world.host.fills.renew(row("1"), filled.entry.metadata.asked_at_ms) for _ in range(20))
    )
    assert world.source.count("/articles/1") == 2


async def test_an_entry_that_was_read_anew_already_is_left_as_it_is(world: World) -> None:
    """KV shows an older one for a while to readers who all ask for that."""
    world.source.write("1", "a")
    filled = await world.fill(row("1"))
    await world.host.fills.renew(row("1"), filled.entry.metadata.asked_at_ms - 1)
    assert world.source.count("/articles/1") == 1
    await asyncio.sleep(1)
    for _ in range(2):
        await world.host.fills.renew(row("1"), filled.entry.metadata.asked_at_ms)
        assert world.source.count("/articles/1") == 2


async def test_a_clock_that_was_set_back_has_an_entry_read_anew_rather_than_not(
    world: World,
) -> None:
    """What KV shows seems to be asked for later than what was read since."""
    world.source.write("1", "a")
    filled = await world.fill(row("1"))
    world.clock.set_by(-3_600_000)
    for count in (2, 3):
        await world.host.fills.renew(row("1"), filled.entry.metadata.asked_at_ms)
        assert world.source.count("/articles/1") == count


async def test_an_aged_entry_that_is_not_what_was_read_is_read_anew_in_the_end(
    world: World,
) -> None:
    """KV has another one for good: its write was given up, or somebody else wrote it."""
    world.source.write("1", "a")
    await world.fill(row("1"))
    await asyncio.sleep(59.9)
    await world.host.fills.renew(row("1"), 5)
    assert world.source.count("/articles/1") == 1
    await asyncio.sleep(0.1)
    await world.host.fills.renew(row("1"), 5)
    assert world.source.count("/articles/1") == 2


async def test_a_revalidated_row_is_asked_for_though_it_failed_just_before(world: World) -> None:
    """That failure was of a read that began before."""
    await with_stale_rows(world, 1)
    world.source.errors["/articles/0"] = UpstreamUnavailable("x", supabase_status=500)
    with pytest.raises(UpstreamUnavailable):
        await world.fill(row("0"), has_stale=True)
    with pytest.raises(NotAsked):
        await world.fill(row("0"), has_stale=True)
    del world.source.errors["/articles/0"]
    await world.host.revalidation.revalidate()
    assert (await world.fill(row("0"), has_stale=True)).asked


async def test_an_entry_is_read_anew_after_a_restart(world: World) -> None:
    """Nothing is known of it."""
    world.source.write("1", "a")
    await world.host.fills.renew(row("1"), 5)
    assert world.source.count("/articles/1") == 1


async def test_entries_that_aged_are_left_alone_after_a_failure(world: World) -> None:
    """They are good enough until Supabase is well."""
    world.source.error = UpstreamTimeout("x")
    with pytest.raises(UpstreamTimeout):
        await world.host.fills.renew(row("1"), 5)
    await world.host.fills.renew(row("1"), 5)
    assert len(world.source.asked) == 1


async def test_an_aged_entry_of_a_row_that_is_gone_goes_too(world: World) -> None:
    """Also if KV refuses at first."""
    world.source.write("1", "a")
    filled = await world.fill(row("1"))
    await asyncio.sleep(2)
    world.source.rows.clear()
    world.store.refuses = lambda what, _key: what == "delete" and world.passed_ms < 5000
    with pytest.raises(NotFound):
        await world.host.fills.renew(row("1"), filled.entry.metadata.asked_at_ms)
    await asyncio.sleep(20)
    assert world.store.values == {}


async def test_what_is_too_large_for_kv_is_not_stored(world: World) -> None:
    """Readers get it; an earlier, smaller entry would be served for ever, so it goes."""
    world.source.write("1", "a")
    await world.fill(row("1"))
    await asyncio.sleep(2)
    world.source.write("1", "x" * MAX_VALUE_BYTES)
    await world.host.backlog.record(["1"])
    filled = await world.fill(row("1"))
    assert (filled.stored, filled.asked) == (False, True)
    await asyncio.sleep(2)
    assert "/articles/1" not in world.store.values
    size = filled.entry.metadata.size
    logged = world.logged("too_large")
    assert {"key": "/articles/1", "bytes": size} in logged
    world.source.write("1", "b")
    again = await world.fill(row("1"))
    assert (again.stored, again.asked) == (True, True)


async def test_the_largest_that_kv_takes_is_stored(world: World) -> None:
    """To the byte."""
    world.source.write("1", "")
    overhead = (await world.fill(row("1"))).entry.metadata.size
    world.source.write("2", "x" * (MAX_VALUE_BYTES - overhead))
    world.source.write("3", "x" * (MAX_VALUE_BYTES - overhead + 1))
    assert (await world.fill(row("2"))).stored
    assert not (await world.fill(row("3"))).stored


async def test_readers_get_bodies_that_are_shared(world: World) -> None:
    """A large one is not copied for each."""
    world.source.write("1", "a")
    first, second = await world.fill(row("1")), await world.fill(row("1"))
    assert first.entry.body is second.entry.body
    assert TABLE.name == "articles"
