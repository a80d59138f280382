"""`/touches`: what an edit would make out of date."""

from __future__ import annotations

import json
from typing import Any

import pytest
from catalogues import foreign_key, table, text_of
from fake_postgrest import Outbox
from program import BEARER, KEY, SECRET, Program

LIST = "/rest/v1/articles?select=title"
ROWS = ("/rest/v1/articles?id=eq.1&select=title", "/rest/v1/articles?id=eq.2&select=title")
EMBEDDING = "/rest/v1/articles?id=eq.1&select=title,authors(name)"
NOTES = "/rest/v1/notes?select=id"


async def answered(*paths: str, has_script: bool = True) -> Program:
    """Return the program after readers asked for these paths."""
    program = Program(tables={"articles": {}, "notes": {}}, revalidate_secret=SECRET)
    for name in ("articles", "notes", "authors"):
        program.supabase.write(name, id=1, title="one", name="Ann")
    if has_script:
        program.supabase.outbox = Outbox(
            SECRET, [("public", name) for name in ("articles", "notes", "authors")]
        )
        told = (table("articles"), table("notes"), table("authors"))
        key = foreign_key("by", "articles(author_id)", "authors(id)")
        program.supabase.outbox.catalogue = json.loads(text_of(*told, key))
        await program.tick()
    for path in paths:
        await program.get(path, apikey=KEY)
    await program.live(2)
    return program


async def touched(program: Program, question: str) -> Any:
    """Return the answer of the route."""
    return (await program.get(f"/touches?{question}", **BEARER)).json


async def test_an_edit_of_a_row_touches_what_shows_it() -> None:
    program = await answered("/articles", LIST, *ROWS, NOTES)
    before = len(program.supabase.requests)
    told = await touched(program, "table=articles&key=1")
    assert (told["relation"], told["key"], told["is_known"]) == ("public.articles", "1", True)
    assert told["targets"].keys() == {"articles"}
    assert set(told["targets"]["articles"]) == {"/articles", LIST, ROWS[0]}
    everything = await touched(program, "table=articles")
    assert set(everything["targets"]["articles"]) == {"/articles", LIST, *ROWS}
    await program.live(10)
    assert len(program.supabase.requests) == before


async def test_an_edit_of_an_embedded_table_touches_the_embedding() -> None:
    program = await answered(EMBEDDING, ROWS[0])
    told = await touched(program, "table=authors&key=1")
    assert told["targets"] == {"articles": [EMBEDDING]}


async def test_a_change_of_a_name_that_nobody_knows_touches_everything() -> None:
    program = await answered(LIST, NOTES)
    told = await touched(program, "table=shop.orders&key=1")
    assert (told["relation"], told["is_known"]) == ("shop.orders", False)
    assert told["targets"] == {"articles": [LIST], "notes": [NOTES]}


async def test_without_the_script_an_embedding_depends_on_everything() -> None:
    program = await answered(EMBEDDING, LIST, has_script=False)
    told = await touched(program, "table=notes&key=1")
    assert told["targets"]["articles"] == [EMBEDDING]


@pytest.mark.parametrize("question", ["", "key=1", "table="])
async def test_it_needs_a_table(question: str) -> None:
    answer = await Program().get(f"/touches?{question}", **BEARER)
    assert (answer.status, answer.slug) == (404, "not-found")


async def test_it_needs_the_secret() -> None:
    assert (await Program().get("/touches?table=articles")).status == 401
