"""`/entry`: what a reader would get, and why."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from catalogues import function, table, text_of
from fake_postgrest import Outbox
from program import BEARER, KEY, SECRET, Program

ROWS = "/rest/v1/articles?select=title"


async def explained(program: Program, path: str, **headers: str) -> dict[str, Any]:
    """Return the answer of the route."""
    told = (await program.get(f"/entry{path}", **BEARER, **headers)).json
    assert isinstance(told, dict)
    return told


async def test_a_query_is_explained_before_and_after_an_edit() -> None:
    """It asks neither Supabase nor the objects."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    assert (await explained(program, ROWS))["worth"] == "absent"
    await program.get(ROWS, apikey=KEY)
    await program.live(2)
    fresh = await explained(program, ROWS)
    assert (fresh["target"], fresh["worth"], fresh["outdated_by"]) == ("articles", "fresh", {})
    entry = fresh["entry"]
    assert isinstance(entry, dict)
    assert (entry["depends_on"], entry["age"], entry["maximum_age"]) == (
        ["public.articles"],
        2,
        300,
    )
    program.forget_readers("articles")
    await program.webhook("articles", 1)
    await program.live(2)
    asked = len(program.supabase.requests)
    outdated = await explained(program, ROWS)
    assert outdated["worth"] == "outdated"
    assert outdated["outdated_by"] == {"public.articles": outdated["latest_change"]}
    assert len(program.supabase.requests) == asked


async def test_a_row_depends_on_its_key() -> None:
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    await program.get("/articles/1")
    await program.live(2)
    told = await explained(program, "/articles/1")
    entry = told["entry"]
    assert isinstance(entry, dict)
    (bucket,) = entry["depends_on"]
    assert bucket.startswith("rows with a key in bucket ")
    assert told["key"] == told["logged_as"] == "/articles/1"


