"""What readers get who have an entry that is out of date, or too old."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import httpx
import pytest
from program import Answer, Program

ROW, LIST = "/articles/1", "/articles"
OLD, NEW = "old", "new"
FRESH = "fwd=stale; fwd-status=200; stored"
SLOW = "fwd=stale; detail=supabase-slow"
NOT_ASKED = "hit; detail=supabase-failed-just-now"


def rows(count: int) -> list[str]:
    """Return the paths of so many rows."""
    return [f"/articles/{number + 1}" for number in range(count)]


async def with_stale(program: Program, count: int) -> list[str]:
    """Have entries of so many rows in KV which are out of date; return their paths."""
    for number in range(count):
        program.supabase.write("articles", id=number + 1, title=OLD)
    paths = rows(count)
    await together(program, paths)
    await program.live(2)
    for number in range(count):
        program.supabase.write("articles", id=number + 1, title=NEW)
    await program.webhook("articles")
    await program.live(2)
    program.supabase.requests.clear()
    program.supabase.most_at_once = 0
    return paths


async def together(program: Program, paths: Iterable[str]) -> list[Answer]:
    """Return what readers get who all ask at once."""
    return list(await asyncio.gather(*map(program.get, paths)))


async def timed(program: Program, paths: Iterable[str]) -> tuple[list[Answer], float]:
    """Return what readers get who all ask at once, and after how long."""
    began_s = program.clock.passed_s
    answers = await together(program, paths)
    return answers, round(program.clock.passed_s - began_s, 3)


async def test_all_get_new_bytes_while_supabase_answers(program: Program) -> None:
    """Ten rows are read at a time, each once.

    The queue takes four seconds, but each answer a fraction of one, so readers are patient.
    """
    paths = await with_stale(program, 100)
    program.supabase.delay_s = 0.4
    answers, took_s = await timed(program, [*paths, *[ROW] * 50])
    assert {answer.json["title"] for answer in answers} == {NEW}
    assert {answer.cache_status for answer in answers} == {FRESH}
    assert (program.supabase.most_at_once, took_s) == (10, 4)
    assert len(program.supabase.asked) == 100


async def test_a_reader_does_not_wait_for_a_silent_supabase(program: Program) -> None:
    """A second; the read goes on, and what it gives is stored."""
    await with_stale(program, 1)
    program.supabase.delay_s = 5
    (answer,), took_s = await timed(program, [ROW])
    assert (answer.json["title"], answer.cache_status, took_s) == (OLD, SLOW, 1)
    await program.live(4.1)
    assert (await program.get(ROW)).json["title"] == NEW
    assert program.supabase.asked == [ROW]


async def test_those_in_the_queue_do_not_wait_for_a_silent_supabase_either(
    program: Program,
) -> None:
    """It has not answered anybody."""
    paths = await with_stale(program, 30)
    program.supabase.delay_s = 5
    answers, took_s = await timed(program, paths)
    assert {answer.cache_status for answer in answers} == {SLOW}
    assert took_s <= 2


async def test_who_waits_for_a_slow_row_does_not_wait_because_others_are_fast(
    program: Program,
) -> None:
    """The second counts from when this one was asked for."""
    await with_stale(program, 1)
    program.supabase.hold(ROW)
    slow = asyncio.ensure_future(program.get(ROW))
    for number in range(11):
        await program.live(0.1)
        assert (await program.get(f"/articles/{10_000 + number}")).status == 404
    assert slow.done()
    assert (await slow).cache_status == SLOW


OF_ALL = [429, 502, 503, 504, 520, 521, 522, 523, 525, 526, 530]
"""Statuses by which a server, or who stands before it, says that it can serve nothing just now."""


@pytest.mark.parametrize("status", OF_ALL)
async def test_after_a_failure_supabase_is_left_alone_for_a_while(
    program: Program, status: int
) -> None:
    """By readers who have something to fall back on. Others ask it; its answer ends the pause."""
    one, two, three = await with_stale(program, 3)
    program.supabase.answer(status)
    told = (await program.get(one)).cache_status
    assert told.startswith(f"fwd=stale; fwd-status={status}; detail=supabase-")
    asked = len(program.supabase.asked)
    await program.live(4)
    assert (await program.get(two)).cache_status == NOT_ASKED
    assert len(program.supabase.asked) == asked
    assert (await program.get("/articles/4")).status in {502, 504}
    program.supabase.mend()
    assert (await program.get(two)).cache_status == NOT_ASKED
    assert (await program.get("/articles/5")).status == 404
    assert (await program.get(two)).cache_status == FRESH
    assert (await program.get(three)).cache_status == FRESH


@pytest.mark.parametrize("back_s", [0.001, 30, 3600])
async def test_a_clock_that_was_set_back_ends_the_pause(program: Program, back_s: float) -> None:
    """Supabase is asked again too soon rather than too late."""
    await with_stale(program, 1)
    program.supabase.fail()
    await program.get(ROW)
    program.supabase.mend()
    program.set_clock(by_s=-back_s)
    assert (await program.get(ROW)).cache_status == FRESH


async def test_the_pause_is_over_after_five_seconds(program: Program) -> None:
    await with_stale(program, 1)
    program.supabase.fail()
    await program.get(ROW)
    program.supabase.mend()
    await program.live(4.9)
    assert (await program.get(ROW)).cache_status == NOT_ASKED
    await program.live(0.1)
    assert (await program.get(ROW)).cache_status == FRESH


@pytest.mark.parametrize("of", [ROW, LIST])
@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (401, b"{}"), (200, b"<html>")])
async def test_a_failure_of_one_entry_keeps_no_other_out_of_date(
    program: Program, of: str, status: int, body: bytes
) -> None:
    """A row that its policy cannot judge, a table that takes too long; Supabase is well."""
    await with_stale(program, 2)
    program.supabase.answer(status, body, of=of)
    assert (await program.get(of)).status == (200 if of == ROW else 502)
    assert (await program.get("/articles/2")).cache_status == FRESH


async def test_a_failure_of_before_a_change_says_nothing_of_it(program: Program) -> None:
    """The row is asked for, though it failed just before."""
    await with_stale(program, 1)
    program.supabase.refuse(500, "57014", of=ROW)
    await program.get(ROW)
    assert (await program.get(ROW)).cache_status == NOT_ASKED
    program.supabase.mend()
    await program.webhook("articles")
    assert (await program.get(ROW)).cache_status == FRESH


async def test_a_queue_does_not_ask_a_supabase_that_failed(program: Program) -> None:
    """Those whose turn comes after the failure fall back on what they have."""
    paths = await with_stale(program, 100)
    program.supabase.delay_s = 0.1
    program.supabase.answer(503)
    answers = await together(program, paths)
    assert {answer.json["title"] for answer in answers} == {OLD}
    assert {answer.cache_status for answer in answers} == {
        "fwd=stale; fwd-status=503; detail=supabase-unavailable",
        NOT_ASKED,
    }
    assert len(program.supabase.asked) == 10 * 3


async def test_nobody_queues_for_a_supabase_that_failed(program: Program) -> None:
    """Though ten reads of before the failure are still under way."""
    paths = await with_stale(program, 11)
    for path in paths[:10]:
        program.supabase.hold(path)
    reading = [asyncio.ensure_future(program.get(path)) for path in paths[:10]]
    await program.live(0.1)
    program.supabase.answer(503, of="/articles/99")
    assert (await program.get("/articles/99")).status == 502
    (answer,), took_s = await timed(program, paths[10:])
    assert (answer.cache_status, took_s) == (NOT_ASKED, 0)
    await asyncio.gather(*reading)


async def test_the_entry_of_a_row_that_is_gone_goes(program: Program) -> None:
    """Nobody else would remove it. Such reads cost no budget: the rows had been there."""
    paths = await with_stale(program, 60)
    program.supabase.tables["articles"].clear()
    assert {answer.status for answer in await together(program, paths)} == {404}
    program.supabase.write("articles", id=99, title=NEW)
    assert (await program.get("/articles/99")).status == 200
    await program.live(2)
    assert not set(paths) & set(program.kv.keys)


async def test_rows_that_have_an_entry_are_not_limited_by_the_budget(program: Program) -> None:
    """They exist."""
    await with_stale(program, 1)
    await together(program, [f"/articles/{10_000 + number}" for number in range(60)])
    assert (await program.get(ROW)).json["title"] == NEW


# Entries that are older than their maximum age.


async def with_aged() -> Program:
    """Return a program in whose KV a row and the table have aged, and lie long out of memory."""
    program = Program(max_age_seconds=60)
    program.supabase.write("articles", id=1, title=OLD)
    for path in (ROW, LIST):
        await program.get(path)
    await program.live(61)
    program.supabase.write("articles", id=1, title=NEW)
    program.supabase.requests.clear()
    return program


@pytest.mark.parametrize("path", [ROW, LIST])
async def test_an_aged_entry_is_read_once_however_many_readers_come_upon_it(path: str) -> None:
    """Also by those to whom KV goes on showing it."""
    program = await with_aged()
    writing = program.kv.hold(path)
    program.supabase.delay_s = 0.1
    for _ in range(20):
        assert OLD in str((await program.get(path)).json)
        await program.live(0.05)
    assert program.supabase.asked == [path]
    writing.set()
    await program.live(1)
    assert NEW in str((await program.get(path)).json)


async def test_an_entry_that_kv_shows_for_good_is_read_anew_in_the_end() -> None:
    """Its write was given up, or somebody else wrote it."""
    program = await with_aged()
    program.kv.refuse("put")
    await program.get(ROW)
    await program.live(59)
    await program.get(ROW)
    assert program.supabase.asked == [ROW]
    await program.live(2)
    await program.get(ROW)
    await program.live(1)
    assert program.supabase.asked == [ROW, ROW]


async def test_a_clock_that_was_set_back_has_an_entry_read_anew_rather_than_not() -> None:
    """What KV shows seems to be asked for later than what was read since."""
    program = Program(max_age_seconds=60)
    program.supabase.write("articles", id=1, title=OLD)
    program.kv.set(ROW, b'{"id": 1, "title": "of another Worker"}')
    await program.get(ROW)
    await program.live(1)
    program.set_clock(by_s=-3600)
    program.kv.set(ROW, b'{"id": 1, "title": "of another Worker"}')
    await program.get(ROW)
    await program.live(1)
    assert program.supabase.asked == [ROW, ROW]


async def test_aged_entries_are_left_alone_after_a_failure() -> None:
    """They are good enough until Supabase is well."""
    program = await with_aged()
    program.supabase.answer(503, of=ROW)
    for _ in range(3):
        assert (await program.get(ROW)).cache_status.startswith("hit")
        await program.live(1)
    assert program.supabase.asked == [ROW] * 3  # the attempts of one read
    assert len(program.events("renew_failed")) == 1
    program.supabase.mend()
    await program.live(5)
    await program.get(ROW)
    await program.live(1)
    assert (await program.get(ROW)).json["title"] == NEW


@pytest.mark.parametrize("refuses", [True, False])
async def test_the_aged_entry_of_a_row_that_is_gone_goes_too(*, refuses: bool) -> None:
    """Also if KV refuses at first."""
    program = await with_aged()
    program.supabase.remove("articles", 1)
    if refuses:
        program.kv.refuse("delete")
    assert (await program.get(ROW)).status == 200
    await program.live(3)
    program.kv.accept()
    await program.live(20)
    assert ROW not in program.kv.keys
    assert (await program.get(ROW)).status == 404


async def test_an_aged_entry_is_read_anew_after_a_restart() -> None:
    """Nothing is known of it."""
    program = await with_aged()
    program.restart("articles")
    await program.get(ROW)
    await program.live(1)
    assert program.kv.json(ROW)["title"] == NEW


async def test_a_supabase_that_breaks_off_fails_like_one_that_refuses(program: Program) -> None:
    await with_stale(program, 1)
    program.supabase.fail(httpx.ReadError("broken"))
    answer = await program.get(ROW)
    assert (answer.json["title"], answer.cache_status) == (
        OLD,
        "fwd=stale; detail=supabase-unreachable",
    )
