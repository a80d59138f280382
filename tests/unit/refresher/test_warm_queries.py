"""Queries that readers asked for lately are read again as soon as a change is known."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import pytest
from program import Program

ALL = "articles?select=title"
DAY_S = 24 * 60 * 60


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose table has a row."""
    program.supabase.write("articles", id=1, title="old")
    return program


def numbered(count: int) -> list[str]:
    """Return so many queries."""
    return [f"articles?select=title&id=eq.1&limit={number + 1}" for number in range(count)]


async def with_warm(program: Program, *queries: str) -> None:
    """Have entries of queries in KV, which were asked for in this order."""
    for query in queries:
        await program.query(query)
    await program.live(10)
    program.supabase.requests.clear()
    program.supabase.most_at_once = 0
    program.log.clear()


async def edit(program: Program, title: str = "new") -> None:
    """Edit a row, and tell of it as of one that has no entry."""
    program.supabase.write("articles", id=1, title=title)
    await program.webhook("articles", 1)


def name_of(query: str) -> str:
    """Return what a query is called once it is canonical."""
    target, _, parameters = query.partition("?")
    return f"/rest/v1/{target}?{'&'.join(sorted(parameters.split('&')))}"


def reads(program: Program) -> list[str]:
    """Return which queries were read."""
    return [name for name in program.supabase.asked if name.startswith("/rest/")]


async def shows(program: Program, query: str = ALL) -> tuple[object, str]:
    """Return the title that a reader gets, and whether as a hit (hit) or else (fwd)."""
    answer = await program.query(query)
    return answer.json[0]["title"], answer.cache_status[:3]


async def pending(program: Program) -> int:
    """Return how many entries are to be brought up to date."""
    number: int = (await program.status())["pending"]
    return number


async def test_no_reader_waits_for_a_query_that_is_kept_warm(program: Program) -> None:
    """A moment after the change its entry is fresh.

    It says when it was asked for, so that a reader can tell that this was not told for long.
    """
    await with_warm(program, ALL)
    (key,) = program.kv.keys
    asked_at = program.kv.metadata(key)["askedAt"]
    assert (await program.status())["queries"] == 1
    await edit(program)
    await program.live(0.5)
    assert await shows(program) == ("new", "hit")
    assert await pending(program) == 0
    told = program.kv.metadata(key)
    assert (told["askedAt"], told["readAt"]) == (asked_at, asked_at + 10_000)


async def test_fifty_are_read_four_at_a_time_those_asked_for_most_lately_first(
    program: Program,
) -> None:
    """So that readers of others find Supabase free."""
    queries = numbered(60)
    await with_warm(program, *queries)
    program.supabase.delay_s = 0.1
    await edit(program)
    await program.live(1)
    assert program.supabase.most_at_once == 5  # with the row
    await program.live(3)
    assert reads(program) == [name_of(query) for query in reversed(queries[10:])]
    assert await shows(program, queries[10]) == ("new", "hit")
    assert await shows(program, queries[9]) == ("new", "fwd")


async def test_they_are_read_again_every_five_seconds_at_most(program: Program) -> None:
    """Whoever asks before that gets what is new anyway."""
    await with_warm(program, ALL)
    for _ in range(40):
        await edit(program)
        await program.live(0.5)
    await program.live(10)
    times = program.supabase.asked_at(name_of(ALL))
    pauses = [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]
    assert len(pauses) == 4
    assert set(pauses) == {5}
    assert await pending(program) == 0


async def test_a_reader_in_between_saves_the_next_reading(program: Program) -> None:
    await with_warm(program, ALL)
    await edit(program)
    await program.live(1)
    await edit(program, "newest")
    await program.live(1)
    assert await shows(program) == ("newest", "fwd")
    await program.live(10)
    assert len(reads(program)) == 2
    assert await pending(program) == 0


async def test_after_a_restart_they_are_read_at_once(program: Program) -> None:
    """What is kept warm, and that a change is pending, is in storage."""
    queries = numbered(3)
    await with_warm(program, *queries)
    program.supabase.answer(503)
    await edit(program)
    await program.live(0.5)
    program.supabase.mend()
    program.supabase.requests.clear()
    program.restart("articles")
    assert await pending(program)
    await program.live(0.5)
    assert sorted(reads(program)) == sorted(map(name_of, queries))
    assert await pending(program) == 0


async def test_a_change_in_the_midst_has_them_read_once_more(program: Program) -> None:
    """What was read before it does not count as having it."""
    await with_warm(program, ALL)
    gate = program.supabase.hold(name_of(ALL))
    await edit(program)
    await program.live(0.5)
    await edit(program, "newest")
    gate.set()
    await program.live(2)
    assert await pending(program) == 1
    await program.live(5)
    assert await shows(program) == ("newest", "hit")
    assert await pending(program) == 0


