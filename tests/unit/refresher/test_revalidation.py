"""All entries are made fresh, on request or because they are not as the table is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from world import LIST, START_MS, TABLE, World, body_of, row, settle

from edge_cache.entries import etag_of
from edge_cache.errors import (
    InvalidAnswer,
    StoreError,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from edge_cache.refresher.entries import MAX_VALUE_BYTES
from edge_cache.refresher.host import host_of


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


async def test_after_a_revalidation_all_entries_are_fresh(world: World) -> None:
    """The table's is overwritten; readers of rows have them read again, those that are gone too."""
    await with_entries(world, "1", "2")
    world.source.write("1", "new")
    del world.source.rows["2"]
    await world.host.revalidation.revalidate()
    assert world.shown(LIST) == [{"id": "1", "title": "new"}]
    assert world.shown(row("1")) is None
    assert world.shown(row("2")) is None
    assert world.published == START_MS + 1
    assert len(world.source.asked) == 1
    assert await world.read(row("1")) == {"id": "1", "title": "new"}
    await asyncio.sleep(2)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}


async def test_a_revalidation_is_over_once_kv_has_everything(world: World) -> None:
    """The table's entry and the rows' version; not before."""
    await with_entries(world, "1")
    for key in ("/articles", TABLE.version_key):
        gate = world.store.hold(key)
        revalidating = asyncio.ensure_future(world.host.revalidation.revalidate())
        await asyncio.sleep(5)
        assert not revalidating.done()
        gate.set()
        await revalidating


async def test_a_read_that_began_before_is_not_what_a_revalidation_gives(world: World) -> None:
    """It sees every change that was committed before it was asked for."""
    gate = world.source.hold("/articles")
    reading = asyncio.ensure_future(world.fill(LIST))
    await settle()
    world.source.write("1", "new")
    revalidating = [asyncio.ensure_future(world.host.revalidation.revalidate()) for _ in range(10)]
    await settle()
    gate.set()
    assert body_of(await reading) == []
    await asyncio.gather(*revalidating)
    assert world.shown(LIST) == [{"id": "1", "title": "new"}]
    assert world.source.count("/articles") == 2


@pytest.mark.parametrize("error", [UpstreamTimeout("x"), UpstreamRejected("x"), InvalidAnswer("x")])
async def test_a_revalidation_that_fails_leaves_entries_as_they_were(
    world: World, error: UpstreamError
) -> None:
    """Readers get the last good answer."""
    await with_entries(world, "1")
    world.source.error = error
    with pytest.raises(type(error)):
        await world.host.revalidation.revalidate()
    assert world.store.tried == []
    assert world.shown(LIST) == [{"id": "1", "title": "old"}]
    assert world.shown(row("1")) == {"id": "1", "title": "old"}
    assert world.host.status()["pending"] == 0


@pytest.mark.parametrize("key", ["/articles", TABLE.version_key])
async def test_a_revalidation_that_kv_refuses_says_so(world: World, key: str) -> None:
    """And goes on until KV takes it."""
    await with_entries(world, "1")
    world.source.write("1", "new")
    world.store.refuses = lambda _what, refused: refused == key and world.passed_ms < 10_000
    with pytest.raises(StoreError, match="Workers KV has not taken them yet"):
        await world.host.revalidation.revalidate()
    await world.live(20)
    assert world.shown(LIST) == [{"id": "1", "title": "new"}]
    assert await world.read(row("1")) == {"id": "1", "title": "new"}


async def test_a_rows_version_that_kv_refuses_is_published_however_long_that_takes(
    world: World,
) -> None:
    """Else it would stay pending for ever, without anybody to carry it out."""
    await with_entries(world, "1")
    world.store.refuses = lambda _what, key: key == TABLE.version_key and world.passed_ms < 100_000
    with pytest.raises(StoreError):
        await world.host.revalidation.revalidate()
    assert world.host.status()["pending"] == 1
    await world.live(90)
    assert world.host.status()["pending"] == 1
    await world.live(20)
    assert world.host.status()["pending"] == 0
    assert world.published == START_MS + 1


async def test_a_revalidation_carries_out_what_is_pending(world: World) -> None:
    """But not what came in while it read."""
    await with_entries(world, "1", "2")
    await world.host.backlog.record(["1"])
    gate = world.source.hold("/articles")
    revalidating = asyncio.ensure_future(world.host.revalidation.revalidate())
    await settle()
    world.source.write("2", "new")
    await world.host.backlog.record(["2"])
    gate.set()
    await revalidating
    assert world.host.status()["pending"] == 2
    await world.live(3)
    assert world.host.status()["pending"] == 0
    assert world.shown(row("2")) == {"id": "2", "title": "new"}
    assert world.shown(LIST) == [{"id": "1", "title": "old"}, {"id": "2", "title": "new"}]


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
async def test_a_clock_that_was_set_back_makes_no_old_entry_fresh(
    world: World, back_ms: int
) -> None:
    """Versions tell, not times."""
    await with_entries(world, "1")
    world.clock.set_by(-back_ms)
    world.source.write("1", "new")
    await world.host.revalidation.revalidate()
    assert world.has_stale(row("1"))
    assert await world.read(row("1")) == {"id": "1", "title": "new"}
    await asyncio.sleep(2)
    assert world.shown(row("1")) == {"id": "1", "title": "new"}


