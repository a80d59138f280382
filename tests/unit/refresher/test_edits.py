"""A change that was received is kept until every reader can see it, whatever fails."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import pytest
from program import Program

ROW, LIST, VERSION = "/articles/1", "/articles", "/articles?version"
ROWS = range(1, 31)
HOUR_S = 3600


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose table has thirty rows."""
    for number in ROWS:
        program.supabase.tables.setdefault("articles", []).append({"id": number, "title": "old"})
    return program


async def fill(program: Program, *numbers: int) -> None:
    """Have the table and these rows in KV, and nothing of that in memory; forget how."""
    for path in (LIST, *(f"/articles/{number}" for number in numbers)):
        await program.get(path)
    await program.live(2)
    forget(program)


def forget(program: Program) -> None:
    """Forget what happened up to now."""
    for seen in (program.supabase.requests, program.kv.tried, program.kv.done, program.log):
        seen.clear()


def edit(program: Program, *numbers: int, title: str = "new") -> None:
    """Edit rows."""
    for row in program.supabase.tables["articles"]:
        if row["id"] in numbers:
            row["title"] = title


async def pending(program: Program) -> int:
    """Return how many entries are to be brought up to date."""
    number: int = (await program.status())["pending"]
    return number


def title(program: Program, number: int = 1) -> object:
    """Return what KV has of a row."""
    row = program.kv.json(f"/articles/{number}")
    return row and row["title"]


def listed(program: Program, number: int = 1) -> object:
    """Return what KV's entry of the table has of a row."""
    return program.kv.json(LIST)[number - 1]["title"]


def pauses(program: Program, name: str) -> list[float]:
    """Return the times between the readings of something."""
    times = itertools.pairwise(program.supabase.asked_at(name))
    return [later - earlier for earlier, later in times]


async def test_a_change_is_carried_out(program: Program) -> None:
    """Readers see the row and the table as they are; then it is forgotten, in storage too."""
    await fill(program, 1, 2)
    edit(program, 1)
    await program.webhook("articles", 1)
    assert await pending(program) == 2
    await program.live(2)
    for path, value in (
        (ROW, {"id": 1, "title": "new"}),
        ("/articles/2", {"id": 2, "title": "old"}),
    ):
        answer = await program.get(path)
        assert (answer.json, answer.cache_status) == (value, "hit")
    assert ((await program.get(LIST)).json[0]["title"], listed(program, 2)) == ("new", "old")
    assert sorted(program.supabase.asked) == [LIST, ROW]
    assert program.events("applied") == [
        {"event": "applied", "key": ROW, "pending": 1},
        {"event": "applied", "key": LIST, "pending": 0},
    ]
    program.restart("articles")
    await program.live(60)
    assert sorted(program.supabase.asked) == [LIST, ROW]


async def test_a_deleted_row_goes(program: Program) -> None:
    await fill(program, 1)
    program.supabase.remove("articles", 1)
    await program.webhook("articles", 1)
    await program.live(1)
    assert ROW not in program.kv.keys
    assert len(program.kv.json(LIST)) == 29
    assert await pending(program) == 0


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_a_change_is_not_done_before_kv_has_it(program: Program, *, is_deleted: bool) -> None:
    """A write that is under way is none that succeeded."""
    await fill(program, 1)
    if is_deleted:
        program.supabase.remove("articles", 1)
    gates = [program.kv.hold(key) for key in (LIST, ROW)]
    await program.webhook("articles", 1)
    await program.live(10)
    assert await pending(program) == 2
    for gate in gates:
        gate.set()
    await program.live()
    assert await pending(program) == 0


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_a_write_that_kv_refuses_keeps_the_change_pending(
    program: Program, *, is_deleted: bool
) -> None:
    """Until it takes it, however long that is. Nothing else waits for that."""
    await fill(program, 1)
    edit(program, 1)
    if is_deleted:
        program.supabase.remove("articles", 1)
    program.kv.refuse("delete" if is_deleted else "put", ROW)
    await program.webhook("articles", 1)
    await program.live(100)
    assert (await pending(program), title(program)) == (1, "old")
    assert program.events("retry_scheduled")[0]["type"] == "kv-unavailable"
    program.kv.accept()
    await program.live(11)
    assert (await pending(program), title(program)) == (0, None if is_deleted else "new")


async def test_an_outage_of_kv_does_not_have_supabase_read_all_the_time(program: Program) -> None:
    """It answers, but that is no news: pauses grow as after any other failure."""
    await fill(program)
    program.kv.refuse("put")
    await program.webhook("articles", 1)
    await program.live(100)
    assert 5 <= program.supabase.count(LIST) <= 25


