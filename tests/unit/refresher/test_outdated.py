"""What readers get whose entry is out of date, or has aged, and what that costs Supabase."""

from __future__ import annotations

import asyncio

import pytest
from program import Answer, Program
from refreshing import (
    ALL,
    LIST,
    fill,
    forget,
    hit,
    pending,
    read,
    read_all,
    row,
    with_outdated,
    write,
)

FAR = "elsewhere"
NEW = "fwd=stale; fwd-status=200; stored"
SLOW = "fwd=stale; detail=supabase-slow"
JUST_NOW = "hit; detail=supabase-failed-just-now"


@pytest.fixture
def ageing() -> Program:
    """Return a program with a row whose entries age after half a minute."""
    program = Program(tables={"articles": {}}, max_age_seconds=30, query_max_age_seconds=30)
    write(program, 1, title="old")
    return program


async def with_outdated_rows(program: Program, count: int) -> list[str]:
    """Have entries of so many rows in KV that are out of date; return their paths."""
    write(program, *range(count), title="old")
    paths = [f"/articles/{key}" for key in range(count)]
    await with_outdated(program, *paths)
    return paths


def told(answers: list[Answer]) -> set[str]:
    """Return what the answers say of the cache."""
    return {answer.cache_status for answer in answers}


async def test_rows_are_read_again_ten_at_a_time(program: Program) -> None:
    """Their readers are patient while Supabase answers others: here for four seconds."""
    paths = await with_outdated_rows(program, 100)
    program.supabase.delay_s = 0.4
    program.supabase.most_at_once = 0
    began_s = program.clock.passed_s
    answers = await read_all(program, paths)
    assert told(answers) == {NEW}
    assert {answer.json["title"] for answer in answers} == {"new"}
    assert program.supabase.most_at_once == 10
    assert round(program.clock.passed_s - began_s, 3) == 4


@pytest.mark.parametrize(("count", "wait_s"), [(1, 1), (30, 2)])
async def test_nobody_waits_for_a_silent_supabase(
    program: Program, count: int, wait_s: float
) -> None:
    """Those in the queue do not wait either. The reads go on, and what they give is stored."""
    paths = await with_outdated_rows(program, count)
    program.supabase.delay_s = 5
    began_s = program.clock.passed_s
    answers = await read_all(program, paths)
    assert told(answers) == {SLOW}
    assert answers[0].json == row(0)
    assert program.clock.passed_s - began_s <= wait_s
    await program.live(4.1)
    assert await hit(program, paths[0]) == row(0, "new")
    assert program.supabase.count(paths[0]) == 1


async def test_a_slow_row_makes_nobody_wait_because_others_are_fast(program: Program) -> None:
    """The second counts from when this one was asked for."""
    await with_outdated_rows(program, 1)
    program.supabase.hold("/articles/0")
    slow = asyncio.ensure_future(program.get("/articles/0"))
    for number in range(19):
        await asyncio.sleep(0.1)
        assert (await program.get(f"/articles/no-{number}")).status == 404
        if number != 9:
            assert slow.done() == (number > 9)
    assert (await slow).cache_status == SLOW


async def test_queries_wait_a_second_in_all_however_long_the_queue(program: Program) -> None:
    """Ten are read at once; whoever is behind them gets the old answer."""
    write(program, 1, title="old")
    paths = [f"{ALL}&limit={number}" for number in range(1, 31)]
    await with_outdated(program, *paths)
    program.supabase.delay_s = 0.6
    waits: list[float] = []

    async def one(path: str) -> str:
        began_s = program.clock.passed_s
        answer = await read(program, path)
        waits.append(round(program.clock.passed_s - began_s, 3))
        return str(answer.json[0]["title"])

    titles = await asyncio.gather(*map(one, paths))
    assert (titles.count("new"), titles.count("old")) == (10, 20)
    assert set(waits) == {0.6, 1}
    await program.live(2)
    for path in paths:
        assert await hit(program, path) == [row(1, "new")]


async def test_the_readers_of_one_entry_cost_one_read(program: Program) -> None:
    """There may be many of them, and they leave room for others."""
    paths = await with_outdated_rows(program, 2)
    await with_outdated(program, ALL)
    program.supabase.delay_s = 0.1
    began_s = program.clock.passed_s
    answers = await read_all(program, [paths[0]] * 100 + [ALL] * 100 + [paths[1]])
    assert told(answers) == {NEW}
    assert sorted(program.supabase.asked) == sorted([*paths, ALL])
    assert round(program.clock.passed_s - began_s, 3) == 0.1


async def test_rows_that_have_an_entry_need_no_budget_for_lookups(program: Program) -> None:
    """They existed when it was written. Those that are gone by now cost no budget."""
    paths = await with_outdated_rows(program, 61)
    program.supabase.tables["articles"] = [row(60, "new"), row(61, "new")]
    assert {answer.status for answer in await read_all(program, paths[:60])} == {404}
    assert (await program.get("/articles/61")).status == 200
    await read_all(program, [f"/articles/no-{number}" for number in range(60)])
    assert (await program.get("/articles/60")).json == row(60, "new")


