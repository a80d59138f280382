"""All entries are made fresh, on request or because they are not as the table is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from program import Program

ROW, LIST, VERSION = "/articles/1", "/articles", "/articles?version"
QUARTER = 28_333_335
MAX_VALUE_BYTES = 25 * 1024 * 1024


@pytest.fixture
def program() -> Program:
    """Return a program whose only table has two rows."""
    program = Program(tables={"articles": {}})
    for number in (1, 2):
        program.supabase.write("articles", id=number, title="old")
    return program


async def fill(program: Program, *numbers: int) -> None:
    """Have the table and these rows in KV; forget how."""
    for path in (LIST, *(f"/articles/{number}" for number in numbers)):
        await program.get(path)
    await program.live(2)
    for seen in (program.supabase.requests, program.kv.tried, program.kv.done, program.log):
        seen.clear()


async def shows(program: Program, path: str = ROW) -> tuple[object, str]:
    """Return the title that a reader gets, and whether as a hit (hit) or else (fwd)."""
    answer = await program.get(path)
    row = answer.json[0] if path == LIST else answer.json
    return row["title"], answer.cache_status[:3]


async def pending(program: Program) -> int:
    """Return how many entries are to be brought up to date."""
    number: int = (await program.status())["pending"]
    return number


async def test_after_a_revalidation_all_entries_are_fresh(program: Program) -> None:
    """The table's is overwritten; readers of rows have them read again, those that are gone too."""
    await fill(program, 1, 2)
    program.supabase.write("articles", id=1, title="new")
    program.supabase.remove("articles", 2)
    assert (await program.revalidate()).status == 200
    assert program.supabase.asked == [LIST]
    assert await shows(program, LIST) == ("new", "hit")
    assert await shows(program) == ("new", "fwd")
    assert (await program.get("/articles/2")).status == 404
    await program.live(2)
    assert await shows(program) == ("new", "hit")


@pytest.mark.parametrize("key", [LIST, VERSION])
async def test_a_revalidation_is_over_once_kv_has_everything(program: Program, key: str) -> None:
    await fill(program, 1)
    gate = program.kv.hold(key)
    revalidating = asyncio.ensure_future(program.revalidate())
    await program.live(5)
    assert not revalidating.done()
    gate.set()
    assert (await revalidating).status == 200


async def test_a_read_that_began_before_is_not_what_a_revalidation_gives(program: Program) -> None:
    """It sees every change that was committed before it was asked for."""
    gate = program.supabase.hold(LIST)
    reading = asyncio.ensure_future(program.get(LIST))
    await program.live()
    program.supabase.write("articles", id=1, title="new")
    revalidating = [asyncio.ensure_future(program.revalidate()) for _ in range(10)]
    await program.live()
    gate.set()
    assert (await reading).json[0]["title"] == "old"
    await asyncio.gather(*revalidating)
    assert program.kv.json(LIST)[0]["title"] == "new"
    assert program.supabase.asked == [LIST, LIST]


@pytest.mark.parametrize(
    "failure", [httpx.Response(504), httpx.Response(401), httpx.Response(200, text="<html>")]
)
async def test_a_revalidation_that_fails_leaves_entries_as_they_were(
    program: Program, failure: httpx.Response
) -> None:
    """Readers get the last good answer."""
    await fill(program, 1)
    program.supabase.answer(failure.status_code, failure.content, headers=failure.headers)
    assert (await program.revalidate()).status in {502, 504}
    await program.live(2)
    assert program.kv.done == []
    assert await shows(program, LIST) == await shows(program) == ("old", "hit")
    assert await pending(program) == 0


@pytest.mark.parametrize("key", [LIST, VERSION])
async def test_a_revalidation_that_kv_refuses_says_so(program: Program, key: str) -> None:
    """And goes on until KV takes it, however long that is."""
    await fill(program, 1)
    program.supabase.write("articles", id=1, title="new")
    program.kv.refuse("put", key)
    answer = await program.revalidate()
    assert (answer.status, answer.slug) == (503, "kv-unavailable")
    assert "Workers KV has not taken them yet" in answer.json["detail"]
    await program.live(20 if key == LIST else 90)
    assert key == LIST or await pending(program) == 1
    program.kv.accept()
    await program.live(17)
    assert await pending(program) == 0
    assert await shows(program, LIST) == ("new", "hit")
    assert await shows(program) == ("new", "fwd")


