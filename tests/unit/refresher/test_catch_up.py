"""The ledger asks the database's outbox after a poke, and every minute."""

from __future__ import annotations

import pytest
from fake_postgrest import Outbox
from program import SECRET, Program
from refreshing import LIST, hit, read, row, with_entries, write

from edge_cache.refresher.feed import RELOAD_MS

OUTBOX = "/rest/v1/rpc/edge_cache_changes"


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose database has an outbox."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    return program


def note(program: Program, *keys: object) -> None:
    """Have the database announce a change."""
    assert program.supabase.outbox
    program.supabase.outbox.note("articles", list(keys))


async def test_twenty_rows_are_named_once_each(program: Program) -> None:
    """It does not matter how often they were announced."""
    await program.tick()
    await program.live(2)
    await with_entries(program, *range(20))
    for _ in range(2):
        for key in range(20):
            note(program, key)
    await program.tick()
    await program.live(8)
    names = [name for name in program.supabase.asked if "rpc" not in name]
    assert sorted(names) == sorted([LIST, *(f"/articles/{key}" for key in range(20))])


async def test_after_a_poke_the_outbox_is_asked(program: Program) -> None:
    """A poke has no content, so nobody needs a secret for it."""
    await program.tick()
    await program.live(2)
    await with_entries(program, 1)
    write(program, 1)
    note(program, 1)
    assert (await program.poke()).json == {"received": True}
    await program.live(2)
    assert await hit(program, "/articles/1") == row(1, "new")


async def test_pokes_ask_a_few_times_a_second_at_most(program: Program) -> None:
    """What is announced while the outbox answers is asked for once more."""
    await program.tick()
    await program.live(2)
    await with_entries(program, 1)
    for number in range(200):
        write(program, 1, title=str(number))
        note(program, 1)
        await program.poke()
        await program.live(0.01)
    await program.live(6)
    assert program.supabase.count(OUTBOX) <= 8
    assert (await read(program, "/articles/1")).json == row(1, "199")


async def test_a_poke_that_is_lost_is_made_up_for(program: Program) -> None:
    await program.tick()
    await program.live(2)
    await with_entries(program, 1)
    write(program, 1)
    note(program, 1)
    await program.tick()
    await program.live(2)
    assert await hit(program, "/articles/1") == row(1, "new")


async def test_a_project_without_the_script_is_not_asked_for_a_poke(program: Program) -> None:
    """Nobody could make the Worker ask Supabase all the time."""
    program.declare(revalidate_secret=None)
    answer = await program.poke()
    assert answer.status in {200, 503}
    await program.live(1)
    assert program.supabase.asked == []


async def test_a_catalogue_that_has_no_room_counts_as_none(program: Program) -> None:
    """The program goes on as if the script did not have it."""
    assert program.supabase.outbox
    many = [{"schema": "public", "name": "x" * 63, "reads": None}] * 20_000
    program.supabase.outbox.catalogue = {"relations": many, "foreign_keys": [], "functions": []}
    write(program, 1)
    assert (await program.get("/articles/1")).json == row(1, "new")
    assert program.events("catalogue_too_large")
    await program.live(2)
    assert await hit(program, "/articles/1") == row(1, "new")


@pytest.mark.parametrize("restarts", [False, True])
async def test_what_was_read_by_the_old_schema_is_read_again(
    program: Program, restarts: bool
) -> None:
    """PostgREST goes on with the schema that it knows for some seconds after DDL."""
    assert program.supabase.outbox
    members: dict[str, object] = {"relations": [], "foreign_keys": [], "functions": []}
    program.supabase.outbox.catalogue = members
    await program.tick()
    await program.live(2)
    await with_entries(program, 1)
    more = {"schema": "public", "name": "x", "reads": None}
    program.supabase.outbox.catalogue = {**members, "functions": [more]}
    await program.tick()
    await program.live(2)
    assert (await program.get("/articles/1")).json == row(1)  # by the old schema
    await program.live(RELOAD_MS / 1000)
    write(program, 1)  # what PostgREST would answer by the new one
    if restarts:
        program.restart("*")
    await program.tick()
    await program.live(2)
    assert (await program.get("/articles/1")).json == row(1, "new")
    asked = len(program.supabase.asked)
    await program.tick()
    await program.live(2)
    assert [name for name in program.supabase.asked[asked:] if "rpc" not in name] == []
