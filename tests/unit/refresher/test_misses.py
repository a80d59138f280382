"""What readers get who miss an entry, and what that costs Supabase."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest
from clock import settle
from program import Answer, Program

MAX_VALUE_BYTES = 25 * 1024 * 1024
ROW, LIST = "/articles/1", "/articles"
STORED = "fwd=uri-miss; fwd-status=200; stored"
MEMORY = "hit; detail=memory"


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose table has a row."""
    program.supabase.write("articles", id=1, title="old")
    return program


async def together(program: Program, paths: Iterable[str]) -> list[Answer]:
    """Return what readers get who all ask at once."""
    return list(await asyncio.gather(*map(program.get, paths)))


def unknown(count: int) -> list[str]:
    """Return the paths of so many rows that are not there."""
    return [f"/articles/{10_000 + number}" for number in range(count)]


async def spend_budget(program: Program) -> None:
    """Look up rows in vain until that is refused."""
    await together(program, unknown(60))


async def test_an_entry_is_written_a_moment_after_the_answer(program: Program) -> None:
    """With a digest of the row, which spelling does not change; a table's has its rows' count."""
    answer = await program.get(ROW)
    assert program.kv.done == []
    await program.live(0.01)
    assert program.kv.done == [(0.001, "put", ROW)]
    told = program.kv.metadata(ROW)
    assert (told["etag"], told["size"]) == (answer.headers["etag"], len(answer.body or b""))
    assert len(told["row"]) == 16
    size = len(answer.body or b"")
    refreshed = {"event": "refreshed", "key": ROW, "bytes": size, "ms": 0}
    assert program.events("refreshed") == [refreshed]
    await program.get(LIST)
    await program.live(0.01)
    told = program.kv.metadata(LIST)
    assert (told["row"], told["rows"]) == ("", 1)


async def test_memory_answers_for_a_minute(program: Program) -> None:
    """Whether KV shows the entry by then or not."""
    program.kv.hold(ROW)
    first = await program.get(ROW)
    await program.live(59.9)
    again = await program.get(ROW)
    assert (again.body, again.cache_status) == (first.body, MEMORY)
    await program.live(0.1)
    assert (await program.get(ROW)).cache_status == STORED
    assert program.supabase.count(ROW) == 2


@pytest.mark.parametrize("path", [ROW, LIST, "/articles/10000"])
async def test_misses_at_once_are_one_read(program: Program, path: str) -> None:
    program.supabase.delay_s = 0.2
    answers = await together(program, [path] * 200)
    assert len({answer.status for answer in answers}) == 1
    assert program.supabase.asked == [path]


async def test_entries_of_an_object_that_saw_no_change_become_stale_like_all(
    program: Program,
) -> None:
    """Also if it was restarted since, on a machine whose clock is behind."""
    await program.get(ROW)
    await program.live(2)
    program.set_clock(by_s=-3600)
    program.restart("articles")
    await program.webhook("articles")
    await program.live(2)
    assert (await program.get(ROW)).cache_status.startswith("fwd=stale")


async def test_a_read_begun_before_a_change_is_not_given_after_it(program: Program) -> None:
    """Nor from memory, once it is there."""
    gate = program.supabase.hold(ROW)
    early = asyncio.ensure_future(program.get(ROW))
    await settle()
    program.supabase.write("articles", id=1, title="new")
    await program.webhook("articles")
    late = asyncio.ensure_future(program.get(ROW))
    await settle()
    gate.set()
    assert (await early).json["title"] == "old"
    assert (await late).json["title"] == "new"
    await program.live(5)
    assert program.kv.json(ROW)["title"] == "new"
    assert program.supabase.count(ROW) == 2


