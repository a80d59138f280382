"""What a Durable Object does when its alarm fires, and with what it cannot carry out."""

from __future__ import annotations

import json

import pytest
from program import SUPABASE, Program
from refreshing import LIST, forget, pending, row, with_entries, write

from edge_cache import wire


async def with_pending_change(program: Program) -> None:
    """Have a change that is not carried out, and an alarm for it."""
    await with_entries(program, 1)
    write(program, 1)
    program.supabase.hold()
    await program.webhook("articles", 1)
    await program.live(1)
    program.supabase.mend()


async def test_an_alarm_that_fails_comes_again(program: Program) -> None:
    """The runtime would give up after six times."""
    await with_pending_change(program)
    program.declare(supabase_url="nowhere")
    await program.live(100)
    failed = program.events("alarm_failed")
    assert 9 <= len(failed) <= 20  # of the table and of the ledger
    assert failed[0]["type"] == "configuration"
    assert "SUPABASE_URL" in str(failed[0]["detail"])
    program.declare(supabase_url=SUPABASE)
    await program.live(10)
    assert (await program.get("/articles/1")).json == row(1, "new")


async def test_changes_of_a_table_that_is_not_served_any_more_wait_until_it_is(
    program: Program,
) -> None:
    await with_pending_change(program)
    program.declare(tables={"products": {}})
    forget(program)
    await program.live(100)
    assert program.supabase.asked == []
    assert program.durable("articles").storage.due_ms is None
    program.declare(tables={"articles": {}})
    assert await pending(program) > 0
    await program.live(7)
    assert (await program.get("/articles/1")).json == row(1, "new")


@pytest.mark.parametrize(
    ("verb", "path", "status", "detail"),
    [
        ("fill", "/unknown", 404, "The refresher knows no such table."),
        ("fill", "/articles/1/2", 404, "The refresher knows no such table."),
        ("fill", "/rest/v1/unknown", 404, "The refresher knows no such table."),
        ("fill", "/rest/v1/a.b", 404, "The refresher knows no such table."),
        ("fill", "/rest/v1/authors", 500, "The request is for another object."),
        ("record", "", 500, "The refresher does not know this verb."),
        ("frobnicate", LIST, 500, "The refresher does not know this verb."),
    ],
)
async def test_what_is_not_understood_changes_nothing(
    program: Program, verb: str, path: str, status: int, detail: str
) -> None:
    """It must not do what another verb does."""
    program.declare(tables={"articles": {}, "authors": {"watch": True}})
    await with_entries(program, 1)
    await program.live(6)
    stored = dict(program.durable("articles").storage.texts)
    answer = await program.durable("articles").call(wire.url_of(verb, path), "[]")
    assert not answer.is_ok
    error = wire.error_from(answer.header(wire.ERROR), None)
    assert (error.status, error.detail) == (status, detail)
    assert program.durable("articles").storage.texts == stored
    assert (program.kv.tried, program.supabase.requests) == ([], [])


async def test_what_supabase_said_of_a_row_does_not_leave_the_object(program: Program) -> None:
    """Whoever asks for a row gets a problem; Supabase's words may quote another row."""
    program.supabase.answer(504, "private")
    answer = await program.durable("articles").call(wire.url_of("fill", "/articles/1"), "")
    assert answer.body is None
    assert "reply" not in json.loads(answer.header(wire.ERROR) or "")