async def test_a_readers_read_begun_before_is_not_taken_for_it(program: Program) -> None:
    """One that began since is."""
    await with_warm(program, ALL)
    await program.live(300)
    program.supabase.delay_s = 0.1
    gate = program.supabase.hold(name_of(ALL))
    assert await shows(program) == ("old", "hit")  # it has aged, so it is being renewed
    await edit(program)
    await program.live(0.5)
    late = asyncio.ensure_future(shows(program))
    await program.live()
    gate.set()
    assert await late == ("new", "fwd")
    await program.live(5)
    assert await shows(program) == ("new", "hit")
    assert len(reads(program)) == 2


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(401),
        httpx.Response(500),
        KeyError("private"),
    ],
    ids=str,
)
async def test_one_that_fails_holds_up_no_other(
    program: Program, failure: Exception | httpx.Response
) -> None:
    """Nor is it tried again before a reader asks; its entry stays."""
    queries = numbered(9)
    await with_warm(program, *queries)
    if isinstance(failure, Exception):
        program.supabase.fail(failure, of=name_of(queries[8]))
    else:
        content, headers = failure.content, failure.headers
        name = name_of(queries[8])
        program.supabase.answer(failure.status_code, content, headers=headers, of=name)
    await edit(program)
    await program.live(0.5)
    assert [await shows(program, query) for query in queries[:8]] == [("new", "hit")] * 8
    await program.live(60)
    if isinstance(failure, httpx.Response):
        assert len(reads(program)) == 9
        assert await pending(program) == 0
        program.supabase.mend()
        assert await shows(program, queries[8]) == ("new", "fwd")


async def test_one_with_a_final_answer_goes(program: Program) -> None:
    """The others are read; it is not kept warm any more."""
    queries = numbered(2)
    await with_warm(program, *queries)
    program.supabase.refuse(400, "42703", of=name_of(queries[1]))
    await edit(program)
    await program.live(2)
    assert await shows(program, queries[0]) == ("new", "hit")
    assert await pending(program) == 0
    assert (await program.status())["queries"] == 1
    assert len([key for key in program.kv.keys if "select" in key]) == 1


async def test_that_supabase_is_down_stops_it_until_it_is_well(program: Program) -> None:
    """Fifty queries are not fifty attempts."""
    queries = numbered(50)
    await with_warm(program, *queries)
    program.supabase.answer(503)
    await edit(program)
    await program.live(4)
    assert len(reads(program)) == 4
    retries = {str(line["type"]) for line in program.events("retry_scheduled")}
    assert "supabase-failed-just-now" in retries
    await program.live(60)
    assert 8 <= len(reads(program)) <= 4 * 13
    program.supabase.mend()
    await program.live(15)
    assert {await shows(program, query) for query in queries} == {("new", "hit")}
    assert await pending(program) == 0


async def test_those_under_way_are_waited_for_before_it_is_tried_again(program: Program) -> None:
    """Else more and more would be."""
    queries = numbered(4)
    await with_warm(program, *queries)
    program.supabase.hold(name_of(queries[0]))
    program.supabase.answer(503, of=name_of(queries[1]))
    await edit(program)
    await program.live(9)
    assert len(reads(program)) == 4
    program.supabase.mend()
    await program.live(15)
    assert await pending(program) == 0


async def test_those_that_were_read_before_it_went_down_are_not_read_again(
    program: Program,
) -> None:
    """Once it is well."""
    queries = numbered(8)
    await with_warm(program, *queries)
    for query in queries[:4]:
        program.supabase.answer(503, of=name_of(query))
    await edit(program)
    await program.live(1)
    program.supabase.mend()
    await program.live(20)
    assert [reads(program).count(name_of(query)) for query in queries[4:]] == [1] * 4
    assert {await shows(program, query) for query in queries} == {("new", "hit")}


async def test_whether_kv_takes_them_is_not_waited_for(program: Program) -> None:
    """Readers know that the old ones are out of date."""
    await with_warm(program, ALL)
    (key,) = program.kv.keys
    program.kv.hold(key)
    await edit(program)
    await program.live(2)
    assert await pending(program) == 0
    assert (await program.query(ALL)).cache_status == "hit; detail=memory"


async def test_what_nobody_asked_for_in_a_day_is_not_read(program: Program) -> None:
    """Its entry is out of date until somebody does."""
    await with_warm(program, ALL)
    await program.live(DAY_S)
    await edit(program)
    await program.live(5)
    assert (reads(program), await pending(program)) == ([], 0)
    assert await shows(program) == ("new", "fwd")


@pytest.mark.parametrize("failure", [None, "a gateway", "PostgREST"])
async def test_a_revalidation_has_them_read_again(program: Program, failure: str | None) -> None:
    """Even if the table cannot be read: a query may ask for other columns."""
    program.supabase.tables["products"] = []
    await with_warm(program, ALL)
    program.supabase.write("articles", id=1, title="new")
    if failure == "a gateway":
        program.supabase.answer(401, of="/articles")
    if failure == "PostgREST":
        program.supabase.refuse(401, "42501", of="/articles")
    assert (await program.revalidate()).status == (502 if failure else 200)
    await program.live(1)
    assert await shows(program) == ("new", "hit")