FAILURES = [
    httpx.Response(401),
    httpx.Response(200, text="<html>"),
    httpx.Response(504),
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
    KeyError("private"),
]


def fail(program: Program, failure: Exception | httpx.Response, of: str) -> None:
    """Have the reads of something fail."""
    if isinstance(failure, Exception):
        program.supabase.fail(failure, of=of)
    else:
        program.supabase.answer(
            failure.status_code, failure.content, headers=failure.headers, of=of
        )


@pytest.mark.parametrize("failure", FAILURES, ids=str)
async def test_only_proven_absence_removes_an_entry(
    program: Program, failure: Exception | httpx.Response
) -> None:
    """Any other error leaves it where it is and the change pending, and holds up nothing else."""
    await fill(program, 1, 2)
    edit(program, 1, 2)
    fail(program, failure, ROW)
    await program.webhook("articles", 1, 2)
    await program.live(3)
    assert (title(program, 1), title(program, 2), listed(program)) == ("old", "new", "new")
    await program.live(60)
    assert await pending(program) == 1
    assert {what for _, what, _ in program.kv.done} == {"put"}
    program.supabase.mend()
    await program.live(11)
    assert (await pending(program), title(program)) == (0, "new")


@pytest.mark.parametrize("failure", FAILURES, ids=str)
async def test_a_table_that_cannot_be_read_holds_up_no_row(
    program: Program, failure: Exception | httpx.Response
) -> None:
    """And stays as it was."""
    await fill(program, 1)
    edit(program, 1)
    fail(program, failure, LIST)
    await program.webhook("articles", 1)
    await program.live(30)
    assert (title(program), listed(program), await pending(program)) == ("new", "old", 1)
    program.supabase.mend()
    await program.live(11)
    assert (listed(program), await pending(program)) == ("new", 0)


@pytest.mark.parametrize(("told", "found"), [("07", 7), ("7", 999)])
async def test_a_row_that_was_named_in_another_spelling_makes_all_out_of_date(
    program: Program, told: str, found: int
) -> None:
    """Under which one its entry lies is not known; nothing is removed or tried for ever."""
    await fill(program, 7)
    edit(program, 7)
    program.supabase.answer(200, {"id": found}, of=f"/articles/{told}", times=1)
    await program.webhook("articles", told)
    await program.live(3)
    assert await pending(program) == 0
    assert program.supabase.count(f"/articles/{told}") == 1
    assert {what for _, what, _ in program.kv.done} == {"put"}
    answer = await program.get("/articles/7")
    assert (answer.json["title"], answer.cache_status[:9]) == ("new", "fwd=stale")


# When it is tried.


async def test_pauses_after_failures_grow_and_end(program: Program) -> None:
    """From half a second to ten; jitter makes each up to half as long."""
    program.supabase.refuse(401, "PGRST301", of=ROW)
    await program.webhook("articles", 1)
    await program.live(300)
    found = pauses(program, ROW)
    bounds = [1, 2, 4, 8] + [10] * (len(found) - 4)
    assert len(found) > 25
    for pause, bound in zip(found, bounds, strict=True):
        assert bound / 2 <= pause <= max(bound, 1) + 1
    first = program.events("retry_scheduled")[0]
    assert (first["key"], first["type"]) == (ROW, "supabase-rejected")
    assert 0.5 <= float(str(first["in_s"])) <= 1


async def test_after_a_success_pauses_are_short_again(program: Program) -> None:
    """Also if the next change is there already: it came while the row was being read."""
    await fill(program, 1)
    program.supabase.refuse(401, "PGRST301", of=ROW)
    await program.webhook("articles", 1)
    await program.live(60)
    program.supabase.mend()
    gate = program.supabase.hold(ROW)
    await program.live(11)
    program.supabase.mend()
    program.supabase.refuse(401, "PGRST301", of=ROW)
    await program.webhook("articles", 1)
    forget(program)
    gate.set()
    await program.live(4)
    assert len(program.supabase.asked_at(ROW)) >= 2


async def test_each_entry_has_pauses_of_its_own(program: Program) -> None:
    """A new change does not wait for those of an old one; nor does a burst hurry that."""
    program.supabase.refuse(401, "PGRST301")
    await program.webhook("articles", 1)
    await program.live(60)
    forget(program)
    await program.webhook("articles", 2)
    for _ in range(100):
        await program.webhook("articles", 1)
        await program.live(0.01)
    await program.live(0.1)
    assert program.supabase.count("/articles/2") >= 1
    assert program.supabase.count(ROW) <= 1