@pytest.mark.parametrize("back_s", [0, 30, 3600])
async def test_what_was_read_before_a_change_is_never_given_after_it(
    program: Program, back_s: int
) -> None:
    """Whatever the clock says; rows that did not change are still in memory."""
    program.supabase.write("articles", id=2, title="old")
    for path in (ROW, "/articles/2", LIST):
        program.kv.hold(path)
        await program.get(path)
    program.set_clock(by_s=-back_s)
    program.supabase.write("articles", id=1, title="new")
    await program.webhook("articles", 1)
    assert (await program.get(ROW)).json["title"] == "new"
    assert (await program.get(LIST)).json[0]["title"] == "new"
    assert (await program.get("/articles/2")).cache_status == (STORED if back_s else MEMORY)


FAILURES: dict[str, Exception | httpx.Response] = {
    "supabase-timeout": httpx.ReadTimeout("slow"),
    "supabase-unreachable": httpx.RemoteProtocolError("hung up"),
    "supabase-unavailable": httpx.Response(503),
    "supabase-rejected": httpx.Response(401),
    "supabase-invalid-answer": httpx.Response(200, text="<html>"),
}


@pytest.mark.parametrize("slug", FAILURES)
@pytest.mark.parametrize("path", [ROW, LIST])
async def test_errors_reach_the_reader_and_change_nothing(
    program: Program, path: str, slug: str
) -> None:
    """No error enters the cache, nor the memory; the next reader asks anew."""
    failure = FAILURES[slug]
    if isinstance(failure, Exception):
        program.supabase.fail(failure)
    else:
        program.supabase.answer(failure.status_code, failure.content, headers=failure.headers)
    assert (await program.get(path)).slug == slug
    await program.live(5)
    assert program.kv.done == []
    (failed,) = program.events("refresh_failed")
    assert (failed["key"], failed["type"]) == (path, slug)
    program.supabase.mend()
    assert (await program.get(path)).cache_status == STORED


async def test_a_transient_failure_is_tried_three_times(program: Program) -> None:
    program.supabase.fail(of=ROW, times=2)
    assert (await program.get(ROW)).cache_status == STORED
    assert program.supabase.asked == [ROW] * 3


async def test_a_supabase_that_says_nothing_is_not_waited_for_longer_than_ten_seconds(
    program: Program,
) -> None:
    program.supabase.hold(ROW)
    assert (await program.get(ROW)).slug == "supabase-timeout"
    assert program.clock.passed_s == 10


async def test_what_kv_refuses_is_tried_again_and_the_reader_has_it(program: Program) -> None:
    program.kv.refuse("put")
    assert (await program.get(ROW)).cache_status == STORED
    await program.live(3)
    program.kv.accept()
    await program.live(7)
    assert (await program.get(ROW)).cache_status == "hit"
    assert program.supabase.count(ROW) == 1


async def test_readers_of_rows_cost_no_write_to_storage(program: Program) -> None:
    """What is as it was is not stored again."""
    await program.get(ROW)
    puts = program.durable("articles").storage.puts
    for number in range(10):
        await program.get(f"/articles/{number}")
        await program.live(10)
    assert program.durable("articles").storage.puts == puts


# Rows that are not there.


async def test_a_missing_row_is_remembered(program: Program) -> None:
    """For some seconds; nothing is written for it."""
    program.supabase.remove("articles", 1)
    answer = await program.get(ROW)
    assert (answer.status, answer.slug) == (404, "not-found")
    assert program.events("not_found") == [{"event": "not_found", "key": ROW}]
    program.supabase.write("articles", id=1, title="new")
    await program.live(4.9)
    again = await program.get(ROW)
    assert again.json["detail"] == "No row of articles with this id is visible."
    assert program.supabase.count(ROW) == 1
    await program.live(0.1)
    assert (await program.get(ROW)).status == 200
    assert [what for _, what, _ in program.kv.done] == []


async def test_a_row_that_was_deleted_does_not_come_back_from_memory(program: Program) -> None:
    """Neither while its change is pending nor once it is done."""
    await program.get(ROW)
    program.supabase.remove("articles", 1)
    await program.webhook("articles", 1)
    for _ in range(2):
        assert (await program.get(ROW)).status == 404
        await program.live(3)