@pytest.mark.parametrize("path", [ROWS, "/articles/1", "/articles"])
async def test_an_entry_can_be_removed(path: str) -> None:
    """Neither KV nor the object's memory has it any more."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    await program.get(path, apikey=KEY)
    await program.live(2)
    bearer = {"authorization": f"Bearer {SECRET}"}
    assert (await program.ask("DELETE", f"/entry{path}")).status == 401
    answer = await program.ask("DELETE", f"/entry{path}", bearer)
    assert (answer.status, answer.json) == (200, {"removed": True})
    assert path not in program.kv.keys
    again = await program.get(path, apikey=KEY)
    assert again.cache_status.startswith("fwd=uri-miss; fwd-status=200")


async def test_what_is_passed_on_is_explained_by_its_reason() -> None:
    """The headers are those of the request that one has in mind. Without a key, it is public."""
    program = Program()
    told = await explained(program, "/rest/v1/unknown?select=a")
    assert told == {"worth": "passed on", "detail": "undeclared"}
    told = await explained(program, ROWS, apikey="sb_publishable_other")
    assert told == {"worth": "passed on", "detail": "key"}
    told = await explained(program, ROWS, apikey="")
    assert told == {"worth": "passed on", "detail": "key"}
    told = await explained(program, ROWS, prefer="handling=strict")
    assert told == {"worth": "passed on", "detail": "prefer"}
    answer = await program.ask("DELETE", f"/entry{ROWS}", {**BEARER, "prefer": "handling=strict"})
    assert answer.json == {"removed": False, "detail": "prefer"}


async def test_what_else_is_asked_of_supabase_is_explained_as_it_is_configured() -> None:
    """Nothing is passed on, or requests to other services too."""
    told = await explained(Program(pass_through="off"), "/rest/v1/unknown?select=a")
    assert told == {"worth": "refused", "detail": "undeclared"}
    told = await explained(Program(pass_through="all"), "/auth/v1/health")
    assert told == {"worth": "passed on", "detail": "service"}


async def test_a_change_of_everything_is_named_so() -> None:
    """It counts for each thing that the answer depends on. Nothing else changed."""
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    await program.get(ROWS, apikey=KEY)
    await program.live(2)
    program.forget_readers("articles")
    await program.revalidate()
    await program.live(2)
    told = await explained(program, ROWS)
    assert told["outdated_by"] == {"everything": told["latest_change"]}


async def test_a_change_of_a_row_is_told_in_words() -> None:
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    await program.get("/articles/1")
    await program.live(2)
    program.forget_readers("articles")
    await program.webhook("articles", 1)
    await program.live(2)
    (changed,) = (await explained(program, "/articles/1"))["outdated_by"]
    assert changed.startswith("rows with a key in bucket ")
    await program.webhook("articles")
    await program.live(2)
    assert "every row" in (await explained(program, "/articles/1"))["outdated_by"]


CALLS = {"articles": {}, "search": {"function": True}}
CALLED = "/rest/v1/rpc/search"


async def called() -> Program:
    """Return the program after a reader called a function by POST."""
    program = Program(tables=CALLS, revalidate_secret=SECRET)
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    told = text_of(table("articles"), function("search", reads=["articles"]))
    program.supabase.outbox.catalogue = json.loads(told)
    program.supabase.functions["search"] = lambda asked: [asked]
    await program.tick()
    body = b'{"words": "x y"}'
    length = {"content-type": "application/json", "content-length": str(len(body))}
    answer = await program.ask("POST", CALLED, {"apikey": KEY, **length}, body)
    assert answer.status == 200, answer
    await program.live(2)
    return program


async def test_a_call_by_post_is_explained_and_removed() -> None:
    program = await called()
    data = {"explain-body": quote('{"words": "x y"}')}
    told = await explained(program, CALLED, **data)
    assert told["worth"] == "fresh"
    assert told["key"] in program.kv.keys
    none = await explained(program, CALLED, **{"explain-body": quote('{"words": "z"}')})
    assert none["worth"] == "absent"
    answer = await program.ask("DELETE", f"/entry{CALLED}", {**BEARER, **data})
    assert answer.json == {"removed": True}
    assert told["key"] not in program.kv.keys


async def test_a_table_is_no_call_by_post() -> None:
    answer = await Program().get("/entry/articles/1", **{"explain-body": "%7B%7D"}, **BEARER)
    assert answer.status == 404


async def test_a_key_is_explained_and_removed_as_it_is_printed() -> None:
    program = await called()
    (key,) = (key for key in program.kv.keys if ";call?" in key)
    told = await explained(program, key)
    assert (told["worth"], told["key"]) == ("fresh", key)
    await program.ask("DELETE", f"/entry{key}", BEARER)
    assert key not in program.kv.keys


@pytest.mark.parametrize(
    "key",
    [
        f"{CALLED};accept=any;call?0123456789ab",
        "/rest/v1/articles;count=exact?0123456789ab",
        "/rest/v1/articles;sha256=0123",
        "/rest/v1/authors;count=exact",
    ],
)
async def test_what_only_looks_like_a_key_is_none(key: str) -> None:
    """The log has a digest instead of the query."""
    program = Program(tables=CALLS)
    answer = await program.get(f"/entry{key}", **BEARER)
    assert (answer.status, answer.slug) == (404, "not-found")


async def test_a_head_that_counts_is_an_answer_of_its_own() -> None:
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    counts = {"prefer": "count=exact"}
    await program.head(ROWS, apikey=KEY, **counts)
    await program.live(2)
    assert (await explained(program, ROWS, **counts))["worth"] == "absent"
    head = await explained(program, ROWS, **counts, **{"explain-method": "HEAD"})
    assert head["worth"] == "fresh"


@pytest.mark.parametrize(
    ("signed_in", "told"), [({"signed_in": "public"}, "same"), ({}, "passed on")]
)
async def test_it_says_what_a_session_gets(signed_in: dict[str, str], told: str) -> None:
    """A row's own path looks at no session."""
    program = Program(tables={"articles": signed_in})
    program.supabase.write("articles", id=1, title="old")
    assert (await explained(program, ROWS))["signed_in"] == "undecided"
    await program.get(ROWS, apikey=KEY)
    await program.live(2)
    assert (await explained(program, ROWS))["signed_in"] == told
    assert (await explained(program, "/articles/1"))["signed_in"] == "same"
    program.declare(tables={"articles": {"signed_in": "pass"}})
    now = (await explained(program, ROWS))["signed_in"]
    assert now == ("undecided" if told == "same" else "passed on")


async def test_it_needs_the_secret() -> None:
    """The answer says nothing of rows, but of what readers ask for."""
    program = Program()
    assert (await program.get(f"/entry{ROWS}", apikey=KEY)).status == 401
    assert (await program.get("/entry/nothing", authorization=f"Bearer {SECRET}")).status == 404


async def test_a_page_of_another_site_removes_nothing() -> None:
    """On this machine, nobody needs a secret as long as none is set."""
    program = Program(revalidate_secret="")
    program.supabase.write("articles", id=1, title="old")
    await program.get("/articles")
    await program.live(2)
    here, there = "http://localhost:8787/entry/articles", {"origin": "https://evil.example"}
    assert (await program.ask("DELETE", here, there)).status == 403
    assert (await program.ask("DELETE", here)).json == {"removed": True}


async def test_a_table_of_that_name_is_served_instead() -> None:
    program = Program(tables={"entry": {}, "metrics": {}})
    for name in ("entry", "metrics"):
        program.supabase.write(name, id=1)
        assert (await program.get(f"/{name}")).json == [{"id": 1}]
        assert (await program.get(f"/{name}/1")).json == {"id": 1}


async def test_a_read_that_is_under_way_does_not_bring_back_what_was_removed() -> None:
    program = Program()
    program.supabase.write("articles", id=1, title="old")
    gate = program.supabase.hold()
    reading = asyncio.ensure_future(program.get("/articles/1"))
    await program.live(0.1)
    removing = asyncio.ensure_future(program.ask("DELETE", "/entry/articles/1", BEARER))
    await program.live(0.1)
    gate.set()
    assert ((await reading).status, (await removing).status) == (200, 200)
    await program.live(5)
    assert (await explained(program, "/articles/1"))["worth"] == "absent"
    assert "/articles/1" not in program.kv.keys