async def test_rounds_are_a_second_apart(program: Program) -> None:
    """A burst of changes is carried out together; what comes in between waits for the next one."""
    await fill(program, 1)
    for number in range(20):
        edit(program, 1, title=str(number))
        await program.webhook("articles", 1)
        await program.live(0.1)
    await program.live(1)
    assert len(program.supabase.asked_at(ROW)) in {3, 4}
    assert all(pause >= 0.999 for pause in pauses(program, ROW))
    assert (title(program), await pending(program)) == ("19", 0)


@pytest.mark.parametrize("back_s", [30, HOUR_S])
async def test_a_clock_that_was_set_back_delays_no_round(program: Program, back_s: int) -> None:
    """Nor a retry."""
    program.supabase.fail(of=ROW)
    await program.webhook("articles", 1)
    await program.live(20)
    program.set_clock(by_s=-back_s)
    program.supabase.mend()
    await program.webhook("articles", 2)
    await program.live(0.1)
    assert await pending(program) == 0


async def test_the_end_of_an_outage_is_noticed(program: Program) -> None:
    """Whoever hears from Supabase first, what is pending is tried within a second of that."""
    for _ in range(5):
        program.supabase.fail()
        await program.webhook("articles", 1)
        await program.live(97)
        program.supabase.mend()
        await program.get("/articles/999")
        await program.live(1.2)
        assert await pending(program) == 0


# What comes meanwhile.


@pytest.mark.parametrize("by", ["webhook", "reader"])
async def test_a_change_that_comes_during_a_read_is_carried_out_next(
    program: Program, by: str
) -> None:
    """The read that began before it does not have it: neither the row's nor the table's."""
    if by == "webhook":
        await fill(program, 1)
    gates = [program.supabase.hold(path) for path in (LIST, ROW)]
    readers = []
    if by == "webhook":
        await program.webhook("articles", 1)
    else:
        readers = [asyncio.ensure_future(program.get(path)) for path in (LIST, ROW)]
    await program.live(2)
    edit(program, 1)
    await program.webhook("articles", 1)
    await program.live(2)
    for gate in gates:
        gate.set()
    await asyncio.gather(*readers)
    await program.live(3)
    assert (title(program), listed(program), await pending(program)) == ("new", "new", 0)
    assert [program.supabase.count(path) for path in (LIST, ROW)] == [2, 2]
    assert program.events("retry_scheduled") == []


async def test_a_row_that_was_missing_in_a_read_under_way_comes_with_the_next(
    program: Program,
) -> None:
    program.supabase.remove("articles", 1)
    gate = program.supabase.hold(ROW)
    await program.webhook("articles", 1)
    await program.live(0.1)
    program.supabase.write("articles", id=1, title="new")
    await program.webhook("articles", 1)
    gate.set()
    await program.live(5)
    assert (title(program), await pending(program)) == ("new", 0)


async def test_a_table_that_takes_long_does_not_delay_rows_of_later_webhooks(
    program: Program,
) -> None:
    await fill(program)
    program.supabase.hold(LIST)
    await program.webhook("articles", 1)
    await program.live(0.5)
    edit(program, 2)
    await program.webhook("articles", 2)
    await program.live(1)
    assert (title(program, 2), await pending(program)) == ("new", 1)


# When the object is lost.


async def test_a_change_is_carried_out_though_its_object_is_lost(program: Program) -> None:
    """The alarm alone has it made again, without any request."""
    await fill(program, 1)
    await program.live(5)  # that the table is wanted is in storage then
    edit(program, 1)
    await program.webhook("articles", 1)
    program.restart("articles")
    await program.live(16)
    assert (title(program), listed(program)) == ("new", "new")


async def test_what_was_under_way_in_a_lost_object_begins_again(program: Program) -> None:
    await fill(program, 1)
    edit(program, 1)
    program.supabase.hold(ROW)
    await program.webhook("articles", 1)
    await program.live(5)
    program.restart("articles")
    program.supabase.mend()
    await program.live(10.1)
    assert title(program) == "new"
    assert program.supabase.count(ROW) == 2


@pytest.mark.parametrize("back_s", [0, HOUR_S])
async def test_after_a_restart_pending_changes_are_due_with_the_first_request(
    program: Program, back_s: int
) -> None:
    """However far off the alarm of the earlier life is."""
    program.supabase.fail()
    await program.webhook("articles", 1)
    await program.live(60)
    program.supabase.mend()
    program.set_clock(by_s=-back_s)
    program.restart("articles")
    await pending(program)
    await program.live(0.1)
    assert await pending(program) == 0


