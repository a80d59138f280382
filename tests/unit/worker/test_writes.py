"""A write that passes through the Worker is a change at once, without any webhook."""

from __future__ import annotations

import pytest
from fake_postgrest import Outbox
from program import KEY, SECRET, Answer, Program

PATHS = ["/articles", "/articles/1", "/articles/2", "/rest/v1/articles?id=eq.1"]
EMBEDDING = "/rest/v1/articles?select=title,author(name)"
CATALOGUE: dict[str, object] = {
    "relations": [
        {
            "schema": "public",
            "name": "articles",
            "reads": [],
            "key": {"column": "id", "type": "int8", "of": ["public", "articles"]},
            "computed": [],
            "view": False,
        }
    ],
    "foreign_keys": [],
    "functions": [],
}


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program with two rows."""
    for key in (1, 2):
        program.supabase.write("articles", id=key, title="old")
    return program


async def fill(program: Program) -> None:
    """Have entries in KV, of which none is popular."""
    for path in (*PATHS, EMBEDDING):
        await program.get(path, apikey=KEY)
    await program.live(6)
    program.forget_readers("articles")


async def with_slow_outbox(program: Program, catalogue: dict[str, object] | None) -> None:
    """Have entries in KV, and a script whose outbox does not answer from now on."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")], catalogue=catalogue)
    await program.tick()
    await fill(program)
    program.supabase.hold("/rest/v1/rpc/edge_cache_changes")


async def write(program: Program, method: str, path: str, body: bytes = b"{}") -> Answer:
    """Write as a signed-in user does."""
    program.supabase.answer(204, times=1)
    sent = {"apikey": KEY, "authorization": "Bearer a.b.c", "content-length": str(len(body))}
    return await program.ask(method, f"/rest/v1/{path}", sent, body)


async def outdated(program: Program) -> list[str]:
    """Return the paths of what is read again for its next reader."""
    answers = {path: await program.get(path, apikey=KEY) for path in (*PATHS, EMBEDDING)}
    return [path for path, one in answers.items() if one.cache_status.startswith("fwd=stale")]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_the_next_reader_gets_what_was_written(program: Program, method: str) -> None:
    """Without the script, only the request says what changed."""
    await fill(program)
    assert (await write(program, method, "articles")).status == 204
    assert await outdated(program) == [*PATHS, EMBEDDING]


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize(
    ("written", "touched"),
    [
        (("DELETE", "articles?id=eq.1", b""), "1"),
        (("PATCH", "articles?id=eq.1", b'{"title": "new"}'), "1"),
        (("PATCH", "articles?id=eq.1", b'{"id": 2}'), "12"),
        (("PATCH", "articles?title=eq.old", b'{"title": "new"}'), "12"),
        (("POST", "articles", b'{"id": 1, "title": "new"}'), "1"),
        (("POST", "articles", b'{"title": "new"}'), "12"),
        (("DELETE", "articles?id=eq.01", b""), "12"),  # Postgres reads it as 1
        (("DELETE", "articles?id=eq.1;id=eq.2", b""), "12"),  # PostgREST splits at semicolons
    ],
)
async def test_rows_that_a_write_names_are_outdated_if_nobody_knows_more(
    program: Program, written: tuple[str, str, bytes], touched: str, is_known: bool
) -> None:
    """If nobody knows how Postgres spells keys, a write makes all rows outdated."""
    await with_slow_outbox(program, catalogue=CATALOGUE if is_known else None)
    await write(program, *written)
    rows = [path for path in await outdated(program) if path in {"/articles/1", "/articles/2"}]
    assert rows == [f"/articles/{key}" for key in (touched if is_known else "12")]


async def test_a_large_body_is_not_searched_for_keys(program: Program) -> None:
    await with_slow_outbox(program, catalogue=CATALOGUE)
    await write(program, "POST", "articles", b'{"id": 1, "title": "%s"}' % (b"x" * 65_536))
    assert "/articles/2" in await outdated(program)


async def test_what_the_outbox_does_not_watch_counts_whatever_it_says(program: Program) -> None:
    """An undeclared table can be embedded."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    await program.tick()
    await fill(program)
    await write(program, "POST", "author")
    assert await outdated(program) == [EMBEDDING]


async def test_a_function_changed_what_the_outbox_says_however_late(program: Program) -> None:
    await with_slow_outbox(program, catalogue=None)
    await write(program, "POST", "rpc/publish")
    assert await outdated(program) == []


async def test_the_outbox_knows_more_exactly(program: Program) -> None:
    """A trigger may have changed rows of other tables."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    await program.tick()
    await program.live(2)
    await fill(program)
    program.supabase.outbox.note("articles", [2])
    await write(program, "PATCH", "articles?title=eq.old")
    await program.live(1.2)  # until KV has taken whatever else would be published
    outdated_then = await outdated(program)
    assert "/articles/2" in outdated_then
    assert "/articles/1" not in outdated_then


