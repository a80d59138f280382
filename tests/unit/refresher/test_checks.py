"""What no webhook told of is found by comparing the table with its entries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from program import Program
from refreshing import (
    LIST,
    MINUTE_OF_CHECKS,
    fill,
    forget,
    hit,
    pending,
    row,
    status,
    with_entries,
    write,
)


async def check(program: Program) -> list[str]:
    """Have the cron trigger compare the table; return what is logged of that."""
    program.log.clear()
    await program.tick(MINUTE_OF_CHECKS)
    lines = program.events("changed", "unchanged", "check_failed")
    return [str(line["event"]) for line in lines]


def compared(program: Program) -> list[str]:
    """Return what Supabase was asked for, but for the outbox."""
    return [name for name in program.supabase.asked if "rpc" not in name]


def edited(program: Program) -> None:
    """Change a row."""
    write(program, 1)


def deleted(program: Program) -> None:
    """Delete a row."""
    program.supabase.remove("articles", 1)


def inserted(program: Program) -> None:
    """Insert a row."""
    write(program, 3)


def another_workers(program: Program) -> None:
    """Have another Worker write a row's entry, without metadata."""
    program.kv.set("/articles/1", b'{"id":1,"title":"lesson"}')


def another_workers_table(program: Program) -> None:
    """Have another Worker write the table's entry, without metadata."""
    program.kv.set(LIST, b"[]")


@pytest.mark.parametrize(
    "event", [edited, deleted, inserted, another_workers, another_workers_table]
)
@pytest.mark.parametrize("lost", [[], [LIST], ["/articles/1", "/articles/2"]])
async def test_whatever_is_in_kv_is_mended(
    program: Program, event: Callable[[Program], None], lost: list[str]
) -> None:
    """A second comparison finds nothing."""
    await with_entries(program, 1, 2)
    for path in lost:
        program.kv.lose(path)
    event(program)
    await check(program)
    await program.live(5)
    table = program.supabase.tables["articles"]
    if LIST in program.kv.keys:
        assert (await program.get(LIST)).json == table
    assert await check(program) == ["unchanged"]
    for key in (1, 2, 3):
        answer = await program.get(f"/articles/{key}")
        assert [answer.json] * (answer.status == 200) == [one for one in table if one["id"] == key]


async def test_a_row_that_came_and_went_is_found(program: Program) -> None:
    """Its entry differs from a table that is as it was, and as its own entry is."""
    await with_entries(program, 1)
    write(program, 2)
    await fill(program, "/articles/2")
    program.supabase.remove("articles", 2)
    await check(program)
    await program.live(2)
    assert program.events("changed") == [{"event": "changed", "key": LIST, "entries": 1}]
    assert (await program.get("/articles/2")).status == 404


async def test_a_comparison_that_finds_nothing_writes_nothing(program: Program) -> None:
    """It costs one read and two lists, whatever way a row is spelled."""
    await with_entries(program, 1, "ü", "x" * 600)
    assert await check(program) == ["unchanged"]
    assert compared(program) == [LIST]
    assert [what for _, what, _ in program.kv.tried] == ["list", "list"]
    assert (await status(program))["failures"] == 0


async def test_rows_are_compared_not_their_spelling(program: Program) -> None:
    """Postgres may send columns of a row in another order than those of a table."""
    write(program, 1, title="old")
    turned = dict(reversed(row(1).items()))
    program.supabase.answer(200, turned, of="/articles/1", times=1)
    await fill(program, "/articles/1")
    assert await check(program) == ["unchanged"]
    assert compared(program) == [LIST]


async def test_of_an_empty_cache_nothing_is_read(program: Program) -> None:
    """There is nothing that could be out of date."""
    write(program, 1)
    program.kv.set("/articles_of_another_table", b"[]")
    await program.webhook("articles")
    await program.live(2)
    forget(program)
    await check(program)
    assert compared(program) == []
    assert program.kv.done == []


async def test_what_is_pending_is_passed_over(program: Program) -> None:
    """It is being carried out."""
    await with_entries(program, 1)
    write(program, 1)
    program.supabase.answer(401, b"")
    await program.webhook("articles", 1)
    await program.live(0.1)
    program.supabase.mend()
    forget(program)
    assert await check(program) == ["unchanged"]
    assert compared(program) == []


async def test_what_is_out_of_date_already_is_passed_over(program: Program) -> None:
    """Readers have it read again. One that is as new as the version counts."""
    await with_entries(program, 1, 2)
    program.restart("articles")  # nothing is popular
    await program.revalidate()
    await program.live(2)
    await program.get("/articles/2")
    await program.live(2)
    program.kv.lose(LIST)
    write(program, 1)
    assert await check(program) == ["unchanged"]
    another_workers(program)
    assert await check(program) == ["unchanged"]
    write(program, 2)
    assert await check(program) == ["changed"]


@pytest.mark.parametrize("metadata", ["{}", '{"v": 1}', "5", "another project's"])
async def test_what_readers_take_for_absent_is_passed_over(program: Program, metadata: str) -> None:
    await with_entries(program, 1)
    for key in (LIST, "/articles/1"):
        kept = program.kv.kept(key)
        assert kept is not None
        ours = program.kv.metadata(key)["project"]
        others = (kept.metadata or "").replace(ours, "other")
        program.kv.set(key, kept.content, others if "project" in metadata else metadata)
    write(program, 1)
    assert await check(program) == ["unchanged"]
    assert compared(program) == []


@pytest.mark.parametrize("failing", ["KV", "Supabase"])
async def test_a_comparison_that_fails_is_logged(program: Program, failing: str) -> None:
    """Entries stay as they are."""
    await with_entries(program, 1)
    write(program, 1)
    if failing == "KV":
        program.kv.refuse("list")
    else:
        program.supabase.answer(401, b"", of=LIST)
    assert await check(program) == ["check_failed"]
    assert await hit(program, LIST) == [row(1)]
    assert (await status(program))["failures"] == (failing == "Supabase")


async def test_what_was_being_compared_does_not_come_back(program: Program) -> None:
    """It is from before the change."""
    await with_entries(program, 1)
    write(program, 1, title="in between")
    gate = program.supabase.hold(LIST)
    checking = asyncio.ensure_future(check(program))
    await program.live(0.5)
    program.supabase.mend()
    write(program, 1)
    await program.webhook("articles", 1)
    await program.live(10)
    gate.set()
    await checking
    await program.live(5)
    assert await hit(program, LIST) == [row(1, "new")]
    assert await pending(program) == 0
