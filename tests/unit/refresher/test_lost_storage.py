"""An object whose storage is lost does not make old entries fresh."""

from __future__ import annotations

import pytest
from program import Program
from refreshing import ALL, fill, hit, read, row, write

EMBEDDING = "/rest/v1/articles?select=id,author(name)"


async def with_outdated(program: Program, path: str, name: str = "articles") -> None:
    """Have an entry in KV that is out of date, and lose all that the object knew."""
    write(program, 1, title="old")
    await fill(program, path)
    program.supabase.hold()
    await program.webhook("articles")
    await program.live(5)
    program.supabase.mend()
    program.lose_storage(name)
    write(program, 1)


async def is_outdated(program: Program, path: str) -> bool:
    """Tell whether a reader takes the entry for out of date."""
    return (await read(program, path)).cache_status.startswith("fwd=stale")


async def test_a_rows_entry_stays_outdated_when_queries_become_so(program: Program) -> None:
    """Both versions lie under one key."""
    await with_outdated(program, "/articles/1")
    await fill(program, ALL)
    await program.webhook("articles", 2)
    await program.live(5)
    assert await is_outdated(program, "/articles/1")


async def test_a_querys_entry_stays_outdated_when_rows_become_so(program: Program) -> None:
    """The new object knows of no query."""
    await with_outdated(program, ALL)
    await program.revalidate()
    assert await is_outdated(program, ALL)


async def test_entries_that_were_written_since_are_as_fresh_as_before(program: Program) -> None:
    """The next changes are of other rows."""
    await with_outdated(program, "/articles/1")
    await program.live(5)
    await fill(program, "/articles/1", ALL)
    await program.webhook("articles", 2)
    await program.live(0.5)
    await program.webhook("articles", 3)
    await program.live(10)
    assert (await program.get("/articles/1")).json == row(1, "new")


@pytest.mark.parametrize("has_read", [True, False])
async def test_a_project_that_is_revalidated_makes_all_queries_outdated(
    program: Program, has_read: bool
) -> None:
    """So are those of the lost life, whether the new one knows of any or not."""
    await with_outdated(program, EMBEDDING, "*")
    if has_read:
        await read(program, f"{EMBEDDING}&limit=1")
    await program.revalidate()
    assert await is_outdated(program, EMBEDDING)


@pytest.mark.parametrize("path", ["/articles/1", ALL])
async def test_a_later_life_whose_clock_is_behind_learns_from_readers(
    program: Program, path: str
) -> None:
    """What it reads is as new as what they see in KV, and what it does next is newer, for ever."""
    await with_outdated(program, path)
    program.set_clock(by_s=-3600)
    assert await is_outdated(program, path)
    await program.live(2)
    assert await hit(program, path) == (row(1, "new") if path == "/articles/1" else [row(1, "new")])
    program.restart("articles")
    write(program, 1, title="newest")
    await program.revalidate()
    assert "newest" in str((await read(program, path)).json)
