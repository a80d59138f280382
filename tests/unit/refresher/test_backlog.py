"""Changes are kept until every reader can see them, whatever fails."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest
from world import LIST, START_MS, TABLE, World, query, row, settle

from edge_cache.errors import (
    AnotherRow,
    EdgeCacheError,
    InvalidAnswer,
    NotFound,
    SpelledOtherwise,
    StoreError,
    UpstreamRejected,
    UpstreamTimeout,
)
from edge_cache.refresher.entries import MAX_VALUE_BYTES
from edge_cache.refresher.host import host_of

ERRORS = [
    UpstreamRejected("x"),
    InvalidAnswer("x"),
    UpstreamTimeout("x"),
    EdgeCacheError("x"),
    KeyError("x"),
]


def pending(world: World) -> object:
    """Return how many changes are pending as a restarted object would see it."""
    return host_of(TABLE, world.outside).status()["pending"]


async def with_entries(world: World, *row_ids: str) -> None:
    """Have the table and these rows in KV."""
    for row_id in row_ids:
        world.source.write(row_id, "old")
    for resource in (LIST, *map(row, row_ids)):
        await world.fill(resource)
    await asyncio.sleep(2)
    world.source.asked.clear()
    world.store.tried.clear()
    world.store.done.clear()


def reads_of(world: World, key: str) -> list[int]:
    """Return when a key was read, from the first time on."""
    times = [at for at, asked in world.source.asked if asked == key]
    return [at - times[0] for at in times]


async def test_a_recorded_change_is_safe_and_due(world: World) -> None:
    """Before anything is answered; the alarm carries it out."""
    await world.host.backlog.record(["1"])
    assert world.due_in_ms == 0
    assert pending(world) == 2
    assert world.source.asked == []


async def test_a_change_is_carried_out(world: World) -> None:
    """Readers see the row and the table as they are; then it is forgotten, in storage too."""
    await with_entries(world, "1", "2")
    world.source.write("1", "new")
    await world.host.backlog.record(["1"])
    await world.live(20)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}
    assert world.shown(LIST) == [{"id": "1", "title": "new"}, {"id": "2", "title": "old"}]
    assert sorted(key for _, key in world.source.asked) == ["/articles", "/articles/1"]
    assert pending(world) == 0
    assert world.storage.due is None
    assert world.logged("applied") == [
        {"key": "/articles/1", "pending": 1},
        {"key": "/articles", "pending": 0},
    ]


async def test_a_deleted_row_goes(world: World) -> None:
    """Its entry with it."""
    await with_entries(world, "1")
    world.source.rows.clear()
    await world.host.backlog.record(["1"])
    await world.live(1)
    assert "/articles/1" not in world.store.values
    assert world.shown(LIST) == []
    assert pending(world) == 0


async def test_a_change_is_not_done_before_kv_has_it(world: World) -> None:
    """A put that is under way is none that succeeded."""
    await with_entries(world, "1")
    gates = [world.store.hold(key) for key in ("/articles", "/articles/1")]
    await world.host.backlog.record(["1"])
    await world.live(10)
    assert pending(world) == 2
    assert not world.host.backlog.is_idle
    for gate in gates:
        gate.set()
    await settle()
    assert pending(world) == 0
    assert world.host.is_idle


async def test_a_deletion_is_not_done_before_kv_has_it(world: World) -> None:
    """As a put."""
    await with_entries(world, "1")
    world.source.rows.clear()
    gate = world.store.hold("/articles/1")
    await world.host.backlog.record(["1"])
    await world.live(10)
    assert pending(world) == 1
    gate.set()
    await settle()
    assert pending(world) == 0


@pytest.mark.parametrize("what", ["put", "delete"])
async def test_a_write_that_kv_refuses_keeps_the_change_pending(world: World, what: str) -> None:
    """Until it takes it, however long that is."""
    await with_entries(world, "1")
    world.source.write("1", "new")
    if what == "delete":
        world.source.rows.clear()
    world.store.refuses = lambda _what, key: key == "/articles/1" and world.passed_ms < 100_000
    await world.host.backlog.record(["1"])
    await world.live(95)
    assert pending(world) == 1
    assert world.shown(row("1")) == {"id": "1", "title": "old"}
    assert world.logged("retry_scheduled")[0]["type"] == StoreError.slug
    await world.live(20)
    assert pending(world) == 0
    assert world.shown(row("1")) == ({"id": "1", "title": "new"} if what == "put" else None)


@pytest.mark.parametrize("error", ERRORS)
async def test_only_proven_absence_removes_an_entry(world: World, error: Exception) -> None:
    """Any other error leaves it where it is and the change pending, and holds up nothing else."""
    await with_entries(world, "1", "2")
    for row_id in "12":
        world.source.write(row_id, "new")
    world.source.errors["/articles/1"] = error
    await world.host.backlog.record(["1", "2"])
    await world.live(1)
    assert world.shown(row("1")) == {"id": "1", "title": "old"}
    assert world.shown(row("2")) == {"id": "2", "title": "new"}
    assert {"id": "1", "title": "new"} in json.loads(world.store.values["/articles"][0])
    await world.live(100)
    assert pending(world) == 1
    assert not [what for _, what, _ in world.store.tried if what == "delete"]
    world.source.errors.clear()
    await world.live(11)
    assert pending(world) == 0
    assert world.shown(row("1")) == {"id": "1", "title": "new"}


@pytest.mark.parametrize("error", [SpelledOtherwise("7"), AnotherRow("07:00+00")])
async def test_a_row_that_was_named_in_another_spelling_makes_all_out_of_date(
    world: World, error: Exception
) -> None:
    """Under which one its entry lies is not known; nothing is removed or tried for ever."""
    await with_entries(world, "7")
    world.source.write("7", "new")
    world.source.errors["/articles/07"] = error
    await world.host.backlog.record(["07"])
    await world.live(3)
    assert pending(world) == 0
    assert world.has_stale(row("7"))
    assert await world.read(row("7")) == {"id": "7", "title": "new"}
    assert world.source.count("/articles/07") == 1
    assert not [what for _, what, _ in world.store.tried if what == "delete"]


@pytest.mark.parametrize("error", ERRORS)
async def test_a_table_that_cannot_be_read_holds_up_no_row(world: World, error: Exception) -> None:
    """And stays as it was."""
    await with_entries(world, "1")
    world.source.write("1", "new")
    world.source.errors["/articles"] = error
    await world.host.backlog.record(["1"])
    await world.live(30)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}
    assert world.shown(LIST) == [{"id": "1", "title": "old"}]
    assert pending(world) == 1
    world.source.errors.clear()
    await world.live(11)
    assert world.shown(LIST) == [{"id": "1", "title": "new"}]
    assert pending(world) == 0


async def test_pauses_after_failures_grow_and_end(world: World) -> None:
    """From half a second to ten; jitter makes each up to half as long."""
    world.source.error = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(300)
    times = reads_of(world, "/articles/1")
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    bounds = [1000, 2000, 4000, 8000] + [10_000] * (len(pauses) - 4)
    assert len(pauses) > 25
    for pause, bound in zip(pauses, bounds, strict=True):
        assert bound / 2 <= pause <= max(bound, 1000) + 1000
    (first, *_) = world.logged("retry_scheduled")
    assert (first["key"], first["type"]) == ("/articles/1", "supabase-timeout")
    assert str(first["in_s"]) in {"0.5", "0.6", "0.7", "0.8", "0.9", "1.0"}


async def test_after_a_success_pauses_are_short_again(world: World) -> None:
    """Failures of earlier changes do not count."""
    world.source.error = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(60)
    world.source.error = None
    await world.live(11)
    assert pending(world) == 0
    world.source.error = UpstreamTimeout("x")
    await world.live(10)
    await world.host.backlog.record(["1"])
    world.source.asked.clear()
    await world.live(3)
    assert len(reads_of(world, "/articles/1")) >= 2


async def test_after_a_success_pauses_are_short_again_also_if_the_next_change_is_there_already(
    world: World,
) -> None:
    """It came while the row was being read."""
    world.source.errors["/articles/1"] = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(60)
    world.source.errors.clear()
    world.source.asked.clear()
    gate = world.source.hold("/articles/1")
    await world.live(10)
    world.source.errors["/articles/1"] = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    gate.set()
    await world.live(4)
    assert len(reads_of(world, "/articles/1")) >= 3


async def test_a_version_that_a_reader_saw_in_kv_meanwhile_is_done(world: World) -> None:
    """An earlier life had published it, and was lost before it could take note."""
    row_ids = [str(number) for number in range(21)]
    await world.host.backlog.record(row_ids)
    await world.alarm()
    world.host.known.journal.note(world.host.known.journal.changes.with_seen(query(), START_MS))
    with pytest.raises(NotFound):
        await world.host.fills.fill(row("1"), version=START_MS + 1, has_stale=False)
    await settle()
    assert not [key for _, _, key in world.store.tried if key == TABLE.version_key]
    assert [line for line in world.logged("applied") if line["key"] == TABLE.version_key]


async def test_rows_and_table_fail_for_themselves(world: World) -> None:
    """Each has its own pauses: a new change does not wait for those of an old one."""
    world.source.error = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(60)
    world.source.asked.clear()
    await world.host.backlog.record(["2"])
    await world.live(1.1)
    assert world.source.count("/articles/2") >= 1
    assert world.source.count("/articles/1") <= 1


async def test_while_it_fails_more_changes_of_a_row_do_not_hurry_it(world: World) -> None:
    """A burst of webhooks is no burst of attempts."""
    world.source.error = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(60)
    world.source.asked.clear()
    for _ in range(100):
        await world.host.backlog.record(["1"])
        await world.live(0.01)
    assert len(world.source.asked) <= 2


async def test_rounds_are_a_second_apart(world: World) -> None:
    """A burst of changes is carried out together."""
    await with_entries(world, "1")
    for number in range(20):
        world.source.write("1", str(number))
        await world.host.backlog.record(["1"])
        await world.live(0.1)
    await world.live(3)
    times = reads_of(world, "/articles/1")
    assert len(times) in {3, 4}
    assert all(later - earlier >= 1000 for earlier, later in itertools.pairwise(times))
    assert world.shown(row("1")) == {"id": "1", "title": "19"}
    assert pending(world) == 0


async def test_a_change_after_a_round_is_due_when_the_next_may_begin(world: World) -> None:
    """Not before, not later."""
    await world.host.backlog.record(["1"])
    await world.live(0.3)
    await world.host.backlog.record(["2"])
    assert world.due_in_ms == 700
    await world.alarm()
    await settle()
    assert world.source.count("/articles/2") == 0
    assert world.due_in_ms == 700
    await world.live(0.7)
    assert world.source.count("/articles/2") == 1


@pytest.mark.parametrize("back_ms", [30_000, 3_600_000])
async def test_a_clock_that_was_set_back_delays_no_round(world: World, back_ms: int) -> None:
    """Nor a retry."""
    world.source.errors["/articles/1"] = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(20)
    world.clock.set_by(-back_ms)
    world.source.errors.clear()
    await world.host.backlog.record(["2"])
    assert world.due_in_ms == 0
    await world.live(0.1)
    assert pending(world) == 0


async def test_a_change_that_comes_meanwhile_is_carried_out_next(world: World) -> None:
    """A read that began before it does not have it: neither the row's nor the table's."""
    await with_entries(world, "1")
    gates = [world.source.hold(key) for key in ("/articles", "/articles/1")]
    await world.host.backlog.record(["1"])
    await world.live(2)
    world.source.write("1", "new")
    await world.host.backlog.record(["1"])
    await world.live(2)
    for gate in gates:
        gate.set()
    await settle()
    assert pending(world) == 2
    await world.live(2)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}
    assert world.shown(LIST) == [{"id": "1", "title": "new"}]
    assert pending(world) == 0


async def test_a_reader_s_read_begun_before_a_webhook_is_not_taken_for_its_refresh(
    world: World,
) -> None:
    """It saw the state before the change."""
    world.source.write("1", "old")
    gates = [world.source.hold(key) for key in ("/articles", "/articles/1")]
    readers = [asyncio.ensure_future(world.fill(resource)) for resource in (LIST, row("1"))]
    await settle()
    world.source.write("1", "new")
    await world.host.backlog.record(["1"])
    await world.live(0.1)
    for gate in gates:
        gate.set()
    await asyncio.gather(*readers)
    await world.live(3)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}
    assert world.shown(LIST) == [{"id": "1", "title": "new"}]
    assert [world.source.count(key) for key in ("/articles", "/articles/1")] == [2, 2]
    assert world.logged("retry_scheduled") == []


async def test_a_read_of_a_missing_row_begun_before_a_webhook_is_not_taken_for_its_refresh(
    world: World,
) -> None:
    """The row was inserted since."""
    gate = world.source.hold("/articles/1")
    await world.host.backlog.record(["1"])
    await world.live(0.1)
    world.source.write("1", "new")
    await world.host.backlog.record(["1"])
    gate.set()
    await world.live(5)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}
    assert pending(world) == 0


async def test_a_table_that_takes_long_does_not_delay_rows_of_later_webhooks(world: World) -> None:
    """The alarm comes for them while the table is being read."""
    world.host.known.demand.note(LIST)
    world.source.hold("/articles")
    await world.host.backlog.record(["1"])
    await world.live(0.5)
    world.source.write("2", "new")
    await world.host.backlog.record(["2"])
    await world.live(1)
    assert world.shown(row("2")) == {"id": "2", "title": "new"}
    assert pending(world) == 1


async def test_while_refreshes_are_under_way_the_alarm_looks_after_them(world: World) -> None:
    """The object may be lost meanwhile, and with it what it had begun."""
    world.host.known.demand.note(LIST)
    world.source.hold("/articles")
    world.source.hold("/articles/1")
    await world.host.backlog.record(["1"])
    await world.alarm()
    assert world.due_in_ms == 15_000
    await world.live(15)
    assert world.due_in_ms == 15_000
    assert len(world.source.asked) == 2
    world.source.write("1", "new")
    world.source.held.clear()
    await world.restart()
    await world.live(0.1)
    assert pending(world) == 0
    assert world.shown(row("1")) == {"id": "1", "title": "new"}


@pytest.mark.parametrize("back_ms", [0, 3_600_000])
async def test_after_a_restart_pending_changes_are_due_at_once(world: World, back_ms: int) -> None:
    """However far off the alarm of the earlier life is."""
    world.source.error = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(60)
    world.source.error = None
    world.clock.set_by(-back_ms)
    await world.restart()
    assert world.due_in_ms == 0
    await world.live(0.1)
    assert pending(world) == 0


async def test_after_a_restart_with_nothing_pending_no_alarm_is_set(world: World) -> None:
    """There is nothing to do."""
    await world.restart()
    assert world.storage.due is None


async def test_a_change_that_was_not_done_is_carried_out_by_the_next_life(world: World) -> None:
    """The alarm alone makes it, without any request."""
    await with_entries(world, "1")
    world.source.write("1", "new")
    await world.host.backlog.record(["1"])
    world.host = host_of(TABLE, world.outside)
    await world.live(0.1)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}
    assert pending(world) == 0


async def test_many_changed_rows_become_all_rows(world: World) -> None:
    """Readers learn that their entries are stale; none of them is read for that."""
    row_ids = [str(number) for number in range(30)]
    await with_entries(world, *row_ids)
    for row_id in row_ids:
        world.source.write(row_id, "new")
        await world.host.backlog.record([row_id])
    await world.live(3)
    assert pending(world) == 0
    assert {key for _, key in world.source.asked} == {"/articles"}
    assert world.published == START_MS + 30
    for row_id in row_ids:
        assert await world.read(row(row_id)) == {"id": row_id, "title": "new"}
    world.source.asked.clear()
    await world.host.backlog.record(["1"])
    await world.live(3)
    assert sorted(key for _, key in world.source.asked) == ["/articles", "/articles/1"]
    assert world.published == START_MS + 30


async def test_twenty_rows_are_named_one_by_one(world: World) -> None:
    """Other entries are as good as before."""
    row_ids = [str(number) for number in range(21)]
    await with_entries(world, *row_ids)
    await world.host.backlog.record(row_ids[:20])
    await world.live(3)
    assert world.published == 0
    assert sorted(key for _, key in world.source.asked) == sorted(
        ["/articles", *(f"/articles/{row_id}" for row_id in row_ids[:20])]
    )


async def test_a_version_that_kv_refuses_stays_pending(world: World) -> None:
    """And is published later, though the table was written long since."""
    row_ids = [str(number) for number in range(21)]
    await with_entries(world, *row_ids)
    world.store.refuses = lambda _what, key: key == TABLE.version_key and world.passed_ms < 80_000
    await world.host.backlog.record(row_ids)
    await world.live(70)
    assert pending(world) == 1
    await world.live(20)
    assert pending(world) == 0
    assert world.published == START_MS + 1
    assert len(world.logged("applied")) == 2
    assert {str(line["key"]) for line in world.logged("write_failed")} == {TABLE.version_key}


async def test_a_version_is_not_done_before_kv_has_it(world: World) -> None:
    """Nor is a later one done with an earlier one."""
    gate = world.store.hold(TABLE.version_key)
    row_ids = [str(number) for number in range(21)]
    world.host.known.demand.note(LIST)
    await world.host.backlog.record(row_ids)
    await world.live(5)
    assert pending(world) == 1
    await world.host.backlog.record(row_ids)
    gate.set()
    await settle()
    assert world.published == START_MS + 1
    assert pending(world) == 2
    await world.live(5)
    assert world.published == START_MS + 2
    assert pending(world) == 0


async def test_rows_that_became_stale_meanwhile_need_no_refresh_of_their_own(world: World) -> None:
    """What fails for them is forgotten."""
    await with_entries(world, "1")
    world.source.errors["/articles/1"] = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(30)
    await world.host.revalidation.revalidate()
    assert pending(world) == 0
    world.source.asked.clear()
    await world.live(30)
    assert world.source.asked == []


async def test_what_failed_before_a_row_became_stale_does_not_slow_its_next_change(
    world: World,
) -> None:
    """It is forgotten with the change that it was about."""
    world.source.errors["/articles/1"] = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(60)
    await world.host.revalidation.revalidate()
    await world.host.backlog.record(["2"])
    await world.live(3)
    world.source.asked.clear()
    await world.host.backlog.record(["1"])
    await world.live(2.5)
    assert len(reads_of(world, "/articles/1")) >= 2


async def test_the_end_of_an_outage_is_noticed(world: World) -> None:
    """Whoever hears from Supabase first, what is pending is tried within a second of that."""
    world.source.error = UpstreamTimeout("x")
    await world.host.backlog.record(["1"])
    await world.live(100)
    while (world.due_in_ms or 0) < 3000:
        await world.live(0.2)
    world.source.error = None
    with pytest.raises(NotFound):
        await world.fill(row("x"))
    await world.live(1.1)
    assert pending(world) == 0


async def test_the_end_of_a_single_failure_is_noticed_too(world: World) -> None:
    """Here KV had failed before, so that the row's pauses were long already."""
    world.store.refuses = lambda _what, _key: True
    await world.host.backlog.record(["1"])
    await world.live(60)
    world.source.errors["/articles/1"] = UpstreamTimeout("x")
    while world.host.status()["failures"] == 0:
        await world.live(0.1)
    world.store.refuses = lambda _what, _key: False
    world.source.errors.clear()
    with pytest.raises(NotFound):
        await world.fill(row("x"))
    await world.live(2.5)
    assert pending(world) == 0


async def test_an_outage_of_kv_does_not_have_supabase_read_all_the_time(world: World) -> None:
    """It answers, but that is no news: pauses grow as after any other failure."""
    world.host.known.demand.note(LIST)
    world.store.refuses = lambda _what, _key: True
    await world.host.backlog.record(["1"])
    await world.live(100)
    assert 5 <= world.source.count("/articles") <= 25


async def test_what_is_too_large_for_kv_does_not_stay_pending(world: World) -> None:
    """Its earlier entry is removed, so readers see the change."""
    await with_entries(world, "1")
    world.source.write("1", "x" * MAX_VALUE_BYTES)
    await world.host.backlog.record(["1"])
    await world.live(2)
    assert pending(world) == 0
    assert world.store.values == {}
    assert world.host.status()["refreshed_at_ms"]
