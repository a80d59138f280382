"""An object whose storage is lost does not make old entries fresh."""

from __future__ import annotations

import pytest
from program import Program

ROW, QUERY, OTHER = "/articles/1", "articles?select=title", "articles?id=eq.1"
EMBEDDING, OTHER_EMBEDDING = "articles?select=title,author(name)", "articles?select=id,author(name)"


@pytest.fixture
def program() -> Program:
    """Return a program whose only table has a row."""
    program = Program(tables={"articles": {}})
    program.supabase.write("articles", id=1, title="old")
    return program


async def ask(program: Program, what: str) -> str:
    """Return a reader's title, and whether it was a hit (hit) or else (fwd)."""
    answer = await (program.get(what) if what.startswith("/") else program.query(what))
    row = answer.json if what.startswith("/") else answer.json[0]
    return f"{row['title']} {answer.cache_status[:3]}"


async def with_stale(program: Program, what: str) -> None:
    """Have an entry in KV that is out of date, and lose all that the objects knew."""
    await ask(program, what)
    await program.live(60 * 60 * 24)  # nobody wants it any more
    program.supabase.write("articles", id=1, title="new")
    await program.webhook("articles")
    await program.live(5)
    for name in ("articles", "*"):
        program.lose_storage(name)


async def test_a_rows_entry_stays_stale_when_queries_become_so(program: Program) -> None:
    """Both versions lie under one key."""
    await with_stale(program, ROW)
    await program.query(QUERY)
    await program.webhook("articles", 2)
    await program.live(5)
    assert await ask(program, ROW) == "new fwd"


async def test_a_querys_entry_stays_stale_when_rows_become_so(program: Program) -> None:
    """Though the object knows of no query."""
    await with_stale(program, QUERY)
    await program.revalidate()
    assert await ask(program, QUERY) == "new fwd"


async def test_a_tables_entry_is_not_forgotten(program: Program) -> None:
    """The object cannot know whether KV has one, so it takes that for granted."""
    await program.get("/articles")
    await program.live(2)
    program.lose_storage("articles")
    program.supabase.write("articles", id=1, title="new")
    await program.webhook("articles", 1)
    await program.live(2)
    assert (await program.get("/articles")).json[0]["title"] == "new"


@pytest.mark.parametrize("what", [ROW, QUERY])
async def test_what_a_reader_sees_in_kv_is_learned(program: Program, what: str) -> None:
    """After that, what the object does is above all that its earlier life did.

    Here the clock of the machine that has it now is behind.
    """
    await with_stale(program, what)
    program.set_clock(by_s=-7 * 24 * 60 * 60)
    assert await ask(program, what) == "new fwd"
    await program.live(2)
    assert await ask(program, what) == "new hit"
    program.restart("articles")
    program.supabase.write("articles", id=1, title="newest")
    await program.webhook("articles")
    await program.live(2)
    assert (await ask(program, what)).startswith("newest")


async def test_entries_that_were_written_since_are_as_fresh_as_before(program: Program) -> None:
    """Of rows that did not change."""
    await with_stale(program, ROW)
    for what in (ROW, QUERY):
        await ask(program, what)
    await program.live(2)
    for number in (2, 3):
        await program.webhook("articles", number)
        await program.live(0.5)
    await program.live(10)
    assert await ask(program, ROW) == "new hit"


@pytest.mark.parametrize("has_read", [True, False])
async def test_a_project_that_is_revalidated_makes_all_queries_stale(
    program: Program, *, has_read: bool
) -> None:
    """Those of a lost life too, whether it knows of any or not."""
    await with_stale(program, EMBEDDING)
    if has_read:
        await program.query(OTHER_EMBEDDING)
    await program.revalidate()
    assert await ask(program, EMBEDDING) == "new fwd"
