"""What an object answers if another version of the Worker asks it, or the wrong object is asked."""

from __future__ import annotations

import pytest
from durable import ObjectAnswer
from program import Program

from edge_cache import wire


async def ask(program: Program, verb: str, path: str, *, name: str = "articles") -> ObjectAnswer:
    """Return what an object answers."""
    return await program.durable(name).call(wire.url_of(verb, path), "")


def problem_in(answer: ObjectAnswer) -> dict[str, object]:
    """Return the problem that an answer carries."""
    assert not answer.is_ok
    return wire.error_from(answer.header(wire.ERROR), answer.body).document()


@pytest.mark.parametrize("path", ["/unknown", "/articles/1/2", "/rest/v1/unknown", "/rest/v1/a.b"])
async def test_an_unknown_table_is_a_problem(program: Program, path: str) -> None:
    """Nothing is made for it."""
    problem = problem_in(await ask(program, wire.FILL, path))
    assert (problem["status"], problem["detail"]) == (404, "The refresher knows no such table.")
    assert program.durable("articles").storage.texts == {}


async def test_an_object_serves_no_table_but_its_own(program: Program) -> None:
    """Two would write the same entries."""
    problem = problem_in(await ask(program, wire.FILL, "/articles", name="products"))
    assert (problem["status"], program.supabase.asked) == (500, [])
    assert program.durable("products").storage.texts == {}


async def test_an_unknown_verb_is_an_error(program: Program) -> None:
    """It must not do what another verb does."""
    problem = problem_in(await ask(program, "frobnicate", "/articles"))
    assert problem["detail"] == "The refresher does not know what is asked of it."
    assert (program.supabase.asked, program.kv.tried) == ([], [])


async def test_a_configuration_that_is_wrong_is_a_problem() -> None:
    """It is read with the first request."""
    program = Program(supabase_url=None)
    problem = problem_in(await ask(program, wire.STATUS, "/articles"))
    assert problem["status"] == 500
    assert "SUPABASE_URL is missing" in str(problem["detail"])


async def test_a_row_may_have_any_character_in_its_name(program: Program) -> None:
    program.supabase.write("products", sku="a/ü?&;#")
    assert (await program.get("/products/a%2F%C3%BC%3F%26%3B%23")).json == {"sku": "a/ü?&;#"}
    assert program.supabase.asked == ["/products/a/ü?&;#"]


async def test_a_query_may_have_what_urls_have_in_its_values(program: Program) -> None:
    program.supabase.write("articles", id=1, title="http://x?/y")
    answer = await program.query("articles?title=eq.http://x%3F/y")
    assert answer.json == [{"id": 1, "title": "http://x?/y"}]
