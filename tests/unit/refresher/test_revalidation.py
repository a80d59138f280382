"""All entries are made fresh on request."""

from __future__ import annotations

import asyncio

import pytest
from program import Program
from refreshing import (
    ALL,
    LIST,
    QUIET,
    VERSIONS,
    fill,
    forget,
    hit,
    pending,
    read,
    row,
    status,
    with_entries,
    write,
)


async def test_after_a_revalidation_all_entries_are_fresh(program: Program) -> None:
    """The table's is overwritten; readers of rows have them read again, those that are gone too."""
    await with_entries(program, 1, 2)
    write(program, 1)
    program.supabase.remove("articles", 2)
    assert (await program.revalidate()).json == {"received": True}
    assert await hit(program, LIST) == [row(1, "new")]
    assert (await program.get("/articles/1")).json == row(1, "new")
    assert (await program.get("/articles/2")).status == 404
    await program.live(2)
    assert await hit(program, "/articles/1") == row(1, "new")


async def test_a_revalidation_right_after_a_miss_reads_the_table_once(program: Program) -> None:
    """KV takes the new entry a second after the old one. Nobody reads the table in between."""
    write(program, 1)
    await program.get(LIST)
    await program.live(0.1)
    forget(program)
    await program.revalidate()
    await program.live(3)
    assert program.supabase.count(LIST) == 1


@pytest.mark.parametrize("key", [LIST, VERSIONS])
async def test_a_revalidation_is_over_once_kv_has_everything(program: Program, key: str) -> None:
    await with_entries(program, 1)
    gate = program.kv.hold(key)
    revalidating = asyncio.ensure_future(program.revalidate())
    await program.live(5)
    assert not revalidating.done()
    gate.set()
    assert (await revalidating).status == 200


async def test_a_read_that_began_before_is_not_what_a_revalidation_gives(program: Program) -> None:
    """It sees every change that was committed before it was asked for; many share one read."""
    gate = program.supabase.hold(LIST)
    reading = asyncio.ensure_future(program.get(LIST))
    await program.live()
    write(program, 1)
    revalidating = [asyncio.ensure_future(program.revalidate()) for _ in range(10)]
    await program.live()
    program.supabase.mend()
    gate.set()
    assert (await reading).json == []
    assert {answer.status for answer in await asyncio.gather(*revalidating)} == {200}
    assert await hit(program, LIST) == [row(1, "new")]
    assert program.supabase.count(LIST) <= 4


@pytest.mark.parametrize("answered", [401, 200, 504])
async def test_after_a_revalidation_that_fails_readers_get_the_last_good_answer(
    program: Program, answered: int
) -> None:
    """The answer says that it is old."""
    await with_entries(program, 1)
    program.supabase.answer(answered, b"")
    assert (await program.revalidate()).status in {502, 504}
    await program.live(2)
    for path, old in ((LIST, [row(1)]), ("/articles/1", row(1))):
        answer = await program.get(path)
        assert answer.json == old
        assert "detail=supabase-" in answer.cache_status
    program.supabase.mend()
    await program.live(15)
    assert await pending(program) == 0
    assert await hit(program, LIST) == [row(1)]


@pytest.mark.parametrize(("key", "for_s"), [(LIST, 10), (VERSIONS, 100)])
async def test_a_revalidation_that_kv_refuses_says_so_and_goes_on(
    program: Program, key: str, for_s: float
) -> None:
    """It goes on for as long as KV refuses."""
    await with_entries(program, 1)
    write(program, 1)
    program.kv.refuse("put", key)
    answer = await program.revalidate()
    assert (answer.status, answer.slug) == (503, "kv-unavailable")
    await program.live(for_s)
    assert await pending(program) == 1
    program.kv.accept()
    await program.live(20)
    assert await hit(program, LIST) == [row(1, "new")]
    assert (await program.get("/articles/1")).json == row(1, "new")
    assert await pending(program) == 0


async def test_a_revalidation_carries_out_what_is_pending(program: Program) -> None:
    """What came in while it read stays pending."""
    await with_entries(program, 1, 2)
    program.supabase.fail(of="/articles/1")
    await program.webhook("articles", 1)
    await program.live(2)
    whole, one = program.supabase.hold(LIST), program.supabase.hold("/articles/2")
    revalidating = asyncio.ensure_future(program.revalidate())
    await program.live()
    write(program, 2)
    await program.webhook("articles", 2)
    await program.live()
    whole.set()
    await revalidating
    assert await pending(program) > 0
    program.supabase.mend()
    one.set()
    await program.live(7)
    assert await pending(program) == 0
    assert await hit(program, "/articles/2") == row(2, "new")
    assert await hit(program, LIST) == [row(1), row(2, "new")]


@pytest.mark.parametrize("back_s", [0.001, 30, 3600])
@pytest.mark.parametrize("restarts", [False, True])
async def test_a_clock_that_was_set_back_makes_no_old_entry_fresh(
    program: Program, back_s: float, restarts: bool
) -> None:
    """Versions tell, not times, also in the life of an object on another machine."""
    await with_entries(program, 1)
    program.set_clock(by_s=-back_s)
    if restarts:
        program.restart("articles")
    write(program, 1)
    await program.revalidate()
    assert (await program.get("/articles/1")).json == row(1, "new")
    await program.live(2)
    assert await hit(program, "/articles/1") == row(1, "new")


@pytest.mark.parametrize("answered", ["gateway", "PostgREST"])
async def test_a_revalidation_reaches_queries_of_a_table_that_cannot_be_read(
    program: Program, answered: str
) -> None:
    """A query may ask for other columns than those that the key may not read any more."""
    write(program, 1, title="old")
    await fill(program, ALL)
    write(program, 1)
    if answered == "gateway":
        program.supabase.answer(401, b"", of=LIST)
    else:
        program.supabase.refuse(401, "42501", of=LIST)
    assert (await program.revalidate()).status == 502
    await program.live(1)
    assert (await read(program, ALL)).json == [row(1, "new")]


async def test_health_tells_how_refreshes_go(program: Program) -> None:
    """It tells the same after a restart."""
    told = await status(program)
    quiet = {**QUIET, "refused": False}
    assert {name: told[name] for name in quiet} == quiet
    await program.live(1)
    await program.get(LIST)
    await read(program, ALL)
    await program.live(6)
    program.supabase.answer(401, b"")
    await program.webhook("articles", 1)
    await program.live(0.1)
    expected = {
        "refreshed_at": "2023-11-14T22:13:21+00:00",
        "pending": 1,
        "failures": 2,
        "last_error": "supabase-rejected",
        "failed_at": "2023-11-14T22:13:27+00:00",
        "queries": 1,
        "shared": False,
    }
    for _ in range(2):
        told = await status(program)
        assert {name: told[name] for name in expected} == expected
        assert told["last_error_detail"].startswith("Supabase answered 401")
        program.restart("articles")
    program.supabase.mend()
    await program.live(20)
    told = await status(program)
    assert (told["pending"], told["failures"]) == (0, 0)
    assert told["refreshed_at"] > "2023-11-14T22:13:27"


@pytest.mark.parametrize("why", ["it refuses", "it has not answered", "it was given a row"])
async def test_a_table_that_kv_did_not_take_was_not_refreshed(program: Program, why: str) -> None:
    """What readers see is older."""
    write(program, 1)
    if why == "it refuses":
        program.kv.refuse("put")
    elif why == "it has not answered":
        program.kv.hold(LIST)
    await program.get("/articles/1" if why == "it was given a row" else LIST)
    await program.live(5)
    assert (await status(program))["refreshed_at"] is None
