"""Changes are kept until every reader can see them, whatever fails."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from program import Program
from refreshing import LIST, VERSIONS, fill, forget, hit, pending, row, with_entries, write

FAILURES = ["rejected", "invalid", "unavailable", "unexpected"]


def fail(program: Program, failure: str, of: str | None = None) -> None:
    """Have Supabase fail in a way that says nothing of the rows."""
    if failure == "unexpected":
        program.supabase.fail(KeyError("x"), of=of)
    else:
        status = {"rejected": 401, "invalid": 200, "unavailable": 500}[failure]
        program.supabase.answer(status, b"", of=of)


def pauses(program: Program, path: str) -> list[float]:
    """Return how much time lay between the reads of a path."""
    times = program.supabase.asked_at(path)
    return [round(later - at, 3) for at, later in itertools.pairwise(times)]


async def test_a_change_is_carried_out(program: Program) -> None:
    """Readers see the row and the table as they are; then nothing is left to do."""
    await with_entries(program, 1, 2)
    write(program, 1)
    assert (await program.webhook("articles", 1)).status == 200
    await program.live(20)
    assert await hit(program, "/articles/1") == row(1, "new")
    assert await hit(program, LIST) == [row(1, "new"), row(2)]
    assert sorted(program.supabase.asked) == [LIST, "/articles/1"]
    assert program.events("applied") == [
        {"event": "applied", "key": "/articles/1", "pending": 1},
        {"event": "applied", "key": LIST, "pending": 0},
    ]
    program.restart("articles")
    assert await pending(program) == 0
    assert program.durable("articles").storage.due_ms is None


async def test_a_deleted_row_goes(program: Program) -> None:
    await with_entries(program, 1)
    program.supabase.remove("articles", 1)
    await program.webhook("articles", 1)
    await program.live(1)
    assert program.kv.keys == [LIST]
    assert await hit(program, LIST) == []
    assert await pending(program) == 0


@pytest.mark.parametrize("wakes", ["a request", "a request after the clock was set back", "alarm"])
async def test_a_change_that_was_received_survives_the_object(program: Program, wakes: str) -> None:
    """Any request has the next life carry it out; without one, its alarm does."""
    await with_entries(program, 1)
    write(program, 1)
    program.supabase.hold()
    await program.webhook("articles", 1)
    await program.live(1)
    program.restart("articles")
    program.supabase.mend()
    if wakes == "a request after the clock was set back":
        program.set_clock(by_s=-3600)
    if wakes == "alarm":
        await program.live(15)
    else:
        assert await pending(program) == 2
        await program.live(0.1)
    assert await hit(program, "/articles/1") == row(1, "new")
    assert await pending(program) == 0


@pytest.mark.parametrize("is_deleted", [False, True])
@pytest.mark.parametrize("refuses", [False, True])
async def test_a_change_is_pending_until_kv_has_it(
    program: Program, is_deleted: bool, refuses: bool
) -> None:
    """KV may refuse for a long time. A write that is under way has not succeeded."""
    await with_entries(program, 1)
    write(program, 1)
    if is_deleted:
        program.supabase.remove("articles", 1)
    gate = program.kv.hold("/articles/1")
    if refuses:
        gate.set()
        program.kv.refuse("delete" if is_deleted else "put", "/articles/1")
    await program.webhook("articles", 1)
    await program.live(95)
    assert await pending(program) == 1
    assert await hit(program, "/articles/1") == row(1)
    told = [line["type"] for line in program.events("retry_scheduled")]
    assert set(told) == ({"kv-unavailable"} if refuses else set())
    program.kv.accept()
    gate.set()
    await program.live(20)
    assert await pending(program) == 0
    assert program.kv.json("/articles/1") == (None if is_deleted else row(1, "new"))


@pytest.mark.parametrize("failing", ["/articles/1", LIST])
@pytest.mark.parametrize("failure", FAILURES)
async def test_what_cannot_be_read_stays_and_holds_up_nothing(
    program: Program, failure: str, failing: str
) -> None:
    """Only proven absence removes an entry; a failure leaves it, and the change pending."""
    await with_entries(program, 1, 2)
    write(program, 1, 2)
    fail(program, failure, failing)
    await program.webhook("articles", 1, 2)
    await program.live(1)
    assert "old" in str(await hit(program, failing))
    for path in {"/articles/1", "/articles/2", LIST} - {failing}:
        assert "old" not in str(await hit(program, path))
    await program.live(100)
    assert await pending(program) == 1
    assert {what for _, what, _ in program.kv.tried} == {"get", "put"}
    program.supabase.mend()
    await program.live(13)
    assert "old" not in str(await hit(program, failing))
    assert await pending(program) == 0


@pytest.mark.parametrize("found", [7, "07:00+00"])
async def test_a_row_that_was_named_in_another_spelling_makes_all_out_of_date(
    program: Program, found: object
) -> None:
    """Nobody knows which spelling the entry has. Nothing is removed, or tried for ever."""
    await with_entries(program, 7)
    write(program, 7)
    program.supabase.answer(200, row(found, "new"), of="/articles/07")
    await program.webhook("articles", "07")
    await program.live(3)
    assert await pending(program) == 0
    assert {what for _, what, _ in program.kv.tried} == {"get", "put"}
    answer = await program.get("/articles/7")
    assert (answer.json, answer.cache_status[:9]) == (row(7, "new"), "fwd=stale")
    assert program.supabase.count("/articles/07") == 1


async def test_pauses_after_failures_grow_and_end(program: Program) -> None:
    """They grow from one second to ten; jitter makes each up to half as long."""
    fail(program, "rejected")
    await program.webhook("articles", 1)
    await program.live(300)
    times = pauses(program, "/articles/1")
    bounds = [1, 2, 4, 8] + [10] * (len(times) - 4)
    assert len(times) > 25
    for pause, bound in zip(times, bounds, strict=True):
        assert bound / 2 <= pause <= max(bound, 1) + 1
    scheduled = program.events("retry_scheduled")[0]
    assert (scheduled["key"], scheduled["type"]) == ("/articles/1", "supabase-rejected")
    assert str(scheduled["in_s"]) in {"0.5", "0.6", "0.7", "0.8", "0.9", "1.0"}


@pytest.mark.parametrize("comes", ["later", "while the row is being read"])
async def test_after_a_success_pauses_are_short_again(program: Program, comes: str) -> None:
    """Failures of earlier changes do not count."""
    fail(program, "rejected", "/articles/1")
    await program.webhook("articles", 1)
    await program.live(60)
    program.supabase.mend()
    gate = program.supabase.hold("/articles/1")
    await program.live(10)
    if comes == "later":
        gate.set()
        await program.live(2)
        assert await pending(program) == 0
    program.supabase.mend()
    fail(program, "rejected", "/articles/1")
    forget(program)
    await program.webhook("articles", 1)
    gate.set()
    await program.live(4)
    assert program.supabase.count("/articles/1") >= 2


async def test_each_row_fails_for_itself(program: Program) -> None:
    """A new change does not wait for an old one's pauses, and a burst does not end them."""
    fail(program, "rejected")
    await program.webhook("articles", 1)
    await program.live(60)
    forget(program)
    await program.webhook("articles", 2)
    for _ in range(100):
        await program.webhook("articles", 1)
        await program.live(0.01)
    assert program.supabase.count("/articles/2") >= 1
    assert program.supabase.count("/articles/1") <= 1
    assert program.supabase.count(LIST) <= 1


