"""What readers get where KV has no entry, and what that costs Supabase."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from program import BEARER, Program
from refreshing import ALL, LIST, VERSIONS, fill, forget, hit, read, read_all, row, status, write

PATHS = [LIST, "/articles/1", ALL]
TELL = ["a row's change", "a change of any row", "a revalidation"]
FAR = "elsewhere"
"""Where KV goes on saying for half a minute that a key is absent."""

MEMORY = "hit; detail=memory"
STORED = "fwd=uri-miss; fwd-status=200; stored"
EXHAUSTED = (503, "lookups-exhausted")
MAX_VALUE_BYTES = 25 * 1024 * 1024


async def tell(program: Program, how: str) -> None:
    """Tell that something may have happened to row 1."""
    if how == "a revalidation":
        assert (await program.revalidate()).status == 200
    elif how == "a row's change":
        await program.webhook("articles", 1)
    else:
        await program.webhook("articles")


def outcomes(answers: list[Any]) -> Counter[tuple[int, str]]:
    """Count the answers by their status and, if they are problems, their slug."""
    return Counter((one.status, one.slug if one.status > 299 else "") for one in answers)


async def look_up_in_vain(program: Program, count: int = 60) -> Counter[tuple[int, str]]:
    """Ask for so many rows that do not exist."""
    return outcomes(await read_all(program, [f"/articles/no-{n}" for n in range(count)]))


@pytest.mark.parametrize("path", PATHS)
async def test_misses_at_once_are_one_read(program: Program, path: str) -> None:
    write(program, 1)
    program.supabase.delay_s = 0.2
    answers = await read_all(program, [path] * 200)
    assert len({answer.body for answer in answers}) == 1
    assert program.supabase.asked == [path]
    told = {(line["bytes"], line["ms"]) for line in program.events("miss")}
    assert told == {(len(answers[0].body or b""), 200)}


@pytest.mark.parametrize("path", PATHS)
async def test_misses_that_kv_goes_on_reporting_are_answered_from_memory(
    program: Program, path: str
) -> None:
    """Memory answers for a minute, and Supabase is not asked."""
    write(program, 1)
    program.kv.hold(path)
    first = await read(program, path)
    await program.live(59.9)
    again = await read(program, path)
    assert (again.body, again.headers["etag"]) == (first.body, first.headers["etag"])
    assert (again.cache_status, again.headers["age"]) == (MEMORY, "59")
    await program.live(0.2)
    assert (await read(program, path)).cache_status == STORED
    assert program.supabase.count(path) == 2


@pytest.mark.parametrize("how", TELL)
async def test_what_was_read_before_is_not_given_after(program: Program, how: str) -> None:
    """Memory is no way around a change, neither of a row nor of one that was missing."""
    write(program, 1, title="old")
    for path in (*PATHS, "/articles/2"):
        await read(program, path, at=FAR)
    write(program, 1, 2)
    await tell(program, how)
    if how == "a row's change":
        await program.webhook("articles", 2)
    for key in (1, 2):
        assert (await read(program, f"/articles/{key}", at=FAR)).json == row(key, "new")
    for path in (LIST, ALL):
        assert (await read(program, path, at=FAR)).json == [row(1, "new"), row(2, "new")]


@pytest.mark.parametrize("how", TELL)
async def test_a_read_begun_before_is_not_given_after(program: Program, how: str) -> None:
    """It is not written over what was read since either."""
    write(program, 1, title="old")
    gates = [program.supabase.hold(path) for path in ("/articles/1", ALL)]
    early = [asyncio.ensure_future(read(program, path)) for path in ("/articles/1", ALL)]
    await program.live()
    write(program, 1)
    program.supabase.mend()
    await tell(program, how)
    late = [asyncio.ensure_future(read(program, path)) for path in ("/articles/1", ALL)]
    await program.live()
    for gate in gates:
        gate.set()
    assert [one.json for one in await asyncio.gather(*early)] == [row(1), [row(1)]]
    assert [one.json for one in await asyncio.gather(*late)] == [row(1, "new"), [row(1, "new")]]
    await program.live(5)
    assert (await read(program, "/articles/1")).json == row(1, "new")
    assert await hit(program, ALL) == [row(1, "new")]


@pytest.mark.parametrize("how", TELL)
async def test_a_lookup_begun_before_does_not_say_that_the_row_is_missing(
    program: Program, how: str
) -> None:
    gate = program.supabase.hold("/articles/1")
    early = asyncio.ensure_future(program.get("/articles/1"))
    await program.live()
    write(program, 1)
    program.supabase.mend()
    await tell(program, how)
    gate.set()
    assert (await early).status == 404
    assert (await program.get("/articles/1")).json == row(1, "new")


async def test_what_kv_refuses_is_tried_again_and_the_reader_has_it(program: Program) -> None:
    write(program, 1)
    program.kv.refuse("put")
    assert (await program.get("/articles/1")).cache_status == STORED
    await program.live(3)
    program.kv.accept()
    await program.live(7)
    assert await hit(program, "/articles/1") == row(1, "new")
    assert program.supabase.count("/articles/1") == 1


async def test_a_failure_is_logged_and_not_remembered_for_who_has_nothing_else(
    program: Program,
) -> None:
    write(program, 1)
    program.supabase.answer(401, b"")
    for path in ("/articles/1", LIST):
        assert (await program.get(path)).slug == "supabase-rejected"
    (line, _) = program.events("refresh_failed")
    assert (line["key"], line["type"]) == ("/articles/1", "supabase-rejected")
    assert str(line["detail"]).startswith("Supabase answered 401")
    program.supabase.mend()
    assert (await program.get("/articles/1")).cache_status == STORED


async def test_a_missing_row_is_remembered_for_five_seconds(program: Program) -> None:
    """A change of another row does not end that. Nothing is written for it."""
    gate = program.supabase.hold("/articles/1")
    early = asyncio.ensure_future(program.get("/articles/1"))
    await program.live()
    await program.webhook("articles", 2)
    gate.set()
    assert (await early).status == 404
    assert {"event": "not_found", "key": "/articles/1"} in program.log
    program.supabase.mend()
    write(program, 1)
    await program.live(4.9)
    again = await program.get("/articles/1")
    assert again.json["detail"] == "No row of articles with this id is visible."
    assert program.supabase.count("/articles/1") == 1
    await program.live(0.2)
    assert (await program.get("/articles/1")).status == 200
    assert program.kv.writes("/articles/1") == []


async def test_a_row_that_was_deleted_does_not_come_back_from_memory(program: Program) -> None:
    """It stays away while its change is pending, and once that is done."""
    write(program, 1)
    program.kv.refuse("put")
    await program.get("/articles/1")
    program.supabase.remove("articles", 1)
    await program.webhook("articles", 1)
    assert (await program.get("/articles/1")).status == 404
    await program.live(3)
    assert (await program.get("/articles/1")).status == 404


async def test_existing_rows_are_never_refused(program: Program) -> None:
    """Of hundreds that are asked for at once, fifty are read side by side."""
    program.supabase.delay_s = 0.05
    write(program, *range(300))
    answers = await read_all(program, [f"/articles/{key}" for key in range(300)])
    assert {answer.status for answer in answers} == {200}
    assert program.supabase.most_at_once == 50
    assert round(program.clock.passed_s, 3) == 0.3


async def test_a_flood_of_unknown_ids_does_not_reach_supabase(program: Program) -> None:
    """It costs the burst, and ten a second."""
    program.supabase.delay_s = 0.02
    flood = []
    for number in range(1000):
        flood.append(asyncio.ensure_future(program.get(f"/articles/no-{number}")))
        await asyncio.sleep(0.003)
    counted = outcomes(await asyncio.gather(*flood))
    assert counted.keys() == {(404, "not-found"), EXHAUSTED}
    assert 75 <= len(program.supabase.asked) <= 50 + 10 * 3 + 1


async def test_the_readers_of_one_row_share_a_lookup_also_in_a_flood(program: Program) -> None:
    """They do whether it exists or not, and while they wait for their turn."""
    program.supabase.delay_s = 0.1
    write(program, *map(str, range(1, 11)), "same")
    others = [f"/articles/no-{number}" for number in range(44)]
    found = [f"/articles/{key}" for key in range(1, 11)]
    same, missing = ["/articles/same"] * 100, ["/articles/missing"] * 100
    answers = await read_all(program, [*others, *missing, *found, *same])
    assert outcomes(answers) == {(404, "not-found"): 144, (200, ""): 110}
    assert program.supabase.count("/articles/same") == 1
    assert program.supabase.count("/articles/missing") == 1


async def test_once_the_budget_is_spent_unknown_rows_are_refused(program: Program) -> None:
    """So is a row that exists, if nothing says that it does. Tables and queries are read."""
    write(program, 1)
    assert (await look_up_in_vain(program))[EXHAUSTED] == 10
    refused = await program.get("/articles/1")
    assert (refused.slug, refused.headers["retry-after"]) == (EXHAUSTED[1], "1")
    assert program.supabase.count("/articles/1") == 0
    assert (await read(program, ALL)).status == (await program.get(LIST)).status == 200
    program.restart("articles")
    await look_up_in_vain(program)
    await program.live(0.11)
    assert (await program.get("/articles/1")).status == 200


@pytest.mark.parametrize("says", ["another row", "no grant"])
async def test_answers_that_make_no_entry_cost_budget_too(program: Program, says: str) -> None:
    """There are many spellings of one row. Supabase is well all the same."""
    if says == "another row":
        program.supabase.answer(200, row("other"))
    else:
        program.supabase.refuse(401, "42501")
    assert (await look_up_in_vain(program))[EXHAUSTED] == 10
    assert len(program.supabase.asked) == 50
    assert (await status(program))["failures"] == 0


async def test_a_row_that_the_table_lists_is_served_although_the_budget_is_spent(
    program: Program,
) -> None:
    """The object knows its rows if it read it lately."""
    write(program, "1", "ü")
    await program.get(LIST)
    await look_up_in_vain(program)
    assert (await program.get("/articles/1")).status == 200
    assert (await program.get("/articles/%C3%BC")).status == 200
    assert (await program.get("/articles/2")).status == 503
    write(program, "2")
    await program.revalidate()
    await look_up_in_vain(program)
    assert (await program.get("/articles/2")).status == 200


async def test_queries_cost_no_budget_of_rows(program: Program) -> None:
    """An empty answer is an answer."""
    paths = [f"/rest/v1/articles?id=eq.{number}" for number in range(60)]
    assert {answer.status for answer in await read_all(program, paths)} == {200}
    write(program, 1)
    assert (await program.get("/articles/1")).status == 200


async def test_what_is_too_large_for_kv_is_not_stored(program: Program) -> None:
    """Its earlier entry goes, and no change stays pending for it."""
    write(program, 1, title="old")
    await fill(program, *PATHS)
    program.restart("articles")  # so that the query is not kept warm
    write(program, 1, title="x" * MAX_VALUE_BYTES)
    await program.webhook("articles", 1)
    await program.live(2)
    assert (await status(program))["pending"] == 0
    refreshed_at = (await status(program))["refreshed_at"]
    for path in PATHS:
        forget(program)
        answer = await read(program, path)
        assert answer.cache_status == "fwd=stale; fwd-status=200"
        assert program.supabase.asked == [path]
        assert program.events("too_large")[0]["bytes"] == len(answer.body or b"")
    await program.live(2)
    assert program.kv.keys == [VERSIONS]
    assert (await status(program))["refreshed_at"] == refreshed_at
    assert (await program.get("/revalidate", **BEARER)).status == 200
    write(program, 1, title="small")
    assert (await program.get("/articles/1")).cache_status == STORED


async def test_a_popular_table_that_is_too_large_is_read_once(program: Program) -> None:
    await fill(program, LIST)
    write(program, 1, title="x" * MAX_VALUE_BYTES)
    await program.webhook("articles", 1)
    await program.live(10)
    assert program.supabase.count(LIST) == 1
    assert (await status(program))["pending"] == 0


async def test_the_largest_that_kv_takes_is_stored(program: Program) -> None:
    """KV's limit is met to the byte."""
    write(program, 1, title="")
    overhead = len((await program.get("/articles/1")).body or b"")
    write(program, 2, title="x" * (MAX_VALUE_BYTES - overhead))
    write(program, 3, title="x" * (MAX_VALUE_BYTES - overhead + 1))
    assert (await program.get("/articles/2")).cache_status == STORED
    assert (await program.get("/articles/3")).cache_status == STORED.removesuffix("; stored")
