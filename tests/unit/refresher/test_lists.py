"""Whole tables are read again only as long as somebody wants them."""

from __future__ import annotations

import asyncio

import pytest
from program import Program

LIST, DAY_S = "/articles", 24 * 60 * 60
QUARTER = 28_333_335
"""A minute at which tables are compared with their entries."""


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose tables have rows."""
    program.supabase.write("articles", id=1, title="old")
    program.supabase.tables["products"] = []
    return program


async def with_list(program: Program, *, asked_s_ago: float = DAY_S) -> None:
    """Have the table in KV, which somebody asked for last so long ago."""
    await program.get(LIST)
    await program.live(asked_s_ago)
    program.supabase.requests.clear()
    program.kv.done.clear()


async def edit(program: Program, title: str = "new") -> None:
    """Edit a row, and tell of it."""
    program.supabase.write("articles", id=1, title=title)
    await program.webhook("articles", 1)


def listed(program: Program) -> object:
    """Return the title that KV's entry of the table has."""
    rows = program.kv.json(LIST)
    return rows and rows[0]["title"]


async def test_a_table_that_somebody_wanted_lately_is_read_after_a_change(program: Program) -> None:
    """Up to a day ago."""
    await with_list(program, asked_s_ago=DAY_S - 1)
    await edit(program)
    await program.live(0.5)
    assert listed(program) == "new"


async def test_a_table_that_nobody_wants_is_removed_once(program: Program) -> None:
    """After the first change; later ones cost nothing, also after a restart."""
    await with_list(program)
    for _ in range(3):
        await edit(program)
        await program.live(5)
        program.restart("articles")
    assert [what for _, what in program.kv.writes(LIST)] == ["delete"]
    assert program.supabase.count(LIST) == 0
    assert (await program.status())["pending"] == 0


async def test_a_table_that_was_removed_is_read_once_somebody_wants_it(program: Program) -> None:
    """And then after each change."""
    await with_list(program)
    await edit(program)
    await program.live(5)
    assert (await program.get(LIST)).json[0]["title"] == "new"
    await program.live(5)
    await edit(program, "newest")
    await program.live(5)
    assert listed(program) == "newest"


@pytest.mark.parametrize("by", ["a reader", "a person"])
async def test_who_renews_or_revalidates_a_table_wants_it(program: Program, by: str) -> None:
    """A reader who finds that nobody wanted it for half a day has it renewed."""
    await with_list(program)
    if by == "a reader":
        assert (await program.get(LIST)).cache_status == "hit"
    else:
        await program.revalidate()
    await program.live(2)
    await edit(program)
    await program.live(5)
    assert listed(program) == "new"


async def test_a_comparison_is_no_reader(program: Program) -> None:
    """It mends the entry, but does not have it kept for another day."""
    await with_list(program)
    program.supabase.write("articles", id=1, title="in between")
    await program.tick(QUARTER)
    assert listed(program) == "in between"
    await program.live(2)
    await edit(program)
    await program.live(5)
    assert LIST not in program.kv.keys


async def test_a_removal_that_kv_refuses_stays_pending(program: Program) -> None:
    """Until the entry is gone, whatever comes meanwhile."""
    await with_list(program)
    program.kv.refuse("delete")
    for _ in range(2):
        await edit(program)
        await program.live(20)
    program.restart("articles")
    assert (await program.status())["pending"] == 1
    program.kv.accept()
    await program.live(11)
    assert (await program.status())["pending"] == 0
    assert LIST not in program.kv.keys
    assert program.supabase.count(LIST) == 0


async def test_a_table_that_is_asked_for_while_it_is_removed_is_kept_fresh(
    program: Program,
) -> None:
    """KV may say that it is absent before it says that it is removed."""
    await with_list(program)
    gate = program.kv.hold(LIST)
    await edit(program)
    await program.live(0.5)
    program.kv.lose(LIST)
    assert (await program.get(LIST)).status == 200
    gate.set()
    await program.live(5)
    assert listed(program) == "new"
    await edit(program, "newest")
    await program.live(5)
    assert listed(program) == "newest"


async def test_what_a_comparison_was_reading_meanwhile_does_not_come_back(program: Program) -> None:
    """It is from before the change."""
    await with_list(program)
    program.supabase.write("articles", id=1, title="in between")
    program.supabase.delay_s = 1
    comparing = asyncio.ensure_future(program.tick(QUARTER))
    await program.live(2.5)  # asked the outbox, and reading the table
    await edit(program)
    await program.live(10)
    await comparing
    assert listed(program) in (None, "new")
    assert (await program.status())["pending"] == 0


async def test_its_entry_says_when_it_was_asked_for(program: Program) -> None:
    """Not when it was read: so a reader can tell that nobody has told of it for long."""
    await with_list(program, asked_s_ago=50)
    asked_at = program.clock.now_ms() - 50_000
    await edit(program)
    await program.live(5)
    told = program.kv.metadata(LIST)
    assert (told["askedAt"], told["readAt"]) == (asked_at, asked_at + 50_000)


async def test_nothing_was_asked_for_after_it_was_read(program: Program) -> None:
    """A row was when it was read, as nothing else is known; nor if the clock was set back since."""
    await program.get("/articles/1")
    await program.get(LIST)
    await program.live(1)
    program.set_clock(by_s=-5)
    await edit(program)
    await program.live(2)
    for key in ("/articles/1", LIST):
        told = program.kv.metadata(key)
        assert told["askedAt"] == told["readAt"]
