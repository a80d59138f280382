"""A table that PostgREST refuses to read: its entries go, and Supabase is well all the same."""

from __future__ import annotations

import pytest
from program import Program
from refreshing import LIST, MINUTE_OF_CHECKS, VERSIONS, forget, status, with_entries


@pytest.fixture
def program() -> Program:
    """Return a program whose entries age after a minute."""
    return Program(tables={"articles": {}}, max_age_seconds=60)


@pytest.mark.parametrize(
    "by", ["a webhook", "the comparison", "a reader of an aged entry", "a revalidation"]
)
async def test_the_entries_of_a_refused_table_go(program: Program, by: str) -> None:
    await with_entries(program, 1, 2)
    program.supabase.refuse(401, "42501")
    if by == "a webhook":
        await program.webhook("articles", 1)
    elif by == "the comparison":
        await program.tick(MINUTE_OF_CHECKS)
        assert len(program.events("changed")) == 1
    elif by == "a reader of an aged entry":
        await program.live(61)
        assert (await program.get(LIST)).status == 200
    else:
        answer = await program.revalidate()
        assert (answer.status, answer.json["code"]) == (502, "42501")
    await program.live(5)
    assert LIST not in program.kv.keys
    for path in ("/articles/1", "/articles/2", LIST):
        answer = await program.get(path)
        assert (answer.status, answer.json["code"]) == (502, "42501")
    await program.live(2)
    assert program.kv.keys == [VERSIONS]
    told = await status(program)
    assert (told["failures"], told["pending"], told["refused"]) == (0, 0, True)
    assert "grant select" in told["last_error_detail"]


async def test_a_row_that_cannot_be_read_alone_goes_alone(program: Program) -> None:
    """A policy may raise an error for it."""
    await with_entries(program, 1, 2)
    program.supabase.refuse(400, "P0001", of="/articles/1")
    await program.webhook("articles", 1)
    await program.live(5)
    assert program.kv.keys == [LIST, "/articles/2", VERSIONS]
    told = await status(program)
    assert (told["failures"], told["pending"], told["refused"]) == (0, 0, False)


async def test_a_table_that_is_given_back_is_served_again(program: Program) -> None:
    """While it is refused, its readers cost no writes."""
    await with_entries(program, 1)
    program.supabase.refuse(401, "42501")
    await program.revalidate()
    await program.live(5)
    forget(program)
    for _ in range(20):
        assert (await program.get(LIST)).status == 502
        await program.live(1)
    assert len(program.kv.done) <= 1
    program.supabase.mend()
    assert (await program.get(LIST)).json == program.supabase.tables["articles"]
    assert (await status(program))["refused"] is False


async def test_a_gateway_that_refuses_leaves_the_entries(program: Program) -> None:
    await with_entries(program, 1)
    program.supabase.answer(401, b"")
    assert (await program.revalidate()).status == 502
    await program.live(5)
    assert (await program.get(LIST)).json == program.supabase.tables["articles"]
    assert (await status(program))["failures"] != 0
