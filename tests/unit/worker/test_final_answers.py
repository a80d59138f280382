"""An answer that PostgREST itself gives is final, whoever received it. A failure is not final."""

from __future__ import annotations

import json

import pytest
from program import KEY, Answer, Program

RANGE = {"content-range": "0-0/1"}
QUERY = "articles?select=title"
PATHS = ["/articles", "/articles/7", f"/rest/v1/{QUERY}"]


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose table has a row."""
    program.supabase.write("articles", id=7, title="old")
    return program


async def read(program: Program, path: str, *, at: str = "home") -> Answer:
    """Send a read with the public key."""
    return await program.ask("GET", path, {"apikey": KEY}, at=at)


@pytest.mark.parametrize(
    "headers",
    [
        {"cache-control": "private"},
        {"vary": "Cookie"},
        {"vary": "Accept, *"},
    ],
)
@pytest.mark.parametrize("path", PATHS)
async def test_sql_can_forbid_to_store_a_table_a_row_and_a_query(
    program: Program, path: str, headers: dict[str, str]
) -> None:
    await read(program, path)
    await program.live(2)
    program.supabase.headers = headers
    await program.webhook("articles", 7)
    await program.live(5)
    answer = await read(program, path)
    assert answer.status == (200 if path.startswith("/rest") else 502)
    await program.live(2)
    assert path not in program.kv.keys
    assert (await program.get("/health")).json["tables"]["articles"]["failures"] == 0


@pytest.mark.parametrize("path", PATHS)
async def test_json_that_is_nested_too_deeply_is_final(program: Program, path: str) -> None:
    """The answer may be right, so no old answer is served in its place."""
    await read(program, path)
    await program.live(2)
    deep = b'[{"id": 7, "x": ' + b"[" * 700 + b"]" * 700 + b"}]"
    program.supabase.answer(200, deep[1:-1] if path == "/articles/7" else deep, headers=RANGE)
    await program.webhook("articles", 7)
    await program.live(5)
    answer = await read(program, path)
    assert (answer.body == deep) is path.startswith("/rest")
    await program.live(2)
    assert path not in program.kv.keys


@pytest.mark.parametrize("path", PATHS)
async def test_it_removes_what_the_readers_location_does_not_show(
    program: Program, path: str
) -> None:
    """At the reader's location KV may not show an entry yet, or KV may fail."""
    await read(program, path)
    await program.live(61)
    program.supabase.refuse(401, "42501")
    program.kv.refuse("get")
    assert (await read(program, path)).status in {401, 502}
    program.kv.accept()
    await program.live(5)
    assert path not in program.kv.keys
    assert (await read(program, path)).status in {401, 502}


async def test_health_remembers_a_refusal_when_the_object_is_evicted(program: Program) -> None:
    program.supabase.refuse(401, "42501")
    await program.get("/articles")
    for _ in range(2):
        health = await program.get("/health")
        told = health.json["tables"]["articles"]
        assert (health.status, told["refused"], told["serving"]) == (503, True, False)
        program.restart("articles")
    program.supabase.mend()
    await program.get("/articles")
    assert (await program.get("/health")).json["tables"]["articles"]["refused"] is False


async def test_what_supabase_says_to_others_is_not_lost(program: Program) -> None:
    """The client also gets what Supabase says to shared caches."""
    sent = {
        "cache-status": "gateway; fwd=miss",
        "access-control-expose-headers": "X-Total, ETag",
        "cloudflare-cdn-cache-control": "max-age=999",
        "surrogate-control": "max-age=999",
        "set-cookie": "a=b",
    }
    program.supabase.answer(203, b"[]", headers={**RANGE, **sent})
    headers = (await program.query(QUERY)).headers
    assert headers["cache-status"] == (
        "gateway; fwd=miss, supabase-edge-cache; fwd=uri-miss; fwd-status=203"
    )
    exposed = headers["access-control-expose-headers"].split(", ")
    assert exposed[:3] == ["X-Total", "ETag", "Content-Range"]
    assert exposed.count("ETag") == 1
    assert headers["cdn-cache-control"] == "no-store"
    assert not {"cloudflare-cdn-cache-control", "surrogate-control", "set-cookie"} & headers.keys()


async def test_a_counting_head_has_no_body_that_names_an_ambiguous_embedding(
    program: Program,
) -> None:
    headers = {"apikey": KEY, "prefer": "count=exact"}
    path = f"/rest/v1/{QUERY}"
    assert (await program.ask("HEAD", path, headers)).status == 200
    await program.live(2)
    program.supabase.answer(300, b"")
    await program.webhook("articles", 7)
    await program.live(2)
    assert (await program.ask("HEAD", path, headers)).status == 300


async def test_a_code_about_the_key_is_about_it_only_with_401(program: Program) -> None:
    await program.query(QUERY)
    await program.live(2)
    body = json.dumps({"code": "PGRST301", "message": "", "details": None, "hint": None}).encode()
    program.supabase.answer(404, body)
    await program.webhook("articles", 7)
    await program.live(2)
    assert (await program.query(QUERY)).status == 404
