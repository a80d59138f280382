"""Functions that are called by POST: those that only read are answered from the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from fake_postgrest import Outbox, Row
from program import KEY, SECRET, Answer, Program

SEARCH = "/rest/v1/rpc/search"
JSON = "application/json"
STORED = "fwd=uri-miss; fwd-status=200; stored"


def function(volatility: str, name: str = "search") -> Row:
    """Return a function of the catalogue that reads articles."""
    reads = [["public", "articles"]]
    told = {"schema": "public", "name": name, "volatility": volatility}
    return {**told, "reads": reads, "returns": None}


@pytest.fixture
def program() -> Program:
    """Return a program with a function whose answer shows its arguments and a row."""
    program = Program(tables={"articles": {}, "search": {"function": True}})
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    describe(program, function("s"))
    program.supabase.write("articles", id=1, title="old")

    def search(arguments: Row) -> object:
        return [{"title": program.supabase.tables["articles"][0]["title"], **arguments}]

    program.supabase.functions["search"] = search
    return program


def describe(program: Program, *functions: Row) -> None:
    """Let the catalogue have these functions."""
    assert program.supabase.outbox
    relation: Row = {
        "schema": "public",
        "name": "articles",
        "reads": [],
        "key": None,
        "computed": [],
    }
    program.supabase.outbox.catalogue = {
        "relations": [{**relation, "view": False}],
        "foreign_keys": [],
        "functions": list(functions),
    }


async def call(
    program: Program, arguments: object, path: str = SEARCH, **headers: str | None
) -> Answer:
    """Call a function, as Supabase's clients do."""
    body = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
    sent: Mapping[str, str | None] = {
        "apikey": KEY,
        "content-type": JSON,
        "content-length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    present = {name: value for name, value in sent.items() if value is not None}
    return await program.ask("POST", path, present, body)


async def test_a_call_is_answered_from_the_cache(program: Program) -> None:
    first = await call(program, {"q": "x", "n": 1.50})
    assert (first.status, first.cache_status) == (200, STORED)
    assert first.json == [{"title": "old", "q": "x", "n": 1.5}]
    await program.live(2)
    again = await call(program, {"q": "x", "n": 1.50})
    assert (again.json, again.cache_status) == (first.json, "hit; ttl=298")
    assert (await call(program, {"q": "y", "n": 1.5})).json[0]["q"] == "y"
    assert (await call(program, {"q": "x", "n": 1.5}, f"{SEARCH}?limit=1")).cache_status == STORED


async def test_supabase_gets_exactly_the_arguments_and_the_public_key(program: Program) -> None:
    await call(program, {"q": "x"}, f"{SEARCH}?limit=1", content_profile="public", cookie="a=b")
    asked = next(one.request for one in program.supabase.requests if "search" in one.name)
    assert (asked.method, asked.content) == ("POST", b'{"q": "x"}')
    assert asked.url.query == b"limit=1"
    assert asked.headers["content-type"] == JSON
    assert asked.headers["content-profile"] == "public"
    assert asked.headers["apikey"] == KEY
    assert "cookie" not in asked.headers


async def test_nobody_revalidates_the_answer_to_a_post(program: Program) -> None:
    """A client could take a 304 for an answer without a body."""
    first = await call(program, {})
    assert "etag" not in first.headers
    assert first.headers["cache-control"] == "no-store"
    await program.live(2)
    tag = (await program.query("rpc/search")).headers["etag"]
    assert (await call(program, {}, if_none_match=tag)).status == 200


async def test_a_change_of_what_the_function_reads_makes_it_outdated(program: Program) -> None:
    await program.tick()
    await call(program, {"q": "x"})
    await program.live(2)
    program.supabase.write("articles", id=1, title="new")
    assert program.supabase.outbox
    program.supabase.outbox.note("articles", [1])
    await program.poke()
    await program.live(2)
    answer = await call(program, {"q": "x"})
    assert answer.json[0]["title"] == "new"


@pytest.mark.parametrize("functions", [[function("v")], [function("s"), function("v")], []])
async def test_a_function_that_may_write_is_called_by_nobody_but_the_client(
    program: Program, functions: list[Row]
) -> None:
    """If the database does not know the function, it may write too."""
    describe(program, *functions)
    answer = await call(program, {"q": "x"})
    assert answer.cache_status == "fwd=bypass; fwd-status=200; detail=volatile"
    assert [one.passed for one in program.supabase.requests if "search" in one.name] == [True]
    assert program.events("bypass")[0]["reason"] == "volatile"


async def test_a_function_that_begins_to_write_is_called_again(program: Program) -> None:
    """What it answered before is no longer served."""
    await program.tick()
    await call(program, {"q": "x"})
    await program.live(2)
    describe(program, function("v"))
    assert program.supabase.outbox
    program.supabase.outbox.note(None, None)
    await program.poke()
    await program.live(2)
    for _ in range(2):
        answer = await call(program, {"q": "x"})
        assert answer.cache_status == "fwd=bypass; fwd-status=200; detail=volatile"


async def test_without_the_script_every_call_may_write(program: Program) -> None:
    program.supabase.outbox = None
    answer = await call(program, {"q": "x"})
    assert answer.cache_status == "fwd=bypass; fwd-status=200; detail=volatile"


async def test_how_arguments_are_spelled_is_part_of_the_key(program: Program) -> None:
    """A function with a single parameter without a name sees it."""
    for body in (b'{"a":1,"b":2}', b'{"b":2,"a":1}', b'{"a":1, "b":2}'):
        assert (await call(program, body)).cache_status == STORED
        sent = [one.request.content for one in program.supabase.requests if one.name == SEARCH]
        assert sent[-1] == body


async def test_a_call_is_not_repeated_behind_its_readers(program: Program) -> None:
    """Until the newest catalogue is known, its function may write by now."""
    await program.tick()
    await call(program, {"q": "x"})
    await program.live(2)
    program.supabase.requests.clear()
    assert program.supabase.outbox
    for _ in range(5):
        program.supabase.outbox.note("articles", [1])
        await program.poke()
        await program.live(6)
    assert not [one for one in program.supabase.requests if one.name == SEARCH]


async def test_a_call_has_no_entry_once_its_function_may_write(program: Program) -> None:
    await program.tick()
    await call(program, {"q": "x"})
    await program.live(2)
    describe(program, function("v"))
    assert program.supabase.outbox
    program.supabase.outbox.note(None, None)
    program.supabase.requests.clear()
    await program.poke()
    await program.live(20)
    assert not [one for one in program.supabase.requests if "search" in one.name]
    assert (await call(program, {"q": "x"})).cache_status.endswith("detail=volatile")
    await program.live(2)
    assert "call" not in "".join(program.kv.keys)


@pytest.mark.parametrize(
    ("arguments", "headers", "why"),
    [
        ({}, {"authorization": "Bearer of.a.user"}, "session"),
        ({}, {"apikey": "sb_secret_x"}, "key"),
        ({}, {"range": "0-1"}, "range"),
        ({}, {"content_type": "text/plain"}, "body"),
        ({}, {"content_type": None}, "body"),
        ({}, {"content_length": None}, "body"),
        ({}, {"content_encoding": "gzip"}, "body"),
        ([], {}, "body"),
        (b'{"a":1,"a":2}', {}, "body"),
        ({"a": "x" * 8192}, {}, "body"),
        ({}, {"prefer": "params=single-object"}, "prefer"),
        ({}, {"accept": "text/html"}, "accept"),
    ],
)
async def test_what_is_not_certain_is_passed_on(
    program: Program, arguments: object, headers: Mapping[str, str | None], why: str
) -> None:
    program.supabase.answer(200, [], of=SEARCH)
    answer = await call(program, arguments, SEARCH, **headers)
    assert answer.cache_status == f"fwd=bypass; fwd-status=200; detail={why}"
    assert program.kv.tried == []


@pytest.mark.parametrize("path", ["/rest/v1/rpc/other", "/rest/v1/articles"])
async def test_another_post_is_a_write(program: Program, path: str) -> None:
    program.supabase.answer(201, of=path)
    assert (await call(program, {}, path)).cache_status == "fwd=method; fwd-status=201"


async def test_supabases_error_is_handed_on(program: Program) -> None:
    program.supabase.answer(404, {"code": "PGRST202"}, of=SEARCH)
    answer = await call(program, {"q": "x"})
    assert (answer.status, answer.json["code"]) == (404, "PGRST202")


async def test_the_log_shows_no_arguments(program: Program) -> None:
    await call(program, {"q": "a private word"})
    await program.live(2)
    await call(program, {"q": "a private word"})
    assert program.events("hit")
    assert "private" not in json.dumps(program.log)