async def test_a_revalidation_carries_out_what_is_pending(program: Program) -> None:
    """But not what came in while it read."""
    await fill(program, 1, 2)
    program.supabase.fail()
    await program.webhook("articles", 1)
    await program.live(1)
    program.supabase.mend()
    gate = program.supabase.hold(LIST)
    revalidating = asyncio.ensure_future(program.revalidate())
    await program.live()
    program.supabase.write("articles", id=2, title="new")
    await program.webhook("articles", 2)
    gate.set()
    assert (await revalidating).status == 200
    assert await pending(program) > 0
    await program.live(3)
    assert await pending(program) == 0
    assert (await program.get("/articles/2")).json["title"] == "new"
    assert program.kv.json(LIST)[1]["title"] == "new"


@pytest.mark.parametrize("back_s", [0.001, 30, 3600])
async def test_a_clock_that_was_set_back_makes_no_old_entry_fresh(
    program: Program, back_s: float
) -> None:
    """Versions tell, not times."""
    await fill(program, 1)
    program.set_clock(by_s=-back_s)
    program.supabase.write("articles", id=1, title="new")
    await program.revalidate()
    assert await shows(program) == ("new", "fwd")
    await program.live(2)
    assert await shows(program) == ("new", "hit")


async def test_a_table_too_large_for_kv_is_revalidated_all_the_same(program: Program) -> None:
    """Its earlier entry is removed before that is over."""
    await fill(program, 1)
    program.supabase.write("articles", id=1, title="x" * MAX_VALUE_BYTES)
    assert (await program.revalidate()).status == 200
    assert LIST not in program.kv.keys
    assert (await program.get(LIST)).cache_status == "fwd=uri-miss; fwd-status=200"
    assert (await program.get(ROW)).cache_status == "fwd=stale; fwd-status=200"
    assert (await program.status())["refreshed_at"] == "2023-11-14T22:13:20+00:00"


# What the cron trigger finds.


def edited(program: Program) -> None:
    """Change a row."""
    program.supabase.write("articles", id=1, title="new")


def deleted(program: Program) -> None:
    """Delete a row."""
    program.supabase.remove("articles", 1)


def inserted(program: Program) -> None:
    """Insert a row."""
    program.supabase.write("articles", id=3, title="new")


def another_workers(program: Program) -> None:
    """Have another Worker write a row's entry, without metadata."""
    program.kv.set(ROW, b'{"id":1,"title":"of another Worker"}')


def another_workers_table(program: Program) -> None:
    """Have another Worker write the table's entry, without metadata."""
    program.kv.set(LIST, b"[]")


@pytest.mark.parametrize(
    "event", [edited, deleted, inserted, another_workers, another_workers_table]
)
@pytest.mark.parametrize("cached", ["all", "rows", "table"])
async def test_a_comparison_heals_what_no_webhook_told_of(
    program: Program, event: Callable[[Program], None], cached: str
) -> None:
    """Whatever of it is in KV. The next one finds nothing."""
    await fill(program, 1, 2)
    event(program)
    for key in {"all": [], "rows": [LIST], "table": [ROW, "/articles/2"]}[cached]:
        program.kv.lose(key)
    await program.tick(QUARTER)
    await program.live(61)  # nothing is in memory any more
    changed, written = program.events("changed"), len(program.kv.done)
    await program.tick(QUARTER)
    assert (program.events("changed"), len(program.kv.done)) == (changed, written)
    rows = {row["id"]: row for row in program.supabase.tables["articles"]}
    assert (await program.get(LIST)).json == list(rows.values())
    for number in (1, 2, 3):
        answer = await program.get(f"/articles/{number}")
        assert (answer.json if answer.status == 200 else None) == rows.get(number)


async def test_a_comparison_heals_a_row_that_came_and_went(program: Program) -> None:
    """Its entry differs from a table that is as it was, and as its own entry is."""
    await fill(program, 1)
    program.supabase.write("articles", id=3, title="x")
    await program.get("/articles/3")
    await program.live(2)
    program.supabase.remove("articles", 3)
    await program.tick(QUARTER)
    assert program.events("changed") == [{"event": "changed", "key": LIST, "entries": 1}]
    assert (await program.get("/articles/3")).status == 404


async def test_a_comparison_that_finds_nothing_writes_nothing() -> None:
    """It costs one read and two lists, whatever way a row's id or a row is spelled."""
    program = Program(tables={"products": {"key": "sku"}})
    long = "x" * 600
    for sku in ("1", "ü", long):
        program.supabase.write("products", sku=sku, price=1.0)
    await program.get("/products")
    for sku in ("1", "%C3%BC", long):
        await program.get(f"/products/{sku}")
    await program.live(2)
    for row in program.supabase.tables["products"]:  # columns in another order
        row["sku"] = row.pop("sku")
    program.kv.lose("/products")
    program.kv.tried.clear()
    program.supabase.requests.clear()
    await program.tick(QUARTER)
    assert program.supabase.asked[1:] == ["/products"]
    assert [what for _, what, _ in program.kv.tried] == ["list", "list"]
    assert program.events("unchanged") == [{"event": "unchanged", "key": "/products"}]