async def test_while_supabase_is_down_it_is_left_alone_by_who_has_an_entry(
    program: Program,
) -> None:
    """Others ask it. An answer to them ends that; else it lasts five seconds."""
    first, second = await with_outdated_rows(program, 2)
    program.supabase.answer(503)
    answer = await program.get(first)
    assert answer.cache_status == "fwd=stale; fwd-status=503; detail=supabase-unavailable"
    forget(program)
    assert (await program.get(second)).cache_status == JUST_NOW
    assert program.supabase.asked == []
    assert (await program.get("/articles/cold")).status == 502
    await program.live(4.9)
    assert (await program.get(second)).cache_status == JUST_NOW
    program.supabase.mend()
    await program.live(0.2)
    assert (await program.get(second)).cache_status == NEW
    program.supabase.answer(503, of="/articles/cold")
    await program.get("/articles/cold")
    assert (await program.get(first)).cache_status == JUST_NOW
    assert (await program.get("/articles/colder")).status == 404
    assert (await program.get(first)).cache_status == NEW


@pytest.mark.parametrize("failing", [LIST, ALL])
async def test_what_fails_for_itself_keeps_nothing_else_out_of_date(
    program: Program, failing: str
) -> None:
    """Supabase is well if one table, or one query, cannot be read."""
    (path,) = await with_outdated_rows(program, 1)
    await with_outdated(program, ALL)
    program.supabase.answer(500, of=failing)
    if failing == LIST:
        assert (await program.revalidate()).status == 502
    else:
        answer = await read(program, ALL)
        assert answer.cache_status == "fwd=stale; fwd-status=500; detail=supabase-unavailable"
        assert (await read(program, ALL)).cache_status == JUST_NOW
    assert (await program.get(path)).cache_status == NEW


async def test_a_queue_of_readers_does_not_ask_a_supabase_that_failed(program: Program) -> None:
    """Those whose turn comes after the failure get what they have."""
    paths = await with_outdated_rows(program, 100)
    program.supabase.delay_s = 0.05
    program.supabase.answer(503)
    answers = await read_all(program, paths)
    assert told(answers) == {
        "fwd=stale; fwd-status=503; detail=supabase-unavailable",
        JUST_NOW,
    }
    assert len(set(program.supabase.asked)) == 10


async def test_nobody_waits_for_a_turn_after_supabase_failed(program: Program) -> None:
    """Ten reads that began before the failure still take all turns."""
    *paths, late = await with_outdated_rows(program, 11)
    for path in paths:
        program.supabase.hold(path)
    reading = asyncio.ensure_future(read_all(program, paths))
    await program.live(0.1)
    program.supabase.answer(503, of="/articles/99")
    assert (await program.get("/articles/99")).status == 502
    failed_s = program.clock.passed_s
    assert (await program.get(late)).cache_status == JUST_NOW
    assert program.clock.passed_s == failed_s
    await reading


async def test_a_revalidated_row_is_asked_for_though_it_failed_just_before(
    program: Program,
) -> None:
    """That failure was of a read that began before."""
    (path,) = await with_outdated_rows(program, 1)
    program.supabase.answer(500, of=path)
    await program.get(path)
    assert (await program.get(path)).cache_status == JUST_NOW
    program.supabase.mend()
    program.forget_readers("articles")
    await program.revalidate()
    assert (await program.get(path)).cache_status == NEW


@pytest.mark.parametrize("has", ["an outdated entry", "an aged entry"])
@pytest.mark.parametrize("path", ["/articles/1", ALL])
async def test_an_entry_that_is_no_answer_any_more_goes(
    ageing: Program, has: str, path: str
) -> None:
    """It goes even if KV refuses at first, and it does not come back from memory."""
    await with_outdated(ageing, path)
    if has == "an aged entry":
        await read(ageing, path)
        await ageing.live(61)
    ageing.supabase.remove("articles", 1)
    if path == ALL:
        ageing.supabase.refuse(400, "42703")
    ageing.kv.refuse("delete")
    final = 404 if path == "/articles/1" else 400
    answer = await read(ageing, path)
    assert answer.status == (200 if has == "an aged entry" else final)
    await ageing.live(5)
    assert path in ageing.kv.keys
    ageing.kv.accept()
    await ageing.live(20)
    assert path not in ageing.kv.keys
    assert (await read(ageing, path)).status == final


@pytest.mark.parametrize("path", [LIST, "/articles/1", ALL])
async def test_an_aged_entry_costs_one_read_and_write_however_many_see_it(
    ageing: Program, path: str
) -> None:
    """Many see it at once, and others while KV goes on showing it."""
    await read(ageing, path)
    await ageing.live(31)
    ageing.supabase.delay_s = 0.1
    for _ in range(20):
        await asyncio.gather(*(read(ageing, path, at=FAR) for _ in range(5)))
        await ageing.live(1)
    assert ageing.supabase.count(path) == 2
    assert len(ageing.kv.writes(path)) == 2
    assert ageing.kv.metadata(path)["askedAt"] == ageing.kv.metadata(path)["readAt"]


async def test_aged_entries_are_left_alone_after_a_failure(ageing: Program) -> None:
    """They are good enough until Supabase is well. Nothing else is known of them here."""
    await fill(ageing, "/articles/1")
    await ageing.live(61)
    ageing.restart("articles")
    ageing.supabase.answer(503)
    for _ in range(3):
        assert (await ageing.get("/articles/1")).json == row(1)
        await ageing.live(1)
    assert len(ageing.supabase.asked) == 3  # one read, tried three times
    assert await pending(ageing) == 0
