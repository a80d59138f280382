"""How much is remembered, and named, of what the database announced and webhooks brought.

What that is for, the tests of the cron trigger show (tests/unit/worker).
"""

from __future__ import annotations

import pytest
from fake_postgrest import Outbox
from program import SECRET, Program
from refreshing import LIST, with_entries


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose database has an outbox."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    return program


def note(program: Program, *keys: object) -> int:
    """Have the database announce a change; return its number."""
    assert program.supabase.outbox
    return program.supabase.outbox.note("articles", list(keys))


async def test_five_hundred_changes_are_remembered_that_webhooks_brought(program: Program) -> None:
    """What is told twice costs a refresh, no more. A webhook without a number says nothing."""
    await program.tick()
    for _ in range(501):
        await program.webhook("articles", 1, number=note(program, 1))
    await program.webhook("articles", 1)
    await program.tick()
    assert [line["changes"] for line in program.events("caught_up")] == [0, 1]


async def test_twenty_rows_are_named_once_each(program: Program) -> None:
    """It does not matter how often they were announced."""
    await program.tick()
    await program.live(2)
    await with_entries(program, *range(20))
    for _ in range(2):
        for key in range(20):
            note(program, key)
    await program.tick()
    await program.live(3)
    names = [name for name in program.supabase.asked if "rpc" not in name]
    assert sorted(names) == sorted([LIST, *(f"/articles/{key}" for key in range(20))])