async def test_a_table_too_large_for_kv_is_revalidated_all_the_same(world: World) -> None:
    """Its earlier entry is removed before that is over."""
    await with_entries(world, "1")
    world.source.write("1", "x" * MAX_VALUE_BYTES)
    await world.host.revalidation.revalidate()
    assert "/articles" not in world.store.values
    filled = await world.fill(LIST)
    assert (filled.stored, filled.asked) == (False, True)
    assert world.has_stale(row("1"))


def edited(world: World) -> None:
    """Change a row."""
    world.source.write("1", "new")


def deleted(world: World) -> None:
    """Delete a row."""
    del world.source.rows["1"]


def inserted(world: World) -> None:
    """Insert a row."""
    world.source.write("3", "new")


def another_workers(world: World) -> None:
    """Have another Worker write a row's entry, without metadata."""
    world.store.values["/articles/1"] = b'{"id":"1","title":"old"}', None


def another_workers_table(world: World) -> None:
    """Have another Worker write the table's entry, without metadata."""
    world.store.values["/articles"] = b"[]", None


@pytest.mark.parametrize(
    "event", [edited, deleted, inserted, another_workers, another_workers_table]
)
@pytest.mark.parametrize("cached", ["all", "rows", "table"])
async def test_a_check_heals_what_no_webhook_told_of(
    world: World, event: Callable[[World], None], cached: str
) -> None:
    """Whatever of it is in KV."""
    await with_entries(world, "1", "2")
    event(world)
    if cached == "table":
        world.store.values = {"/articles": world.store.values["/articles"]}
    if cached == "rows":
        del world.store.values["/articles"]
    await world.host.revalidation.check()
    await world.live(5)
    if "/articles" in world.store.values:
        assert world.shown(LIST) == list(world.source.rows.values())
        assert world.metadata(LIST) is not None
    for row_id in world.source.rows:
        assert world.shown(row(row_id)) in (None, world.source.rows[row_id])
    if "1" not in world.source.rows:
        assert world.shown(row("1")) is None
    world.source.asked.clear()
    world.store.tried.clear()
    await world.host.revalidation.check()
    assert {what for _, what, _ in world.store.tried} <= {"list"}


async def test_a_check_heals_a_row_that_came_and_went(world: World) -> None:
    """Its entry differs from a table that is as it was, and as its own entry is."""
    await with_entries(world, "1")
    world.source.write("2", "x")
    await world.fill(row("2"))
    await asyncio.sleep(2)
    del world.source.rows["2"]
    await world.host.revalidation.check()
    assert world.shown(row("2")) is None
    assert world.logged("changed") == [{"key": "/articles", "entries": 1}]


async def test_a_check_that_finds_nothing_writes_nothing(world: World) -> None:
    """It costs one read and two lists, whatever way a row is spelled."""
    await with_entries(world, "1", "ü", "x" * 600)
    body, metadata = world.store.values["/articles/1"]
    world.store.values["/articles/1"] = body, metadata
    await world.host.revalidation.check()
    assert world.source.asked == [(world.passed_ms, "/articles")]
    assert [what for _, what, _ in world.store.tried] == ["list", "list"]
    assert world.store.listed == 4
    assert world.logged("unchanged") == [{"key": "/articles"}]
    assert world.host.status()["failures"] == 0


async def test_a_check_compares_rows_not_their_spelling(world: World) -> None:
    """Postgres may send columns of a row in another order than those of a table."""
    await with_entries(world, "1")
    rows = world.source.rows
    rows["1"] = dict(reversed(rows["1"].items()))
    del world.store.values["/articles"]
    await world.host.revalidation.check()
    assert world.logged("unchanged")


async def test_a_check_of_an_empty_cache_reads_nothing(world: World) -> None:
    """There is nothing that could be out of date."""
    world.source.write("1", "a")
    world.store.values["/articles_of_another_table"] = b"[]", None
    world.store.values["/articles?version"] = b"0", None
    await world.host.revalidation.check()
    assert world.source.asked == []
    assert world.store.done == []


async def test_a_check_passes_over_what_is_pending(world: World) -> None:
    """It is being carried out."""
    await with_entries(world, "1")
    world.source.write("1", "new")
    await world.host.backlog.record(["1"])
    await world.host.revalidation.check()
    assert world.source.asked == []
    assert world.logged("unchanged")