async def test_rounds_are_a_second_apart(program: Program) -> None:
    """A burst of changes is carried out together."""
    await with_entries(program, 1)
    for number in range(20):
        write(program, 1, title=str(number))
        await program.webhook("articles", 1)
        await program.live(0.1)
    await program.live(3)
    assert len(pauses(program, "/articles/1")) in {2, 3}
    assert min(pauses(program, "/articles/1")) >= 1
    assert await hit(program, "/articles/1") == row(1, "19")
    assert await pending(program) == 0


async def test_a_change_after_a_round_is_due_when_the_next_may_begin(program: Program) -> None:
    """Not even the end of an outage hurries it."""
    fail(program, "rejected", "/articles/9")
    await program.webhook("articles", 9)
    await program.live(60)
    forget(program)
    while program.supabase.asked == []:
        await program.live(0.1)
    await program.live(2)
    gate = program.supabase.hold("/articles/1")
    await program.webhook("articles", 1)
    await program.live(0.3)
    await program.webhook("articles", 2)
    gate.set()
    await program.live(0.69)
    assert program.supabase.count("/articles/2") == 0
    await program.live(0.02)
    assert program.supabase.count("/articles/2") == 1


@pytest.mark.parametrize("back_s", [30, 3600])
async def test_a_clock_that_was_set_back_delays_no_round_and_no_retry(
    program: Program, back_s: int
) -> None:
    fail(program, "rejected", "/articles/1")
    await program.webhook("articles", 1)
    await program.live(20)
    program.set_clock(by_s=-back_s)
    program.supabase.mend()
    await program.webhook("articles", 2)
    await program.live(0.1)
    assert await pending(program) == 0


async def test_a_change_that_comes_meanwhile_is_carried_out_next(program: Program) -> None:
    """A read that began before it does not have it: neither the row's nor the table's."""
    await with_entries(program, 1)
    gate = program.supabase.hold()
    await program.webhook("articles", 1)
    await program.live(2)
    write(program, 1)
    await program.webhook("articles", 1)
    await program.live(2)
    program.supabase.mend()
    gate.set()
    await program.live()
    assert await pending(program) == 2
    await program.live(2)
    assert await hit(program, "/articles/1") == row(1, "new")
    assert await hit(program, LIST) == [row(1, "new")]
    assert await pending(program) == 0


