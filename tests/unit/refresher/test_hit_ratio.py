"""How often readers hit while something is edited every second.

Twenty readers a second ask for random answers, as in a shop that edits its stock all day. What this
shows is which entries an edit makes outdated; how long anything takes is not shown.
"""

from __future__ import annotations

from random import Random

import pytest
from fake_postgrest import Outbox
from program import KEY, SECRET, Program

ROWS = 100
SECONDS = 40
READS_A_SECOND = 20

QUERIES = {
    "rows": "/articles/{}",
    "by key": "/rest/v1/articles?id=eq.{}",
    "by key, embedding": "/rest/v1/articles?select=title,author:authors(name)&id=eq.{}",
    "view by key": "/rest/v1/recent?id=eq.{}",
}

ARTICLES, AUTHORS, COMMENTS = (["public", name] for name in ("articles", "authors", "comments"))


def relation(name: str, **members: object) -> dict[str, object]:
    """Return a relation of the catalogue."""
    told: dict[str, object] = {
        "schema": "public",
        "name": name,
        "reads": [],
        "key": None,
        "computed": [],
    }
    return {**told, "view": False, **members}


CATALOGUE = {
    "relations": [
        relation("articles", key={"column": "id", "type": "int8", "of": ARTICLES}),
        relation("authors"),
        relation("comments"),
        relation("recent", view=True, key={"column": "id", "type": "int8", "of": ARTICLES}),
    ],
    "foreign_keys": [
        {
            "name": "articles_author_fkey",
            "from": ARTICLES,
            "columns": ["author_id"],
            "to": AUTHORS,
            "to_columns": ["id"],
        }
    ],
    "functions": [],
}


@pytest.fixture
def shop() -> Program:
    """Return a program with a hundred articles, which a view shows too."""
    program = Program(tables={"articles": {}, "recent": {"view": True}})
    for table in ("articles", "recent"):
        for key in range(ROWS):
            program.supabase.write(table, id=key, title="old")
    watched = [("public", name) for name in ("articles", "authors", "comments")]
    program.supabase.outbox = Outbox(SECRET, watched)
    program.supabase.outbox.catalogue = CATALOGUE
    return program


async def ratio(program: Program, query: str, edited: str | None) -> float:
    """Return the share of hits after every answer was read once."""
    random, hits = Random(7), 0  # noqa: S311  no secret
    await program.tick()
    await program.live(2)
    for key in range(ROWS):
        await program.get(query.format(key), apikey=KEY)
    await program.live(10)
    for _ in range(SECONDS):
        if edited:
            assert program.supabase.outbox
            program.supabase.outbox.note(edited, [random.randrange(ROWS)])
            await program.poke()
        for _ in range(READS_A_SECOND):
            answer = await program.get(query.format(random.randrange(ROWS)), apikey=KEY)
            hits += answer.cache_status.startswith("hit")
            await program.live(1 / READS_A_SECOND)
    return hits / (SECONDS * READS_A_SECOND)


async def test_tables_are_named_that_answers_show_and_nobody_watches(shop: Program) -> None:
    """Their changes would show only once an answer is too old."""
    assert shop.supabase.outbox
    shop.supabase.outbox.watched = [("public", "articles")]
    await shop.tick()
    await shop.get("/articles")
    assert (await shop.get("/health")).json["project"]["outbox"]["unwatched"] == []
    await shop.get(QUERIES["by key, embedding"].format(1), apikey=KEY)
    outbox = (await shop.get("/health")).json["project"]["outbox"]
    assert outbox["unwatched"] == ["public.authors"]


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_an_edit_of_another_table_costs_no_hit(shop: Program, query: str) -> None:
    assert await ratio(shop, query, "comments") >= 0.99


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_an_edit_of_one_row_costs_that_rows_readers_a_hit(shop: Program, query: str) -> None:
    assert await ratio(shop, query, "articles") >= 0.98