async def test_a_check_passes_over_entries_that_are_stale_already(world: World) -> None:
    """Readers have them read again. One that is as new as the version counts."""
    await with_entries(world, "1", "2")
    await world.host.revalidation.revalidate()
    await world.fill(row("2"))
    await asyncio.sleep(2)
    world.source.write("1", "new")
    del world.store.values["/articles"]
    await world.host.revalidation.check()
    assert world.logged("unchanged")
    world.source.write("2", "new")
    await world.host.revalidation.check()
    assert world.logged("changed")


async def test_a_check_passes_over_entries_of_another_workers_that_are_stale(world: World) -> None:
    """They are older than any version that was published."""
    await with_entries(world, "1")
    await world.host.revalidation.revalidate()
    another_workers(world)
    await world.host.revalidation.check()
    assert world.logged("unchanged")


@pytest.mark.parametrize("metadata", ["{}", '{"v": 1}', "5"])
async def test_a_check_passes_over_malformed_entries(world: World, metadata: str) -> None:
    """Readers take them for absent."""
    await with_entries(world, "1")
    world.store.values["/articles/1"] = b'{"id": "1"}', metadata
    world.store.values["/articles"] = b"[]", metadata
    await world.host.revalidation.check()
    assert world.source.asked == []
    assert world.logged("unchanged")


async def test_a_check_that_cannot_list_or_read_says_so(world: World) -> None:
    """Entries stay as they are."""
    await with_entries(world, "1")
    world.store.refuses = lambda what, _key: what == "list"
    with pytest.raises(StoreError):
        await world.host.revalidation.check()
    world.store.refuses = lambda _what, _key: False
    world.source.error = UpstreamTimeout("x")
    with pytest.raises(UpstreamTimeout):
        await world.host.revalidation.check()
    assert world.shown(LIST) == [{"id": "1", "title": "old"}]
    assert world.host.status()["failures"] == 1


async def test_status_tells_how_refreshes_go(world: World) -> None:
    """As /health shows it."""
    assert world.host.status() == {
        "refreshed_at_ms": 0,
        "pending": 0,
        "failures": 0,
        "refused": False,
        "last_error": None,
        "last_error_detail": None,
        "failed_at_ms": 0,
        "queries": 0,
    }
    await asyncio.sleep(1)
    await world.fill(LIST)
    await asyncio.sleep(1)
    world.source.error = UpstreamTimeout("No answer within 10 s.")
    await world.host.backlog.record(["1"])
    await world.alarm()
    await settle()
    expected = {
        "refreshed_at_ms": START_MS + 1000,
        "pending": 2,
        "failures": 2,
        "refused": False,
        "last_error": "supabase-timeout",
        "last_error_detail": "No answer within 10 s.",
        "failed_at_ms": START_MS + 2000,
        "queries": 0,
    }
    assert world.host.status() == expected
    assert host_of(TABLE, world.outside).status() == expected
    world.source.error = None
    await world.live(10)
    status = world.host.status()
    assert (status["pending"], status["failures"]) == (0, 0)
    assert int(str(status["refreshed_at_ms"])) > START_MS + 2000


@pytest.mark.parametrize("when", ["refused", "under way"])
async def test_a_table_that_kv_did_not_take_is_not_refreshed(world: World, when: str) -> None:
    """What readers see is older."""
    if when == "refused":
        world.store.refuses = lambda _what, _key: True
    else:
        world.store.hold("/articles")
    await world.fill(LIST)
    await asyncio.sleep(5)
    assert world.host.status()["refreshed_at_ms"] == 0


async def test_a_row_that_was_written_is_no_refresh_of_the_table(world: World) -> None:
    """Nor is a table that is too large for KV."""
    world.source.write("1", "a")
    await world.fill(row("1"))
    world.source.write("1", "x" * MAX_VALUE_BYTES)
    await world.fill(LIST)
    await asyncio.sleep(5)
    assert world.host.status()["refreshed_at_ms"] == 0


async def test_entries_have_what_a_check_compares(world: World) -> None:
    """A digest of a row however it is spelled, the bytes' digest of a table."""
    await with_entries(world, "1")
    body, _ = world.store.values["/articles"]
    whole, one = world.metadata(LIST), world.metadata(row("1"))
    assert whole is not None
    assert one is not None
    assert (whole.etag, whole.row, whole.size) == (etag_of(body), "", len(body))
    assert one.row not in ("", one.etag)
    assert json.loads(body) == [{"id": "1", "title": "old"}]


async def test_a_check_passes_over_entries_of_another_project(world: World) -> None:
    """Readers do not take them for entries either."""
    await with_entries(world, "1")
    for key, (body, text) in list(world.store.values.items()):
        world.store.values[key] = body, (text or "").replace('"p"', '"other"') or None
    world.source.write("1", "new")
    assert not await world.host.revalidation.check()
    assert world.source.asked == []