async def test_a_comparison_of_an_empty_cache_reads_nothing(program: Program) -> None:
    """There is nothing that could be out of date. Malformed entries are none."""
    program.kv.set("/articles_of_another_table", b"[]")
    program.kv.set(VERSION, b"0 0")
    program.kv.set(ROW, b'{"id": 1}', '{"v": 1}')
    program.kv.set(LIST, b"[]", "5")
    await program.tick(QUARTER)
    assert LIST not in program.supabase.asked
    assert program.kv.done == []


async def test_a_comparison_passes_over_what_is_pending(program: Program) -> None:
    """It is being carried out."""
    await fill(program, 1)
    program.supabase.write("articles", id=1, title="new")
    program.supabase.hold(ROW)
    program.supabase.hold(LIST)
    await program.webhook("articles", 1)
    await program.tick(QUARTER)
    assert program.events("unchanged")


async def test_a_comparison_passes_over_entries_that_are_stale_already(program: Program) -> None:
    """Readers have them read again, also another Worker's. One as new as the version counts."""
    await fill(program, 1, 2)
    await program.webhook("articles")
    await program.live(2)
    await program.get("/articles/2")
    await program.live(2)
    program.supabase.write("articles", id=1, title="new")
    program.kv.lose(LIST)
    program.kv.set("/articles/3", b'{"id":3}')
    program.log.clear()
    await program.tick(QUARTER)
    assert (len(program.events("unchanged")), len(program.events("changed"))) == (1, 0)
    program.supabase.write("articles", id=2, title="new")
    await program.tick(QUARTER)
    assert len(program.events("changed")) == 1


async def test_a_comparison_passes_over_entries_of_another_project(program: Program) -> None:
    """Readers do not take them for entries either."""
    await fill(program, 1)
    program.declare(supabase_url="https://moved.supabase.co")
    program.supabase.write("articles", id=1, title="new")
    await program.tick(QUARTER)
    assert LIST not in program.supabase.asked
    assert program.events("unchanged")


async def test_a_comparison_that_cannot_list_or_read_says_so(program: Program) -> None:
    """Entries stay as they are."""
    await fill(program, 1)
    program.supabase.write("articles", id=1, title="new")
    program.kv.refuse("list")
    await program.tick(QUARTER)
    program.kv.accept()
    program.supabase.answer(504)
    await program.tick(QUARTER)
    failed = [line["type"] for line in program.events("check_failed")]
    assert failed == ["kv-unavailable", "supabase-timeout"]
    assert await shows(program, LIST) == await shows(program) == ("old", "hit")
    assert (await program.status())["failures"] == 1


# What is told of it.


async def test_status_tells_how_refreshes_go(program: Program) -> None:
    """After a restart too."""
    await program.live(1)
    await program.get(LIST)
    await program.live(6)
    program.supabase.fail(httpx.ReadTimeout("slow"))
    await program.webhook("articles", 1)
    await program.live(0.01)
    told = await program.status()
    program.restart("articles")
    expected = {
        "refreshed_at": "2023-11-14T22:13:21+00:00",
        "pending": 2,
        "failures": 2,
        "last_error": "supabase-timeout",
        "failed_at": "2023-11-14T22:13:27+00:00",
    }
    for status in (told, await program.status()):
        assert status.items() >= expected.items()
        assert status["last_error_detail"].startswith(
            "Supabase gave no complete answer within 10 s"
        )
    program.supabase.mend()
    await program.live(20)
    status = await program.status()
    assert (status["pending"], status["failures"]) == (0, 0)
    assert str(status["refreshed_at"]) > "2023-11-14T22:13:22"


@pytest.mark.parametrize("why", ["refused", "under way", "too large", "only a row"])
async def test_a_table_that_kv_did_not_take_is_not_refreshed(program: Program, why: str) -> None:
    """What readers see is older."""
    if why == "refused":
        program.kv.refuse("put")
    if why == "under way":
        program.kv.hold(LIST)
    if why == "too large":
        program.supabase.write("articles", id=1, title="x" * MAX_VALUE_BYTES)
    await program.get(ROW if why == "only a row" else LIST)
    await program.live(5)
    assert (await program.status())["refreshed_at"] is None