async def announce_row(program: Program) -> None:
    """Tell of a change of row 1."""
    await program.webhook("articles", 1)


async def announce_all_rows(program: Program) -> None:
    """Tell of a change that may be one of any row."""
    await program.webhook("articles")


async def revalidate(program: Program) -> None:
    """Have everything read anew."""
    await program.revalidate()


async def publish_later_version(program: Program) -> None:
    """Have readers see a version that an earlier object published, whose storage is lost."""
    later = program.clock.now_ms() + 1000
    program.kv.set("/articles?version", f"{later} 0".encode())


TELL = [announce_row, announce_all_rows, revalidate, publish_later_version]


@pytest.mark.parametrize("tell", TELL)
async def test_a_missing_row_is_not_remembered_once_it_may_be_there(
    program: Program, tell: Callable[[Program], Awaitable[None]]
) -> None:
    """Whoever tells that something may have happened to it."""
    program.supabase.remove("articles", 1)
    assert (await program.get(ROW)).status == 404
    program.supabase.write("articles", id=1, title="new")
    await tell(program)
    assert (await program.get(ROW)).json["title"] == "new"


@pytest.mark.parametrize("tell", TELL)
async def test_a_lookup_begun_before_does_not_say_that_the_row_is_missing(
    program: Program, tell: Callable[[Program], Awaitable[None]]
) -> None:
    """The row may have been inserted since."""
    program.supabase.remove("articles", 1)
    gate = program.supabase.hold(ROW)
    early = asyncio.ensure_future(program.get(ROW))
    await settle()
    program.supabase.write("articles", id=1, title="new")
    await tell(program)
    gate.set()
    assert (await early).status == 404
    assert (await program.get(ROW)).json["title"] == "new"


async def test_a_missing_row_is_remembered_whatever_happens_to_others(program: Program) -> None:
    """A lookup that was under way counts too."""
    program.supabase.remove("articles", 1)
    gate = program.supabase.hold(ROW)
    early = asyncio.ensure_future(program.get(ROW))
    await settle()
    await program.webhook("articles", 2)
    gate.set()
    assert ((await early).status, (await program.get(ROW)).status) == (404, 404)
    assert program.supabase.count(ROW) == 1


async def test_existing_rows_are_never_refused(program: Program) -> None:
    """A thousand cold ones at once: fifty are looked up at a time."""
    program.supabase.delay_s = 0.05
    for number in range(1000):
        program.supabase.tables["articles"].append({"id": number + 2, "title": "a"})
    answers = await together(program, [f"/articles/{number + 2}" for number in range(1000)])
    assert {answer.status for answer in answers} == {200}
    assert program.supabase.most_at_once == 50
    assert round(program.clock.passed_s, 2) == 1


async def test_a_flood_of_unknown_ids_does_not_reach_supabase(program: Program) -> None:
    """It costs the burst, and ten a second; who is refused is told to wait a second."""
    program.supabase.delay_s = 0.02
    flood = []
    for path in unknown(1500):
        flood.append(asyncio.ensure_future(program.get(path)))
        await asyncio.sleep(0.003)
    answers = await asyncio.gather(*flood)
    assert {answer.slug for answer in answers} == {"not-found", "lookups-exhausted"}
    refused = next(answer for answer in answers if answer.slug == "lookups-exhausted")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert 50 < len(program.supabase.asked) <= 50 + 10 * 4.5 + 1


async def test_who_waits_for_a_turn_shares_it(program: Program) -> None:
    """A row that many ask for during a flood is read once."""
    program.supabase.delay_s = 0.1
    known = range(2, 12)
    for number in known:
        program.supabase.write("articles", id=number, title="a")
    others = [*unknown(45), *(f"/articles/{number}" for number in known)]
    answers = await together(program, [*others, *[ROW] * 100])
    assert [answer.status for answer in answers] == [404] * 45 + [200] * 110
    assert program.supabase.count(ROW) == 1