async def test_a_table_that_the_outbox_does_not_watch_counts_as_changed(program: Program) -> None:
    program.supabase.outbox = Outbox(SECRET, [])
    await program.tick()
    await program.live(2)
    await fill(program)
    await write(program, "PATCH", "articles?title=eq.old")
    assert await outdated(program) == [*PATHS, EMBEDDING]


async def test_an_outbox_that_is_slow_is_not_waited_for(program: Program) -> None:
    """Then the request counts, and the outbox's own answer comes later."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    await program.tick()
    await program.live(2)
    await fill(program)
    gate = program.supabase.hold("/rest/v1/rpc/edge_cache_changes")
    before_s = program.clock.passed_s
    await write(program, "POST", "articles")
    assert program.clock.passed_s - before_s <= 0.1
    await program.live(0.2)
    assert await outdated(program) == [*PATHS, EMBEDDING]
    gate.set()


async def test_writes_that_are_more_than_a_second_apart_are_seen_at_once(
    program: Program,
) -> None:
    """While popular answers are read again for one write, the next one is published."""
    paths = [*PATHS, EMBEDDING]
    for path in paths:
        await program.get(path, apikey=KEY)
    await program.live(6)
    for number in range(10):
        program.supabase.write("articles", id=1, title=str(number))
        await write(program, "PATCH", "articles?title=eq.old")
        for path in paths:
            answer = await program.get(path, apikey=KEY)
            assert path == "/articles/2" or str(number) in str(answer.json)
        await program.live(1.2)


@pytest.mark.parametrize("status", [400, 409, 500])
async def test_a_write_that_was_refused_changes_nothing(program: Program, status: int) -> None:
    await fill(program)
    program.supabase.answer(status, times=1)
    sent = {"apikey": KEY, "authorization": "Bearer a.b.c"}
    assert (await program.ask("POST", "/rest/v1/articles", sent, b"{}")).status == status
    assert await outdated(program) == []


@pytest.mark.parametrize("path", ["%61rticles?id=eq.1", "v_articles?id=eq.1"])
async def test_a_name_may_be_encoded_or_an_undeclared_view(program: Program, path: str) -> None:
    await fill(program)
    await write(program, "PATCH", path)
    assert await outdated(program) == [*PATHS, EMBEDDING]


async def test_a_name_with_a_space_is_the_tables(program: Program) -> None:
    program.declare(tables={"posts": {"name": "Blog Posts"}})
    program.supabase.write("Blog Posts", id=1, title="old")
    await program.get("/posts")
    await program.live(6)
    program.forget_readers("posts")
    await write(program, "PATCH", "Blog%20Posts?id=eq.1")
    assert (await program.get("/posts")).cache_status.startswith("fwd=stale")


async def test_a_redirect_may_have_written(program: Program) -> None:
    """SQL sets the status. The transaction commits all the same."""
    await fill(program)
    program.supabase.answer(303, times=1)
    await program.ask("POST", "/rest/v1/rpc/publish", {"apikey": KEY}, b"{}")
    assert await outdated(program) == [*PATHS, EMBEDDING]


async def test_an_outbox_that_fails_says_nothing(program: Program) -> None:
    """Then a function may have changed anything, although the outbox answered before."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    await program.tick()
    await fill(program)
    program.supabase.answer(403, {"code": "28P01"}, of="/rest/v1/rpc/edge_cache_changes")
    await write(program, "POST", "rpc/publish")
    assert await outdated(program) == [*PATHS, EMBEDDING]


async def test_a_view_shows_rows_of_tables_that_only_the_database_knows(
    program: Program,
) -> None:
    program.declare(tables={"articles": {}, "recent": {"view": True}})
    await program.live(2)
    await fill(program)
    await write(program, "PATCH", "recent?id=eq.1")
    assert await outdated(program) == [*PATHS, EMBEDDING]


async def test_a_function_may_have_changed_anything_unless_it_is_declared(
    program: Program,
) -> None:
    program.declare(tables={"articles": {}, "search": {"function": True}})
    await fill(program)
    await program.live(2)
    await fill(program)
    await write(program, "POST", "rpc/search")
    assert await outdated(program) == []
    await write(program, "POST", "rpc/publish")
    assert await outdated(program) == [*PATHS, EMBEDDING]


async def test_a_write_succeeds_while_the_ledger_is_down(program: Program) -> None:
    program.durable("*").is_reachable = False
    assert (await write(program, "POST", "articles")).status == 204
    assert program.events("record_failed")[0]["type"] == "refresher-unavailable"
