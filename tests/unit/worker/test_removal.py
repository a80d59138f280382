"""`/entries`: all of a table's entries are removed."""

from __future__ import annotations

from typing import Any

import pytest
from program import BEARER, KEY, Program

from edge_cache.refresher import removal

ALL = "/rest/v1/articles?select=title"
COUNTED = "/rest/v1/articles;count=exact"
PATHS = ["/articles", "/articles/1", ALL, f"{ALL}&title=eq.{'x' * 500}"]
OTHERS = ["/articles_more", "/rest/v1/articles_more?select=title"]


async def answered() -> Program:
    """Return the program with entries of two tables, one of which has a longer name."""
    program = Program(tables={"articles": {}, "articles_more": {}, "recent": {"view": True}})
    for name in ("articles", "articles_more", "recent"):
        program.supabase.write(name, id=1, title="one")
    for path in (*PATHS, *OTHERS, "/rest/v1/recent?select=title"):
        assert (await program.get(path, apikey=KEY)).status == 200
    await program.get("/rest/v1/articles", apikey=KEY, prefer="count=exact")
    await program.live(5)
    assert COUNTED in program.kv.keys
    return program


async def removed(program: Program, question: str) -> Any:
    """Ask the route, and return its answer."""
    return (await program.ask("DELETE", f"/entries?{question}", BEARER)).json


async def test_a_tables_entries_are_removed_and_nobody_elses() -> None:
    program = await answered()
    told = await removed(program, "table=articles")
    assert told["removed"] == len([*PATHS, COUNTED])
    await program.live(5)
    kept = {key for key in program.kv.keys if not key.endswith("?versions")}
    assert kept == {*OTHERS, "/rest/v1/recent?select=title"}
    assert await removed(program, f"table=articles&after={told['last']}") == {
        "removed": 0,
        "last": None,
    }
    assert "fwd=uri-miss" in (await program.get(ALL, apikey=KEY)).cache_status


async def test_they_are_removed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 2)
    program = await answered()
    first = await removed(program, "table=articles")
    assert first == {"removed": 2, "last": "/articles/1"}
    assert (await removed(program, "table=articles&after=%2Farticles%2F1"))["removed"] == 2


async def test_a_views_entries_are_removed_and_its_tables_stay_fresh() -> None:
    program = await answered()
    assert (await removed(program, "table=recent"))["removed"] == 1
    await program.live(5)
    assert (await program.get(ALL, apikey=KEY)).cache_status.startswith("hit")


async def test_what_supabase_would_not_show_is_not_shown_while_it_fails() -> None:
    program = await answered()
    await removed(program, "table=articles")
    program.supabase.fail()
    assert (await program.get(ALL, apikey=KEY)).status == 502


@pytest.mark.parametrize(
    ("question", "status"),
    [("", 400), ("table=", 400), ("table=articles&after=", 400), ("table=nope", 404)],
)
async def test_it_names_what_is_declared(question: str, status: int) -> None:
    answer = await Program().ask("DELETE", f"/entries?{question}", BEARER)
    assert answer.status == status
    assert answer.slug == {400: "bad-request", 404: "not-found"}[status]


async def test_a_watched_table_of_another_schema_is_outdated_alone() -> None:
    """A person may name it as `/health` does, or as Postgres does."""
    tables = {"articles": {}, "orders": {"watch": True, "schema": "shop"}}
    program = Program(tables=tables)
    program.supabase.write("articles", id=1, title="one")
    await program.get(ALL, apikey=KEY)
    await program.live(2)
    for name in ("orders", "shop.orders"):
        assert await removed(program, f"table={name}") == {"removed": 0, "last": None}
    await program.live(2)
    assert (await program.get(ALL, apikey=KEY)).cache_status.startswith("hit")


async def test_a_targets_own_name_goes_before_postgress_name_of_another() -> None:
    tables = {"old": {"name": "articles", "schema": "shop"}, "articles": {}}
    program = Program(tables=tables)
    program.supabase.write("articles", id=1, title="one")
    for path in ("/old/1", "/articles/1"):
        assert (await program.get(path)).status == 200
    await program.live(5)
    assert await removed(program, "table=articles") == {"removed": 1, "last": "/articles/1"}
    assert await removed(program, "table=shop.articles") == {"removed": 1, "last": "/old/1"}


async def test_it_needs_the_secret_and_the_method() -> None:
    assert (await Program().ask("DELETE", "/entries?table=articles")).status == 401
    assert (await Program().get("/entries?table=articles", **BEARER)).status == 405