async def test_once_the_budget_is_spent_unknown_rows_are_refused(program: Program) -> None:
    """Also those that exist, if nothing tells that they do. The table is no such row."""
    await spend_budget(program)
    assert (await program.get(ROW)).slug == "lookups-exhausted"
    assert program.supabase.count(ROW) == 0
    assert (await program.get(LIST)).status == 200
    await program.live(0.1)
    assert (await program.get(ROW)).status == 200


async def test_a_row_that_came_with_another_id_was_looked_up_in_vain(program: Program) -> None:
    """There are many spellings of one row. Supabase is well, so the table is."""
    program.supabase.answer(200, {"id": 999_999})
    answers = await together(program, unknown(60))
    slugs = [answer.slug for answer in answers]
    assert slugs == ["supabase-invalid-answer"] * 50 + ["lookups-exhausted"] * 10
    assert (await program.status())["failures"] == 0


@pytest.mark.parametrize("told", ["read", "revalidated"])
async def test_a_row_that_the_table_lists_is_served_although_the_budget_is_spent(
    program: Program, told: str
) -> None:
    """The table is in memory if it was read lately."""
    program.supabase.write("products", sku="ü", title="a")
    await (program.get("/products") if told == "read" else program.revalidate())
    await together(program, [f"/products/x{number}" for number in range(60)])
    assert (await program.get("/products/ü")).status == 200
    assert (await program.get("/products/1")).slug == "lookups-exhausted"


async def test_a_row_that_is_being_read_anyway_needs_no_budget(program: Program) -> None:
    """Such as for a webhook."""
    await spend_budget(program)
    gate = program.supabase.hold(ROW)
    await program.webhook("articles", 1)
    await program.live(0.05)
    filling = asyncio.ensure_future(program.get(ROW))
    await settle()
    gate.set()
    assert (await filling).json["title"] == "old"
    assert program.supabase.count(ROW) == 1


# What is too large for KV.


@pytest.mark.parametrize("path", [ROW, LIST])
async def test_what_is_too_large_for_kv_is_read_each_time(program: Program, path: str) -> None:
    """An earlier, smaller entry would be served for ever, so it goes."""
    await program.get(path)
    await program.live(2)
    program.supabase.write("articles", id=1, title="x" * MAX_VALUE_BYTES)
    await program.webhook("articles", 1)
    await program.live(2)
    assert path not in program.kv.keys
    status = await program.status()
    assert status["pending"] == 0
    for _ in range(2):
        asked = program.supabase.count(path)
        answer = await program.get(path)
        assert answer.cache_status == "fwd=uri-miss; fwd-status=200"
        assert program.supabase.count(path) == asked + 1
    size = len(answer.body or b"")
    assert {"event": "too_large", "key": path, "bytes": size} in program.events("too_large")
    program.supabase.write("articles", id=1, title="small")
    assert (await program.get(path)).cache_status == STORED


async def test_the_largest_that_kv_takes_is_stored(program: Program) -> None:
    """To the byte."""
    program.supabase.write("articles", id=1, title="")
    overhead = len((await program.get(ROW)).body or b"")
    for number, more in ((2, 0), (3, 1)):
        title = "x" * (MAX_VALUE_BYTES - overhead + more)
        program.supabase.write("articles", id=number, title=title)
    assert (await program.get("/articles/2")).cache_status == STORED
    assert (await program.get("/articles/3")).cache_status == "fwd=uri-miss; fwd-status=200"


async def test_a_row_that_was_missing_and_is_too_large_now_is_found(program: Program) -> None:
    """Also once its change is carried out: neither KV nor memory has it."""
    program.supabase.remove("articles", 1)
    await program.get(ROW)
    program.supabase.write("articles", id=1, title="x" * MAX_VALUE_BYTES)
    await program.webhook("articles", 1)
    await program.live(3)
    assert (await program.get(ROW)).status == 200
