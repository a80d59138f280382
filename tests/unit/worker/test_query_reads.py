"""What readers of queries get, and how the objects learn what readers want."""

from __future__ import annotations

import httpx
import pytest
from program import KEY, Program

ROWS = [{"id": 1, "title": "Ada's"}, {"id": 2, "title": "Bo's"}]
QUERY = "articles?select=title"
EMBEDDING = "articles?select=title,author(name)"
COUNTED = {"prefer": "count=exact"}
HALF_A_DAY_S = 12 * 60 * 60


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose table has two rows."""
    for row in ROWS:
        program.supabase.write("articles", **row)
    return program


async def outdated(program: Program, query: str = QUERY) -> None:
    """Make a query's entry outdated, so that a reader gets Supabase's next answer."""
    await program.query(query)
    await program.live(1)
    program.supabase.hold("/articles")
    held = program.supabase.hold(f"/rest/v1/{query}")
    await program.webhook("articles")
    await program.live(2)
    program.restart("articles")
    program.restart("*")
    held.set()
    program.supabase.mend()


@pytest.mark.parametrize("query", [QUERY, EMBEDDING])
async def test_an_answer_is_replayed(program: Program, query: str) -> None:
    """It has Supabase's status and headers, and the headers of a cache.

    The log has none of its values.
    """
    program.supabase.headers = {"content-location": "/articles", "x-mine": "not replayed"}
    miss = await program.query(f"{query}&limit=1", **COUNTED)
    assert miss.cache_status == "fwd=uri-miss; fwd-status=206; stored"
    await program.live(12)
    hit = await program.query(f"{query}&limit=1", **COUNTED)
    assert (hit.status, hit.body) == (206, miss.body)
    told = {"content-range": "0-0/2", "content-location": "/articles", "age": "12"}
    assert hit.headers.items() >= told.items()
    assert hit.headers["etag"] == miss.headers["etag"]
    assert hit.headers["content-length"] == str(len(hit.body or b""))
    assert {"Accept", "Apikey", "Authorization", "Prefer"} < set(hit.headers["vary"].split(", "))
    assert "x-mine" not in hit.headers
    assert hit.cache_status == "hit; ttl=288"
    assert len(program.supabase.requests) == 1
    line = program.events("hit")[0]
    assert (line["status"], line["age_s"]) == (206, 12)


async def test_head_and_if_none_match_are_as_of_any_entry(program: Program) -> None:
    etag = (await program.query(QUERY)).headers["etag"]
    await program.live(1)
    head = await program.head(f"/rest/v1/{QUERY}", apikey=KEY)
    assert (head.status, head.body, head.headers["content-range"]) == (200, None, "0-1/*")
    same = await program.query(QUERY, if_none_match=etag)
    assert (same.status, same.body, same.headers["content-range"]) == (304, None, "0-1/*")


async def test_an_entry_is_outdated_after_any_change_of_its_table(program: Program) -> None:
    await outdated(program)
    program.supabase.write("articles", id=1, title="new")
    answer = await program.query(QUERY)
    assert answer.cache_status == "fwd=stale; fwd-status=200; stored"
    assert answer.json[0] == {"title": "new"}
    await program.live(1)
    assert (await program.query(QUERY)).cache_status == "hit; ttl=299"


@pytest.mark.parametrize("body", [b"[]", b"{}"])
async def test_an_entry_of_another_workers_is_malformed(program: Program, body: bytes) -> None:
    """We do not know its headers."""
    await program.query(QUERY)
    await program.live(1)
    (key,) = [key for key in program.kv.keys if "versions" not in key]
    program.kv.set(key, body)
    assert (await program.query(QUERY)).cache_status == "hit; detail=malformed-entry"
    assert program.events("malformed")[0]["key"] == program.events("miss")[0]["key"]


async def test_no_line_of_the_log_has_a_querys_values(program: Program) -> None:
    """No value is logged, whatever happens. But the log shows which queries are equal."""
    query = "articles?title=eq.secret"
    await program.query(query)
    await program.live(301)
    program.supabase.fail(of=f"/rest/v1/{query}")
    await program.query(query)
    await program.live(6)
    await outdated(program, query)
    program.supabase.fail(of=f"/rest/v1/{query}")
    await program.query(query)
    program.supabase.mend()
    program.kv.refuse("get")
    await program.query(query)
    seen = {str(line["event"]) for line in program.log}
    assert seen >= {"aged", "renew_failed", "miss", "stale_if_error", "read_failed"}
    assert "secret" not in str(program.log)
    keys = {line["key"] for line in program.log if str(line.get("key")).startswith("/rest/v1")}
    assert len(keys) == 1


async def test_a_query_ages_after_five_minutes() -> None:
    """The maximum age of tables does not matter."""
    program = Program(max_age_seconds=5)
    program.supabase.write("articles", id=1, title="old")
    await program.query(QUERY)
    await program.live(300)
    assert (await program.query(QUERY)).cache_status == "hit; ttl=0"
    program.supabase.write("articles", id=1, title="new")
    await program.live(1)
    answer = await program.query(QUERY)
    assert (answer.json, answer.cache_status) == ([{"title": "old"}], "hit; ttl=-1")
    assert program.log[-1]["event"] == "aged"
    await program.live(1)
    assert (await program.query(QUERY)).json == [{"title": "new"}]
    assert len(program.supabase.asked) == 2


async def test_a_table_that_readers_still_want_is_read_again_after_two_days(
    program: Program,
) -> None:
    """Hits do not reach its object. So twice a day a reader starts a refresh of the entry."""
    await program.get("/articles")
    for hour in range(48):
        await program.live(60 * 60)
        assert (await program.get("/articles")).cache_status == "hit", hour
    assert 3 <= len(program.supabase.asked) <= 5
    program.supabase.write("articles", id=1, title="new")
    await program.webhook("articles", 2)
    await program.live(2)
    assert program.kv.json("/articles")[0]["title"] == "new"


async def test_a_query_that_an_edit_refreshed_is_still_wanted(program: Program) -> None:
    """It is fresh, but once in each maximum age a reader lets the object know that it is wanted."""
    await program.query(QUERY)
    await program.live(250)
    await program.webhook("articles", 1)
    await program.live(50)
    assert (await program.query(QUERY)).cache_status == "hit; ttl=250"
    await program.live(1)
    asked = program.supabase.count(f"/rest/v1/{QUERY}")
    await program.query(QUERY)
    await program.live(1)
    assert program.supabase.count(f"/rest/v1/{QUERY}") == asked + 1


async def test_another_workers_entry_is_not_renewed_for_being_wanted(program: Program) -> None:
    program.kv.set("/articles", b"[]")
    await program.live(2 * HALF_A_DAY_S)
    assert (await program.get("/articles")).cache_status == "hit"
    await program.live(1)
    assert program.supabase.asked == []


async def test_what_supabase_said_is_not_sent_where_an_old_entry_is(program: Program) -> None:
    await outdated(program)
    program.supabase.answer(403, b"no way", headers={"content-type": "text/plain"})
    answer = await program.query(QUERY)
    assert (answer.status, answer.json[0]) == (200, {"title": "Ada's"})
    assert answer.cache_status == "fwd=stale; fwd-status=403; detail=supabase-rejected"


@pytest.mark.parametrize("has_old", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_final_answer_is_handed_on(program: Program, has_old: bool, method: str) -> None:
    """The client gets it unchanged. Nothing is stored, and an old entry is deleted."""
    if has_old:
        await outdated(program)
    program.supabase.refuse(400, "42703")
    answer = await program.ask(method, f"/rest/v1/{QUERY}", {"apikey": KEY})
    assert answer.status == 400
    assert answer.body is None if method == "HEAD" else answer.json["code"] == "42703"
    assert answer.headers["content-type"] == "application/json"
    assert answer.cache_status == f"fwd={'stale' if has_old else 'uri-miss'}; fwd-status=400"
    assert answer.headers["cache-control"] == answer.headers["cdn-cache-control"] == "no-store"
    await program.live(2)
    assert [key for key in program.kv.keys if "select" in key] == []


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (httpx.ConnectError("refused"), 502, "EDGE_SUPABASE_UNREACHABLE"),
        (httpx.ReadTimeout("slow"), 504, "EDGE_SUPABASE_TIMEOUT"),
    ],
)
async def test_a_failure_has_postgrests_shape(
    program: Program, failure: Exception, status: int, code: str
) -> None:
    """Supabase's clients understand no other form.

    At 503 they would try again for seven seconds.
    """
    program.supabase.fail(failure)
    answer = await program.query(QUERY)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json.keys() == {"code", "message", "details", "hint"}
    assert answer.json["hint"] == "Try again in 5 s."
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["cache-control"] == "no-store"
