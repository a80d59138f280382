"""`/touches`: what an edit would make out of date."""

from __future__ import annotations

import json
from typing import Any

import pytest
from catalogues import foreign_key, function, table, text_of, view
from fake_postgrest import Outbox
from program import BEARER, KEY, SECRET, Answer, Program

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
    assert (told["relation"], told["key"], told["kind"]) == ("public.articles", "1", "table")
    assert told["targets"].keys() == {"articles"}
    assert set(told["targets"]["articles"]["paths"]) == {"/articles", LIST, ROWS[0]}
    everything = await touched(program, "table=articles")
    assert set(everything["targets"]["articles"]["paths"]) == {"/articles", LIST, *ROWS}
    await program.live(10)
    assert len(program.supabase.requests) == before


async def test_an_edit_of_an_embedded_table_touches_the_embedding() -> None:
    program = await answered(EMBEDDING, ROWS[0])
    told = await touched(program, "table=authors&key=1")
    assert told["targets"] == {"articles": {"how": "shown", "paths": [EMBEDDING]}}


async def test_it_says_how_each_target_depends_on_a_table() -> None:
    """Without the script, nobody knows what an embedding shows."""
    program = await answered(EMBEDDING, NOTES, has_script=False)
    told = (await touched(program, "table=notes"))["targets"]
    assert {name: one["how"] for name, one in told.items()} == {
        "articles": "everything",
        "notes": "own",
    }


async def test_a_change_of_a_name_that_nobody_knows_touches_everything() -> None:
    program = await answered(LIST, NOTES)
    told = await touched(program, "table=shop.orders&key=1")
    assert (told["relation"], told["kind"]) == ("shop.orders", "")
    assert told["targets"] == {
        "articles": {"how": "everything", "paths": [LIST]},
        "notes": {"how": "everything", "paths": [NOTES]},
    }


async def test_without_the_script_an_embedding_depends_on_everything() -> None:
    program = await answered(EMBEDDING, LIST, has_script=False)
    told = await touched(program, "table=notes&key=1")
    assert told["targets"]["articles"]["paths"] == [EMBEDDING]


async def made(program: Program, question: str) -> Answer:
    """Make outdated what the edit would, as `npm run purge` does."""
    answer = await program.ask("POST", f"/touches?{question}", BEARER)
    await program.live(2)
    return answer


async def test_a_post_makes_it_outdated() -> None:
    program = await answered(LIST, NOTES)
    program.forget_readers("articles")
    assert (await made(program, "table=articles")).status == 200
    assert (await program.get(LIST, apikey=KEY)).cache_status.startswith("fwd=stale")
    assert (await program.get(NOTES, apikey=KEY)).cache_status.startswith("hit")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("recent", "public.recent is a view. Name a table that it reads: public.articles."),
        ("rpc/search", "is a function. Name a table that it reads: public.articles, public.notes."),
        ("search", "public.search is a function."),
        ("mixed", "public.mixed is a function. Name a table that it reads."),
        ("declared", "public.declared is a view. Name a table that it reads."),
        ("find", "public.find is a function. Name a table that it reads."),
        ("artciles", "has a table public.artciles. Check the name."),
    ],
)
async def test_only_a_tables_name_makes_something_outdated(name: str, said: str) -> None:
    """Everything would be, because nobody knows what shows its rows."""
    program = Program(
        tables={"articles": {}, "declared": {"view": True}, "find": {"function": True}}
    )
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    program.supabase.outbox.catalogue = json.loads(
        text_of(
            table("articles"),
            view("recent", key="id int8 articles"),
            function("search", reads=["articles", "notes"]),
            function("mixed", reads=["articles"]),
            function("mixed", reads=None),
        )
    )
    program.supabase.write("articles", id=1, title="one")
    await program.tick()
    await program.get(LIST, apikey=KEY)
    await program.live(2)
    program.forget_readers("articles")
    answer = await made(program, f"table={name}")
    assert (answer.status, answer.slug) == (404, "not-found")
    assert said in answer.json["detail"]
    assert (await program.get(LIST, apikey=KEY)).cache_status.startswith("hit")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("question", ["", "key=1", "table=", "table=%20", "table=articles&key="])
async def test_nothing_empty_means_everything(method: str, question: str) -> None:
    """It may be a variable of a shell that was not set."""
    answer = await Program().ask(method, f"/touches?{question}", BEARER)
    assert (answer.status, answer.slug) == (400, "bad-request")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_it_needs_the_secret(method: str) -> None:
    assert (await Program().ask(method, "/touches?table=articles")).status == 401


async def test_a_page_of_another_site_makes_nothing_outdated() -> None:
    """On this machine, nobody needs a secret as long as none is set."""
    here, there = "http://localhost:8787/touches?table=articles", {"origin": "https://evil.example"}
    program = Program(revalidate_secret="")
    assert (await program.ask("POST", here, there)).status == 403
    assert (await program.ask("POST", here)).status == 200