async def test_an_alarm_without_a_configuration_comes_again(program: Program) -> None:
    """The runtime would give up after six times."""
    await fill(program, 1)
    edit(program, 1)
    await program.webhook("articles", 1)
    program.declare(supabase_url=None)
    await program.live(120)
    failed = program.events("alarm_failed")
    assert 10 <= len(failed) <= 13
    assert {line["type"] for line in failed} == {"configuration"}
    program.declare(supabase_url="https://abc.supabase.co")
    await program.live(10)
    assert title(program) == "new"


async def test_a_change_of_a_table_that_is_not_declared_any_more_waits_until_it_is(
    program: Program,
) -> None:
    await fill(program, 1)
    edit(program, 1)
    program.supabase.fail()
    await program.webhook("articles", 1)
    await program.live(1)
    program.declare(tables={"products": {}})
    program.supabase.mend()
    forget(program)
    await program.live(60)
    assert (program.supabase.asked, program.log) == ([], [])
    program.declare(tables={"articles": {}})
    await pending(program)
    await program.live(1)
    assert title(program) == "new"


# Many rows.


async def test_twenty_rows_are_named_one_by_one(program: Program) -> None:
    """Other entries are as good as before."""
    await fill(program, *ROWS)
    edit(program, *range(1, 21))
    await program.webhook("articles", *range(1, 21))
    await program.live(3)
    assert sorted(program.supabase.asked) == sorted(
        [LIST, *(f"/articles/{n}" for n in range(1, 21))]
    )
    assert VERSION not in program.kv.keys
    answers = [await program.get(f"/articles/{number}") for number in ROWS]
    assert {answer.cache_status for answer in answers} == {"hit"}


@pytest.mark.parametrize("at_once", [True, False])
async def test_more_changed_rows_are_all_rows(program: Program, *, at_once: bool) -> None:
    """Readers learn that their entries are out of date; none of them is read for that."""
    await fill(program, *ROWS)
    edit(program, *range(1, 22))
    if at_once:
        await program.webhook("articles", *range(1, 22))
    else:
        for number in range(1, 22):
            await program.webhook("articles", number)
    await program.live(3)
    assert await pending(program) == 0
    # One by one, the first is read before the others come.
    assert set(program.supabase.asked) == ({LIST} if at_once else {LIST, ROW})
    for number in ROWS:
        answer = await program.get(f"/articles/{number}")
        assert answer.json["title"] == ("new" if number < 22 else "old")
        assert answer.cache_status.startswith("fwd=stale")
    forget(program)
    await program.live(2)
    await program.webhook("articles", 1)
    await program.live(3)
    assert sorted(program.supabase.asked) == [LIST, ROW]
    assert (await program.get("/articles/2")).cache_status == "hit"


async def test_that_all_rows_changed_is_not_done_before_kv_has_it(program: Program) -> None:
    """Nor is a later such change done with an earlier one."""
    await fill(program, 1)
    gate = program.kv.hold(VERSION)
    for _ in range(2):
        await program.webhook("articles")
        await program.live(5)
        assert await pending(program) == 1
    gate.set()
    await program.live()
    assert await pending(program) == 1
    await program.live(5)
    assert await pending(program) == 0
    assert [what for _, what in program.kv.writes(VERSION)] == ["put", "put"]


async def test_that_all_rows_changed_is_published_however_long_kv_refuses(program: Program) -> None:
    """Though the table was written long since."""
    await fill(program, 1)
    edit(program, 1)
    program.kv.refuse("put", VERSION)
    await program.webhook("articles")
    await program.live(70)
    assert (await pending(program), listed(program)) == (1, "new")
    assert {line["key"] for line in program.events("write_failed")} == {VERSION}
    program.kv.accept()
    await program.live(11)
    assert await pending(program) == 0
    assert (await program.get(ROW)).json["title"] == "new"


async def test_a_row_that_became_stale_meanwhile_needs_no_refresh_of_its_own(
    program: Program,
) -> None:
    """What failed for it is forgotten, and does not slow its next change."""
    await fill(program, 1)
    program.supabase.refuse(401, "PGRST301", of=ROW)
    await program.webhook("articles", 1)
    await program.live(60)
    await program.webhook("articles")
    await program.live(3)
    assert await pending(program) == 0
    forget(program)
    await program.live(30)
    assert program.supabase.asked == []
    await program.webhook("articles", 1)
    await program.live(2.5)
    assert len(program.supabase.asked_at(ROW)) >= 2
