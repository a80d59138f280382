"""A table that PostgREST refuses to read: its entries go, and Supabase is well all the same."""

from __future__ import annotations

import pytest
from program import Program

LIST, ROWS = "/articles", ["/articles/1", "/articles/2"]
QUARTER = 28_333_335


async def with_entries() -> Program:
    """Return a program in whose KV a table and two rows have aged a little."""
    program = Program(max_age_seconds=60)
    program.supabase.tables["products"] = []
    for number in (1, 2):
        program.supabase.write("articles", id=number, title="old")
    for path in (LIST, *ROWS):
        await program.get(path)
    await program.live(2)
    return program


async def notice(program: Program, by: str) -> None:
    """Have the refusal noticed."""
    if by == "a webhook":
        await program.webhook("articles", 1)
    elif by == "the comparison":
        await program.tick(QUARTER)
    elif by == "a reader of an aged entry":
        await program.live(60)
        assert (await program.get(LIST)).status == 200
    else:
        answer = await program.revalidate()
        assert (answer.status, answer.slug) == (502, "supabase-rejected")
    await program.live(5)


@pytest.mark.parametrize(
    "by", ["a webhook", "the comparison", "a reader of an aged entry", "a revalidation"]
)
async def test_the_entries_of_a_refused_table_go(by: str) -> None:
    program = await with_entries()
    program.supabase.refuse(401, "42501")
    await notice(program, by)
    assert LIST not in program.kv.keys
    for path in ROWS:
        answer = await program.get(path)
        assert (answer.status, answer.slug, answer.json["code"]) == (
            502,
            "supabase-rejected",
            "42501",
        )
    await program.live(2)
    assert [key for key in program.kv.keys if key.startswith("/articles")] == ["/articles?version"]
    status = await program.status()
    assert (status["failures"], status["pending"], status["refused"]) == (0, 0, True)
    assert "grant select" in status["last_error_detail"]


async def test_a_table_that_is_given_back_is_served_again() -> None:
    program = await with_entries()
    program.supabase.refuse(401, "42501")
    await notice(program, "a revalidation")
    program.supabase.mend()
    assert len((await program.get(LIST)).json) == 2
    assert (await program.status())["refused"] is False


async def test_a_refused_table_costs_no_write_for_each_reader() -> None:
    program = await with_entries()
    program.supabase.refuse(401, "42501")
    await notice(program, "a revalidation")
    written = len(program.kv.done)
    for _ in range(20):
        assert (await program.get(LIST)).status == 502
        await program.live(1)
    assert len(program.kv.done) <= written + 1


async def test_a_gateway_that_refuses_leaves_the_entries() -> None:
    program = await with_entries()
    program.supabase.answer(401, {"message": "No such key."})
    await notice(program, "a revalidation")
    assert {LIST, *ROWS} <= set(program.kv.keys)
    status = await program.status()
    assert (status["failures"], status["refused"]) == (1, False)


async def test_lookups_of_a_refused_table_have_a_budget(program: Program) -> None:
    """Each of them asks Supabase, and none makes an entry."""
    program.supabase.refuse(401, "42501")
    answers = [await program.get(f"/articles/{number}") for number in range(200)]
    assert {answer.slug for answer in answers} == {"supabase-rejected", "lookups-exhausted"}
    assert len(program.supabase.asked) < 100
