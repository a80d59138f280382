"""Whole tables are read again only as long as somebody wants them."""

from __future__ import annotations

import asyncio

import pytest
from program import Program
from refreshing import (
    DAY_S,
    LIST,
    MINUTE_OF_CHECKS,
    VERSIONS,
    fill,
    forget,
    hit,
    pending,
    row,
    write,
)

NEW = [row(1, "new")]


async def with_list(program: Program, *, asked_s_ago: float = DAY_S) -> None:
    """Have the table in KV, which somebody asked for last so long ago."""
    write(program, 1, title="old")
    await fill(program, LIST)
    await program.live(asked_s_ago - 2)
    forget(program)


async def edit(program: Program, title: str = "new") -> None:
    """Edit a row, and tell of the table's change; what that makes of other entries is no matter."""
    write(program, 1, title=title)
    await program.webhook("articles")


def done(program: Program) -> list[tuple[str, str]]:
    """Return what KV was asked to write or remove, but for the versions."""
    tried = [(what, key) for _, what, key in program.kv.tried if what in {"put", "delete"}]
    return [one for one in tried if one[1] != VERSIONS]


async def test_a_table_that_somebody_wanted_within_a_day_is_read_after_a_change(
    program: Program,
) -> None:
    await with_list(program, asked_s_ago=DAY_S - 1)
    await edit(program)
    await program.live(0.5)
    assert await hit(program, LIST) == NEW


async def test_a_table_that_nobody_wants_is_not_read_before_somebody_wants_it(
    program: Program,
) -> None:
    await with_list(program)
    await edit(program, "unseen")
    await program.live(5)
    program.restart("articles")
    await edit(program, "unseen too")
    await program.live(5)
    assert program.supabase.asked == []
    assert await pending(program) == 0
    await edit(program)
    await program.live(5)
    assert (await program.get(LIST)).json == NEW
    await program.live(5)
    await edit(program, "newest")
    await program.live(5)
    assert await hit(program, LIST) == [row(1, "newest")]


@pytest.mark.parametrize("wants", ["a reader", "a reader while Supabase fails", "revalidation"])
async def test_whoever_has_it_renewed_wants_it(program: Program, wants: str) -> None:
    await with_list(program)
    if wants == "revalidation":
        await program.revalidate()
    else:
        if wants == "a reader while Supabase fails":
            program.supabase.answer(503)
            await program.get("/articles/cold")
        await hit(program, LIST)
        await program.live(1)
        program.supabase.mend()
    await edit(program)
    await program.live(5)
    assert await hit(program, LIST) == NEW


async def test_a_comparison_is_no_reader(program: Program) -> None:
    """It makes the entry outdated, but nobody reads the table again for that."""
    await with_list(program)
    write(program, 1)
    await program.tick(MINUTE_OF_CHECKS)
    await program.live(5)
    assert program.supabase.count(LIST) == 1
    assert (await program.get(LIST)).json == NEW


async def test_what_a_comparison_was_reading_does_not_come_back(program: Program) -> None:
    """Its read began before the change, so it has the old rows."""
    await with_list(program)
    write(program, 1, title="in between")
    program.supabase.delay_s = 1
    comparing = asyncio.ensure_future(program.tick(MINUTE_OF_CHECKS))
    await program.live(2.5)  # the comparison is over, and its revalidation reads the table
    await edit(program)
    await program.live(10)
    await comparing
    program.supabase.delay_s = 0
    assert (await program.get(LIST)).json == NEW
    await program.live(10)
    assert await pending(program) == 0


async def test_its_entry_tells_when_it_was_asked_for(program: Program) -> None:
    """It does not tell a time after the read, even if the clock was set back since."""
    await with_list(program, asked_s_ago=50)
    for back_s in (0, 3600):
        program.set_clock(by_s=-back_s)
        await edit(program)
        await program.live(5)
        told = program.kv.metadata(LIST)
        assert told["readAt"] - told["askedAt"] == (0 if back_s else 50_000)


async def test_a_rows_entry_was_asked_for_when_it_was_read(program: Program) -> None:
    """Nothing else is known."""
    write(program, 1)
    await program.live(5)
    await fill(program, "/articles/1")
    told = program.kv.metadata("/articles/1")
    assert told["askedAt"] == told["readAt"] == program.clock.now_ms() - 2000