async def test_a_readers_read_begun_before_a_webhook_is_not_taken_for_its_refresh(
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
    await program.live(3)
    assert await hit(program, LIST) == [row(1, "new"), row(2, "new")]
    for key in (1, 2):
        assert await hit(program, f"/articles/{key}") == row(key, "new")
    assert [program.supabase.count(path) for path in paths] == [2, 2, 2]
    assert program.events("retry_scheduled") == []


async def test_a_table_that_takes_long_does_not_delay_rows_of_later_webhooks(
    program: Program,
) -> None:
    await with_entries(program, 1)
    program.supabase.hold(LIST)
    await program.webhook("articles", 1)
    await program.live(0.5)
    write(program, 2)
    await program.webhook("articles", 2)
    await program.live(1)
    assert await hit(program, "/articles/2") == row(2, "new")
    assert await pending(program) == 1


async def test_twenty_rows_are_named_one_by_one(program: Program) -> None:
    """Other entries are as good as before."""
    await with_entries(program, *range(21))
    await program.webhook("articles", *range(20))
    await program.live(3)
    names = [LIST, *(f"/articles/{key}" for key in range(20))]
    assert sorted(program.supabase.asked) == sorted(names)
    assert await hit(program, "/articles/20") == row(20)


async def test_more_changed_rows_are_all_rows(program: Program) -> None:
    """Readers learn that their entries are out of date; none of them is read for that."""
    await with_entries(program, *range(22))
    write(program, *range(22))
    await program.webhook("articles", *range(21))
    await program.live(3)
    assert await pending(program) == 0
    assert program.supabase.asked == [LIST]
    for key in (0, 21):
        answer = await program.get(f"/articles/{key}")
        assert (answer.json, answer.cache_status[:9]) == (row(key, "new"), "fwd=stale")
    await program.live(2)
    forget(program)
    await program.webhook("articles", 1)
    await program.live(3)
    assert sorted(program.supabase.asked) == [LIST, "/articles/1"]
    assert await hit(program, "/articles/0") == row(0, "new")


async def test_that_rows_are_out_of_date_is_published_however_long_kv_refuses(
    program: Program,
) -> None:
    await with_entries(program, *range(21))
    write(program, *range(21))
    program.kv.refuse("put", VERSIONS)
    await program.webhook("articles", *range(21))
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
    await program.webhook("articles", *range(21))
    await program.live(5)
    assert await pending(program) == 1
    await program.webhook("articles", *range(21))
    write(program, 1)
    gate.set()
    await program.live()
    assert await pending(program) == 2
    await program.live(5)
    assert await pending(program) == 0
    assert (await program.get("/articles/1")).json == row(1, "new")


async def test_what_a_revalidation_overtook_is_not_tried_any_more(program: Program) -> None:
    """Its failures are forgotten, so the row's next change does not wait for them."""
    await with_entries(program, 1)
    fail(program, "rejected", "/articles/1")
    await program.webhook("articles", 1)
    await program.live(60)
    await program.revalidate()
    assert await pending(program) == 0
    forget(program)
    await program.live(30)
    assert program.supabase.asked == []
    await program.webhook("articles", 1)
    await program.live(2.5)
    assert program.supabase.count("/articles/1") >= 2


async def test_the_end_of_an_outage_is_noticed(program: Program) -> None:
    """As soon as anybody hears from Supabase, what is pending is tried within a second."""
    fail(program, "rejected")
    await program.webhook("articles", 1)
    await program.live(100)
    forget(program)
    while len(program.supabase.asked) < 2:
        await program.live(0.2)
    program.supabase.mend()
    assert (await program.get("/articles/cold")).status == 404
    await program.live(1.1)
    assert await pending(program) == 0


async def test_the_end_of_a_single_failure_is_noticed_too(program: Program) -> None:
    """Here KV had failed before, so that the row's pauses were long already."""
    await fill(program, LIST)
    for what in ("put", "delete"):
        program.kv.refuse(what)
    await program.webhook("articles", 1)
    await program.live(60)
    fail(program, "rejected", "/articles/1")
    forget(program)
    while program.supabase.count("/articles/1") == 0:
        await program.live(0.1)
    program.kv.accept()
    program.supabase.mend()
    assert (await program.get("/articles/cold")).status == 404
    await program.live(2.5)
    assert await pending(program) == 0


async def test_an_outage_of_kv_does_not_have_supabase_read_all_the_time(program: Program) -> None:
    """Supabase answers, but that is no news: pauses grow as after any other failure."""
    await with_entries(program, 1)
    program.kv.refuse("put")
    await program.webhook("articles", 1)
    await program.live(100)
    assert 5 <= program.supabase.count(LIST) <= 25
