"""Changes are kept until every reader can see them, whatever fails."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from program import Program
from refreshing import LIST, VERSIONS, fill, forget, hit, pending, row, with_entries, write

FAILURES = ["rejected", "invalid", "unavailable", "unexpected"]


def fail(program: Program, failure: str, of: str | None = LIST) -> None:
    """Have Supabase fail in a way that says nothing of the rows."""
    if failure == "unexpected":
        program.supabase.fail(KeyError("x"), of=of)
    else:
        status = {"rejected": 401, "invalid": 200, "unavailable": 500}[failure]
        program.supabase.answer(status, b"", of=of)


def pauses(program: Program, path: str = LIST) -> list[float]:
    """Return how much time lay between the reads of a path."""
    times = program.supabase.asked_at(path)
    return [round(later - at, 3) for at, later in itertools.pairwise(times)]


async def test_a_change_is_carried_out(program: Program) -> None:
    """Readers see the row and the table as they are. Then nothing is left to do."""
    await with_entries(program, 1, 2)
    write(program, 1)
    assert (await program.webhook("articles", 1)).status == 200
    await program.live(20)
    assert await hit(program, "/articles/1") == row(1, "new")
    assert await hit(program, "/articles/2") == row(2)
    assert await hit(program, LIST) == [row(1, "new"), row(2)]
    assert sorted(program.supabase.asked) == [LIST, "/articles/1"]
    assert {(line["key"], line["pending"]) for line in program.events("applied")} >= {
        ("articles", 0),
        (VERSIONS, 1),
        (LIST, 0),
    }
    program.restart("articles")
    assert await pending(program) == 0
    assert program.durable("articles").storage.due_ms is None


async def test_a_deleted_row_goes(program: Program) -> None:
    await with_entries(program, 1)
    program.supabase.remove("articles", 1)
    await program.webhook("articles", 1)
    await program.live(2)
    assert program.kv.keys == [LIST, VERSIONS]
    assert await hit(program, LIST) == []
    assert await pending(program) == 0


@pytest.mark.parametrize("wakes", ["a request", "a request after the clock was set back", "alarm"])
async def test_a_change_that_was_received_survives_the_object(program: Program, wakes: str) -> None:
    """Any request wakes the next object. If none comes, its alarm does."""
    await with_entries(program, 1)
    await program.live(5)  # until it is stored what readers want
    write(program, 1)
    program.supabase.hold()
    program.kv.hold(VERSIONS)
    await program.webhook("articles", 1)
    await program.live(1)
    program.restart("articles")
    program.supabase.mend()
    program.kv.hold(VERSIONS).set()
    if wakes == "a request after the clock was set back":
        program.set_clock(by_s=-3600)
    if wakes == "alarm":
        await program.live(16)
    else:
        assert await pending(program) == 3
        await program.live(2)
    assert (await program.get("/articles/1")).json == row(1, "new")
    assert await hit(program, LIST) == [row(1, "new")]
    assert await pending(program) == 0


@pytest.mark.parametrize("wakes", ["a request", "alarm"])
async def test_a_change_survives_the_ledger_while_its_target_is_down(
    program: Program, wakes: str
) -> None:
    await with_entries(program, 1)
    write(program, 1)
    program.durable("articles").is_reachable = False
    assert (await program.webhook("articles", 1)).status == 200
    program.restart("*")
    program.durable("articles").is_reachable = True
    if wakes == "a request":
        await program.get("/health")
    await program.live(15)
    assert await hit(program, "/articles/1") == row(1, "new")
    assert await pending(program, "*") == 0


async def test_a_target_that_is_down_holds_up_no_other(program: Program) -> None:
    program.declare(tables={"articles": {}, "products": {"key": "sku"}})
    program.supabase.write("products", sku="a", title="old")
    await with_entries(program, 1)
    await program.get("/products/a")
    program.supabase.write("products", sku="a", title="new")
    program.durable("articles").is_reachable = False
    await program.webhook("articles", 1)
    await program.webhook("products", "a")
    await program.live(1)
    assert (await program.get("/products/a")).json["title"] == "new"
    assert await pending(program, "*") == 1


@pytest.mark.parametrize("refuses", [False, True])
@pytest.mark.parametrize("key", [LIST, VERSIONS])
async def test_a_change_is_pending_until_kv_has_it(
    program: Program, key: str, refuses: bool
) -> None:
    """KV may refuse for a long time. A write that is under way has not succeeded."""
    await with_entries(program, 1)
    write(program, 1)
    gate = program.kv.hold(key)
    if refuses:
        gate.set()
        program.kv.refuse("put", key)
    await program.webhook("articles", 1)
    await program.live(95)
    assert await pending(program) == 1
    told = [line["type"] for line in program.events("retry_scheduled")]
    assert set(told) == ({"kv-unavailable"} if refuses else set())
    program.kv.accept()
    gate.set()
    await program.live(20)
    assert await pending(program) == 0
    assert await hit(program, LIST) == [row(1, "new")]


@pytest.mark.parametrize("failure", FAILURES)
async def test_what_cannot_be_read_stays_and_holds_up_nothing(
    program: Program, failure: str
) -> None:
    """A failure leaves the old entry, which readers get marked. It stays pending."""
    await with_entries(program, 1, 2)
    write(program, 1, 2)
    fail(program, failure)
    await program.webhook("articles", 1, 2)
    await program.live(6)
    assert await hit(program, "/articles/1") == row(1, "new")
    assert await hit(program, "/articles/2") == row(2, "new")
    answer = await program.get(LIST)
    assert answer.json == [row(1), row(2)]
    assert not answer.cache_status.startswith("hit; ttl")
    await program.live(100)
    assert await pending(program) == 1
    assert {what for _, what, _ in program.kv.tried} == {"get", "put"}
    program.supabase.mend()
    await program.live(13)
    assert await hit(program, LIST) == [row(1, "new"), row(2, "new")]
    assert await pending(program) == 0


async def test_pauses_after_failures_grow_and_end(program: Program) -> None:
    """They grow from one second to ten. Because of jitter each may be half as long."""
    await with_entries(program, 1)
    fail(program, "rejected")
    await program.webhook("articles", 1)
    await program.live(300)
    times = pauses(program)
    bounds = [1, 2, 4, 8] + [10] * (len(times) - 4)
    assert len(times) > 25
    for pause, bound in zip(times, bounds, strict=True):
        assert bound / 2 <= pause <= max(bound, 1) + 1
    scheduled = program.events("retry_scheduled")[0]
    assert (scheduled["key"], scheduled["type"]) == (LIST, "supabase-rejected")
    assert str(scheduled["in_s"]) in {"0.5", "0.6", "0.7", "0.8", "0.9", "1.0"}


async def test_after_a_success_pauses_are_short_again(program: Program) -> None:
    """Failures of earlier changes do not count."""
    await with_entries(program, 1)
    fail(program, "rejected")
    await program.webhook("articles", 1)
    await program.live(60)
    program.supabase.mend()
    await program.live(12)
    assert await pending(program) == 0
    fail(program, "rejected")
    forget(program)
    await program.webhook("articles", 1)
    await program.live(4)
    assert program.supabase.count(LIST) >= 2


async def test_a_burst_of_changes_does_not_end_a_pause(program: Program) -> None:
    await with_entries(program, 1)
    fail(program, "rejected")
    await program.webhook("articles", 1)
    await program.live(60)
    forget(program)
    await asyncio.gather(*(program.webhook("articles", 1) for _ in range(100)))
    await program.live(0.5)
    assert program.supabase.count(LIST) <= 1


async def test_a_burst_of_changes_costs_one_read_a_second(program: Program) -> None:
    await with_entries(program, 1)
    for number in range(20):
        write(program, 1, title=str(number))
        await program.webhook("articles", 1)
        await program.live(0.1)
    await program.live(6)
    assert set(pauses(program)) == {1}
    assert await hit(program, LIST) == [row(1, "19")]
    assert await pending(program) == 0


@pytest.mark.parametrize("back_s", [30, 3600])
async def test_a_clock_that_was_set_back_delays_no_read_and_no_retry(
    program: Program, back_s: int
) -> None:
    await with_entries(program, 1)
    fail(program, "rejected")
    await program.webhook("articles", 1)
    await program.live(20)
    program.set_clock(by_s=-back_s)
    program.supabase.mend()
    await program.webhook("articles", 2)
    await program.live(0.1)
    assert program.supabase.asked[-1] == LIST
    await program.live(1)
    assert await pending(program) == 0


async def test_a_change_that_comes_meanwhile_is_carried_out_next(program: Program) -> None:
    """A read that began before the change does not have it: neither the row's nor the table's."""
    await with_entries(program, 1)
    gate = program.supabase.hold()
    await program.webhook("articles", 1)
    await program.live(2)
    write(program, 1)
    await program.webhook("articles", 1)
    await program.live(2)
    program.supabase.mend()
    gate.set()
    await program.live(6)
    assert await hit(program, "/articles/1") == row(1, "new")
    assert await hit(program, LIST) == [row(1, "new")]
    assert await pending(program) == 0


async def test_a_read_that_began_before_a_change_is_not_taken_for_its_refresh(
    program: Program,
) -> None:
    """It saw the state before the change, when row 2 was not there."""
    write(program, 1, title="old")
    gate = program.supabase.hold()
    paths = [LIST, "/articles/1", "/articles/2"]
    readers = [asyncio.ensure_future(program.get(path)) for path in paths]
    await program.live()
    write(program, 1, 2)
    await program.webhook("articles", 1, 2)
    await program.live(0.1)
    program.supabase.mend()
    gate.set()
    assert [answer.status for answer in await asyncio.gather(*readers)] == [200, 200, 404]
    await program.live(6)
    assert (await program.get(LIST)).json == [row(1, "new"), row(2, "new")]
    for key in (1, 2):
        assert (await program.get(f"/articles/{key}")).json == row(key, "new")
    assert program.events("retry_scheduled") == []


async def test_a_table_that_takes_long_delays_no_row(program: Program) -> None:
    await with_entries(program, 1)
    gate = program.supabase.hold(LIST)
    await program.webhook("articles", 1)
    await program.live(0.5)
    write(program, 2)
    await program.webhook("articles", 2)
    await program.live(1)
    assert (await program.get("/articles/2")).json == row(2, "new")
    assert await pending(program) == 1
    program.supabase.mend()
    gate.set()
    await program.live(6)
    assert await pending(program) == 0


async def test_a_hundred_rows_are_named_and_more_are_all_rows(program: Program) -> None:
    """If more change at once than the ledger keeps for a target, every row is outdated."""
    await with_entries(program, *range(150))
    program.durable("articles").is_reachable = False
    await program.webhook("articles", *range(100))
    program.durable("articles").is_reachable = True
    await program.live(20)
    assert program.supabase.count("/articles/121") == 0
    program.durable("articles").is_reachable = False
    await program.webhook("articles", *range(105))
    program.durable("articles").is_reachable = True
    await program.live(40)
    assert program.supabase.count("/articles/121") == 1


async def test_versions_are_published_however_long_kv_refuses(program: Program) -> None:
    await with_entries(program, 1)
    write(program, 1)
    program.kv.refuse("put", VERSIONS)
    await program.webhook("articles", 1)
    await program.live(70)
    assert await pending(program) == 1
    assert {line["key"] for line in program.events("write_failed")} == {VERSIONS}
    program.kv.accept()
    await program.live(20)
    assert await pending(program) == 0
    assert (await program.get("/articles/1")).json == row(1, "new")
    assert program.supabase.count(LIST) == 1


async def test_a_later_version_is_not_done_with_an_earlier_one(program: Program) -> None:
    """A version is done when KV has it, not before."""
    await with_entries(program, 1)
    gate = program.kv.hold(VERSIONS)
    await program.webhook("articles", 1)
    await program.live(5)
    assert await pending(program) == 1
    write(program, 1)
    await program.webhook("articles", 1)
    gate.set()
    await program.live(0.1)
    assert await pending(program) >= 1
    await program.live(6)
    assert await pending(program) == 0
    assert (await program.get("/articles/1")).json == row(1, "new")


async def test_the_end_of_an_outage_is_noticed(program: Program) -> None:
    """As soon as anybody hears from Supabase, what is pending is tried within a second."""
    await with_entries(program, 1)
    fail(program, "rejected", None)
    await program.webhook("articles", 1)
    await program.live(100)
    forget(program)
    while not program.supabase.asked:
        await program.live(0.2)
    program.supabase.mend()
    assert (await program.get("/articles/cold")).status == 404
    await program.live(1.1)
    assert await pending(program) == 0


async def test_an_outage_of_kv_does_not_have_supabase_read_all_the_time(program: Program) -> None:
    """Supabase answers, but that is no news: pauses grow as after any other failure."""
    await fill(program, LIST)
    program.kv.refuse("put")
    await program.webhook("articles", 1)
    await program.live(100)
    assert 5 <= program.supabase.count(LIST) <= 25
