"""What readers of queries get, and what that costs Supabase and KV."""

from __future__ import annotations

from collections import Counter

import pytest
from program import Program
from refreshing import (
    ALL,
    DAY_S,
    LIST,
    VERSIONS,
    fill,
    hit,
    read,
    read_all,
    row,
    status,
    with_outdated,
    write,
)

STORED = "fwd=uri-miss; fwd-status=200; stored"
OVERLOADED = "fwd=bypass; fwd-status=200; detail=overloaded"
EMBEDDING = "/rest/v1/articles?select=id,author(name)"
SINGLE = {"accept": "application/vnd.pgrst.object+json"}


def queries(count: int, name: str = "limit") -> list[str]:
    """Return the paths of so many queries, each of which has an answer of its own."""
    return [f"/rest/v1/articles?{name}={number}" for number in range(1, count + 1)]


async def test_an_entry_stays_for_thirty_days(program: Program) -> None:
    """Entries of tables and rows stay for ever."""
    write(program, 1)
    await fill(program, ALL, LIST, "/articles/1")
    await program.live(30 * DAY_S - 3)
    assert ALL in program.kv.keys
    await program.live(3)
    assert program.kv.keys == [LIST, "/articles/1"]


async def test_thirty_are_read_at_once_and_a_hundred_wait(program: Program) -> None:
    """More are passed on, so that nobody waits for long."""
    program.supabase.delay_s = 0.1
    answers = await read_all(program, queries(132))
    told = Counter(answer.cache_status for answer in answers)
    assert told == {STORED: 130, OVERLOADED: 2}
    asked = Counter(round(one.at_s, 3) for one in program.supabase.requests if not one.passed)
    assert asked == {0: 30, 0.1: 30, 0.2: 30, 0.3: 30, 0.4: 10}
    assert (await read(program, ALL)).status == 200


async def test_nobody_waits_longer_than_ten_seconds_for_a_turn(program: Program) -> None:
    """Supabase is too slow then; the next one gets a turn."""
    program.supabase.delay_s = 6
    answers = await read_all(program, queries(65))
    assert Counter(answer.status for answer in answers) == {200: 60, 504: 5}
    assert program.clock.passed_s == 12
    assert (await read(program, ALL)).status == 200


async def test_those_that_fail_leave_their_place_to_others(program: Program) -> None:
    """Each that waits has its turn."""
    program.supabase.answer(500)
    for _ in range(3):
        answers = await read_all(program, queries(100))
        assert {answer.status for answer in answers} == {500}


async def test_of_queries_that_never_repeat_few_are_written(program: Program) -> None:
    """A thousand are written at once, and one a second. A query that repeats is written."""
    for number, path in enumerate(queries(1050)):
        answer = await read(program, path)
        assert answer.cache_status == STORED.removesuffix("" if number < 1000 else "; stored")
    await program.live(2)
    assert len([key for _, _, key in program.kv.done if key != VERSIONS]) == 1000
    stored = [(await read(program, path)).cache_status == STORED for path in queries(3, "offset")]
    assert stored == [True, True, False]
    assert (await read(program, queries(1050)[-1])).cache_status == STORED
    assert (await read(program, queries(1050)[-1])).cache_status == "hit; detail=memory"


async def test_a_flood_does_not_crowd_out_what_is_kept_warm(program: Program) -> None:
    """After a change nothing of the flood is read again."""
    for number in range(10):
        await read_all(program, [f"{path}{number}" for path in queries(100)])
    await fill(program, *queries(60, "offset"))
    assert (await status(program))["queries"] == 200
    await program.webhook("articles", 1)
    await program.live(5)
    assert len([name for name in program.supabase.asked if "limit" in name]) <= 100
    assert not [name for name in program.supabase.asked if "offset" in name]


@pytest.mark.parametrize("known", ["outdated", "aged"])
async def test_what_kv_has_is_written_whatever_the_flood(program: Program, known: str) -> None:
    """It is no new key, though the object may not know it any more."""
    write(program, 1, title="old")
    if known == "outdated":
        await with_outdated(program, ALL)
    else:
        await fill(program, ALL)
        await program.live(301)
        write(program, 1)
    program.restart("articles")
    await read_all(program, queries(100))
    await read(program, ALL)
    await program.live(2)
    assert await hit(program, ALL) == [row(1, "new")]


async def test_that_there_is_no_row_is_stored_as_any_answer(program: Program) -> None:
    """A hit has the same status."""
    for told in ("fwd=uri-miss; fwd-status=406; stored", "hit; ttl=299"):
        answer = await program.query("articles?id=eq.1", **SINGLE)
        assert (answer.status, answer.json["code"]) == (406, "PGRST116")
        assert answer.cache_status == told
        await program.live(1)


async def test_a_final_answer_says_nothing_of_supabases_health(program: Program) -> None:
    """It is told to whoever asked; nothing is written, and nobody else is kept waiting."""
    write(program, 1)
    program.supabase.refuse(400, "42703", of=ALL)
    other = f"{ALL}&limit=1"
    await with_outdated(program, other)
    assert (await read(program, ALL)).status == 400
    told = await status(program)
    assert (told["failures"], told["queries"]) == (0, 0)
    (line,) = program.events("final_answer")
    assert str(line["detail"]).startswith("Supabase answered 400 with code 42703")
    assert (await read(program, other)).cache_status == "fwd=stale; fwd-status=200; stored"
    await program.live(2)
    assert ALL not in program.kv.keys


async def test_a_final_answer_ends_an_outage(program: Program) -> None:
    """Supabase is there."""
    program.supabase.answer(503)
    await read(program, ALL)
    assert (await status(program))["failures"] == 1
    program.supabase.mend()
    program.supabase.refuse(400, "42703")
    await read(program, ALL)
    assert (await status(program))["failures"] == 0


async def test_without_a_catalogue_an_embedding_depends_on_everything(program: Program) -> None:
    """Nobody knows which tables it reads, so any change makes it outdated."""
    write(program, 1, title="old")
    await fill(program, EMBEDDING)
    write(program, 1)
    await program.webhook("authors", 1)
    await program.live(6)
    assert await hit(program, EMBEDDING) == [row(1, "new")]
    assert set(program.supabase.asked) == {EMBEDDING}
