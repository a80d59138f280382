"""Queries that readers asked for lately are read again as soon as a change is known."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from program import Program
from refreshing import (
    ALL,
    DAY_S,
    forget,
    hit,
    pending,
    read,
    row,
    status,
    write,
)

NEW = [row(1, "new")]
OUTDATED = "fwd=stale; fwd-status=200; stored"


def numbered(count: int) -> list[str]:
    """Return the paths of so many queries."""
    return [f"/rest/v1/articles?limit={number}" for number in range(1, count + 1)]


async def with_warm(program: Program, *paths: str) -> None:
    """Have entries of queries in KV, which were asked for in this order."""
    write(program, 1, title="old")
    for path in paths:
        await read(program, path)
    await program.live(10)
    forget(program)


async def edit(program: Program) -> None:
    """Edit a row, and tell of it."""
    write(program, 1)
    await program.webhook("articles", 1)


def reads(program: Program) -> list[str]:
    """Return which queries were read."""
    return [name for name in program.supabase.asked if name.startswith("/rest/")]


async def test_no_reader_waits_for_a_query_that_is_kept_warm(program: Program) -> None:
    """A moment after the change its entry is fresh; health tells how many are."""
    await with_warm(program, ALL)
    assert (await status(program))["queries"] == 1
    await edit(program)
    await program.live(0.5)
    assert await hit(program, ALL) == NEW
    assert await pending(program) == 0
    assert {str(line["key"]) for line in program.events("applied")} >= {
        "/articles?versions",
        "/articles?versions&lists",
    }


async def test_four_are_read_at_once_those_asked_for_most_lately_first(program: Program) -> None:
    """Fifty are read at a time. So readers of others find Supabase free."""
    paths = numbered(60)
    await with_warm(program, *paths)
    gate = program.supabase.hold()
    await edit(program)
    await program.live(1)
    assert reads(program) == paths[:-5:-1]
    program.supabase.mend()
    gate.set()
    await program.live(3)
    assert reads(program) == paths[:9:-1]
    assert await hit(program, paths[10]) == NEW
    await program.live(5)
    assert await hit(program, paths[0]) == NEW


async def test_they_are_read_again_every_five_seconds_at_most(program: Program) -> None:
    """Whoever asks before that gets what is new anyway."""
    await with_warm(program, ALL)
    for _ in range(40):
        await edit(program)
        await program.live(0.5)
    await program.live(10)
    times = program.supabase.asked_at(ALL)
    assert {round(later - at, 1) for at, later in itertools.pairwise(times)} == {5.0}
    assert await pending(program) == 0


@pytest.mark.parametrize("path", [ALL, "/articles/1"])
async def test_changes_read_it_again_twice_until_somebody_asks(program: Program, path: str) -> None:
    """A table that is edited all day does not have its lists read for nobody."""
    await with_warm(program, path)
    for _ in range(4):
        await edit(program)
        await program.live(20)
    assert program.supabase.count(path) == 2
    assert (await read(program, path)).cache_status == OUTDATED
    await edit(program)
    await program.live(1)
    assert await pending(program) == 0
    assert await hit(program, path) in (NEW, NEW[0])


async def test_a_reader_in_between_gets_what_is_new(program: Program) -> None:
    """That saves the next read."""
    await with_warm(program, ALL)
    await edit(program)
    await program.live(1)
    write(program, 1, title="newest")
    await program.webhook("articles", 1)
    await program.live(1)
    answer = await read(program, ALL)
    assert (answer.json, answer.cache_status) == ([row(1, "newest")], OUTDATED)
    await program.live(10)
    assert reads(program) == [ALL] * 2
    assert await pending(program) == 0


async def test_after_a_restart_they_are_read_at_once(program: Program) -> None:
    """What is kept warm, and that a change is pending, is in storage."""
    await with_warm(program, *numbered(3))
    program.supabase.answer(503)
    await edit(program)
    await program.live(0.5)
    program.supabase.mend()
    forget(program)
    program.restart("articles")
    await status(program)
    await program.live(0.5)
    assert sorted(reads(program)) == numbered(3)
    for path in numbered(3):
        assert await hit(program, path) == NEW
    assert await pending(program) == 0


async def test_a_change_in_the_midst_has_them_read_once_more(program: Program) -> None:
    """What was read before it does not count as having it."""
    await with_warm(program, ALL)
    gate = program.supabase.hold(ALL)
    await edit(program)
    await program.live(0.5)
    write(program, 1, title="newest")
    await program.webhook("articles", 1)
    program.supabase.mend()
    gate.set()
    await program.live(2)
    assert await pending(program) == 1
    await program.live(5)
    assert await hit(program, ALL) == [row(1, "newest")]
    assert await pending(program) == 0


async def test_a_readers_read_begun_before_is_not_taken_for_it(program: Program) -> None:
    """A read that began since is."""
    await with_warm(program, ALL)
    await program.live(291)
    gate = program.supabase.hold(ALL)
    assert await hit(program, ALL) == [row(1)]  # which has the aged entry renewed
    await program.live()
    program.supabase.mend()
    program.supabase.delay_s = 0.1
    await edit(program)
    await program.live(0.5)
    late = asyncio.ensure_future(read(program, ALL))
    await program.live()
    gate.set()
    assert (await late).json == NEW
    await program.live(5)
    assert await hit(program, ALL) == NEW
    assert reads(program) == [ALL] * 2
    assert program.events("internal_error") == []


@pytest.mark.parametrize("failure", [401, 200, 500, KeyError("x")])
async def test_one_that_fails_holds_up_no_other(program: Program, failure: int | Exception) -> None:
    """It is tried again when a reader asks, or if the fault is ours. Its entry stays."""
    *others, failing = numbered(9)
    await with_warm(program, *others, failing)
    if isinstance(failure, Exception):
        program.supabase.fail(failure, of=failing)
    else:
        program.supabase.answer(failure, b"", of=failing)
    await edit(program)
    await program.live(0.5)
    for path in others:
        assert await hit(program, path) == NEW
    if not isinstance(failure, Exception):
        await program.live(60)
        assert len(reads(program)) == 9
        assert await pending(program) == 0
    program.supabase.mend()
    assert (await read(program, failing)).cache_status == OUTDATED


async def test_one_with_a_final_answer_goes(program: Program) -> None:
    """The others are read."""
    one, other = numbered(2)
    await with_warm(program, one, other)
    program.supabase.refuse(400, "42703", of=other)
    await edit(program)
    await program.live(2)
    assert other not in program.kv.keys
    assert await hit(program, one) == NEW
    assert await pending(program) == 0
    assert (await read(program, other)).status == 400


async def test_that_supabase_is_down_stops_it_until_it_is_well(program: Program) -> None:
    """Fifty queries are not fifty attempts."""
    paths = numbered(50)
    await with_warm(program, *paths)
    program.supabase.answer(503)
    await edit(program)
    await program.live(4)
    assert len(reads(program)) == 4
    assert await pending(program) == 1
    line = next(one for one in program.events("retry_scheduled") if "lists" in str(one["key"]))
    assert line["type"] == "supabase-failed-just-now"
    await program.live(60)
    assert len(reads(program)) <= 4 * 13
    program.supabase.mend()
    await program.live(15)
    for path in paths:
        assert await hit(program, path) == NEW
    assert await pending(program) == 0


async def test_those_under_way_are_waited_for_before_it_is_tried_again(program: Program) -> None:
    """Otherwise more and more would be under way."""
    paths = numbered(4)
    await with_warm(program, *paths)
    gate = program.supabase.hold(paths[0])
    program.supabase.answer(503, of=paths[1])
    await edit(program)
    await program.live(9)
    assert len(reads(program)) == 4
    program.supabase.mend()
    gate.set()
    await program.live(12)
    assert await pending(program) == 0


async def test_those_that_were_read_before_it_went_down_are_not_read_again(
    program: Program,
) -> None:
    """Only the others are, once Supabase is well."""
    paths = numbered(8)
    await with_warm(program, *paths)
    for path in paths[:4]:
        program.supabase.answer(503, of=path)
    await edit(program)
    await program.live(1)
    program.supabase.mend()
    await program.live(20)
    assert [reads(program).count(path) for path in paths[4:]] == [1] * 4
    for path in paths:
        assert await hit(program, path) == NEW


async def test_whether_kv_takes_them_is_not_waited_for(program: Program) -> None:
    """Readers know that the old ones are out of date."""
    await with_warm(program, ALL)
    program.kv.hold(ALL)
    await edit(program)
    await program.live(2)
    assert (await read(program, ALL)).cache_status == "hit; detail=memory"
    assert await pending(program) == 0


async def test_what_nobody_asked_for_in_a_day_is_not_read(program: Program) -> None:
    """Its entry is out of date until somebody does."""
    await with_warm(program, ALL)
    await program.live(DAY_S)
    await edit(program)
    await program.live(5)
    assert reads(program) == []
    assert await pending(program) == 0
    assert (await read(program, ALL)).cache_status == OUTDATED


async def test_a_revalidation_has_them_read_again(program: Program) -> None:
    """That begins soon after it was answered."""
    await with_warm(program, ALL)
    write(program, 1)
    await program.revalidate()
    await program.live(1)
    assert await hit(program, ALL) == NEW
