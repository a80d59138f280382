"""What readers of tables and rows get, and what Supabase and KV are asked for it."""

from __future__ import annotations

import json

import httpx
import pytest
from kv import Kept
from program import EXPOSED, Answer, Program

OLD, NEW = {"id": 7, "title": "old"}, {"id": 7, "title": "new"}
PATHS = ["/articles", "/articles/7"]
DAY_S = 24 * 60 * 60


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose table has a row."""
    program.supabase.write("articles", **OLD)
    return program


def read(program: Program, kind: str) -> list[str]:
    """Return the keys in KV that readers looked at."""
    return [key for _, what, key in program.kv.tried if what == kind]


async def outdated(program: Program) -> Answer:
    """Make the row's entry outdated; return the answer that it came from."""
    answer = await program.get("/articles/7")
    program.supabase.write("articles", **NEW)
    await program.live(60)
    program.forget_readers("articles")
    program.kv.hold("/articles/7")
    assert (await program.webhook("articles")).status == 200
    await program.live(2)
    return answer


@pytest.mark.parametrize("path", PATHS)
async def test_a_miss_is_read_from_supabase_and_then_hit(program: Program, path: str) -> None:
    miss = await program.get(path)
    value = OLD if path == "/articles/7" else [OLD]
    assert (miss.status, miss.json) == (200, value)
    assert miss.cache_status == "fwd=uri-miss; fwd-status=200; stored"
    assert miss.headers["age"] == "0"
    told = {"fwd": "uri-miss", "detail": None, "bytes": len(miss.body or b""), "ms": 0}
    assert program.log == [{"event": "miss", "key": path, **told}]
    await program.live(12)
    hit = await program.get(path)
    assert (hit.status, hit.body) == (200, miss.body)
    assert hit.headers == {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": EXPOSED,
        "etag": miss.headers["etag"],
        "cache-control": "no-cache",
        "cache-status": "supabase-edge-cache; hit",
        "age": "12",
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(miss.body or b"")),
    }
    assert program.supabase.asked == [path]
    assert program.log[-1] == {"event": "hit", "key": path, "status": 200, "age_s": 12}


async def test_an_entry_is_the_json_text_alone(program: Program) -> None:
    """A Worker that knows nothing of metadata can read it."""
    answer = await program.get("/articles/7")
    await program.live(1)
    assert program.kv.json("/articles/7") == OLD
    kept = program.kv.kept("/articles/7")
    assert kept is not None
    assert (kept.content, kept.ttl_s) == (answer.body, None)


@pytest.mark.parametrize("path", ["/articles", "/articles/7"])
async def test_a_hit_costs_two_reads_of_kv(program: Program, path: str) -> None:
    """These are the entry, and the versions of its table."""
    await program.get(path)
    await program.live(1)
    program.kv.tried.clear()
    assert (await program.get(path)).cache_status == "hit"
    assert sorted(read(program, "get")) == [path, "/articles?versions"]


@pytest.mark.parametrize("is_stored", [True, False])
async def test_who_has_the_bytes_gets_304_and_head_no_body(
    program: Program, is_stored: bool
) -> None:
    """A hit and a miss do the same. If a body is not sent, its stream is cancelled."""
    etag = (await program.get("/articles/7")).headers["etag"]
    await program.live(1)
    for method, sent, status in (
        ("GET", {"if-none-match": etag}, 304),
        ("HEAD", {"if-none-match": etag}, 304),
        ("HEAD", {}, 200),
        ("GET", {"if-none-match": '"other"'}, 200),
    ):
        if not is_stored:
            program.kv.lose("/articles/7")
            program.restart("articles")
        answer = await program.ask(method, "/articles/7", sent)
        await program.live(1)
        assert (answer.status, answer.headers["etag"]) == (status, etag)
        assert answer.body is None if (method, status) != ("GET", 200) else answer.json == OLD
        assert answer.cache_status.startswith("hit" if is_stored else "fwd=uri-miss")
        assert not is_stored or program.log[-1]["status"] == status
        assert answer.headers.get("content-length") == (None if status == 304 else "25")


async def test_until_kv_shows_an_entry_the_objects_memory_answers(program: Program) -> None:
    """Supabase was not asked for this reader, so no status says that it was."""
    writing = program.kv.hold("/articles/7")
    await program.get("/articles/7")
    assert (await program.get("/articles/7")).cache_status == "hit; detail=memory"
    writing.set()
    await program.live(1)
    assert (await program.get("/articles/7")).cache_status == "hit"
    assert program.supabase.asked == ["/articles/7"]


async def test_another_location_sees_an_edit_after_half_a_minute(program: Program) -> None:
    await program.get("/articles")
    await program.live(1)
    assert (await program.ask("GET", "/articles", at="elsewhere")).json == [OLD]
    program.supabase.write("articles", **NEW)
    await program.webhook("articles", 7)
    await program.live(20)
    assert (await program.get("/articles")).json == [NEW]
    assert (await program.ask("GET", "/articles", at="elsewhere")).json == [OLD]
    await program.live(10)
    assert (await program.ask("GET", "/articles", at="elsewhere")).json == [NEW]
    assert program.supabase.asked == ["/articles", "/articles"]


@pytest.mark.parametrize("what", ["get", "read"])
@pytest.mark.parametrize("path", PATHS)
async def test_where_kv_fails_supabase_answers(program: Program, path: str, what: str) -> None:
    """The object's memory may answer instead. The log has KV's message."""
    program.kv.set(path, b"{}")  # another Worker's, which can only be judged by its bytes
    program.kv.refuse(what, path)
    forwarded = await program.get(path)
    assert forwarded.status == 200
    assert forwarded.cache_status == "fwd=miss; fwd-status=200; stored; detail=kv-read-failed"
    failed, miss = program.log
    assert failed == {"event": "read_failed", "key": path, "detail": "Workers KV refused."}
    told = {"fwd": "miss", "detail": "kv-read-failed"}
    assert miss.items() >= {"event": "miss", "key": path, **told}.items()
    assert (await program.get(path)).cache_status == "hit; detail=kv-read-failed"


@pytest.mark.parametrize("metadata", ["null", "[]", '{"v": 1}', '"text"', "{"])
async def test_an_entry_with_foreign_metadata_is_malformed(program: Program, metadata: str) -> None:
    program.kv.set("/articles/7", b"{}", metadata)
    answer = await program.get("/articles/7")
    assert (answer.status, answer.json) == (200, OLD)
    assert answer.cache_status == "fwd=uri-miss; fwd-status=200; stored; detail=malformed-entry"
    assert program.log[0] == {"event": "malformed", "key": "/articles/7"}


@pytest.mark.parametrize(("path", "body"), [("/articles", b'[{"id": 1}]'), ("/articles/7", b"{}")])
async def test_an_entry_of_another_worker_is_served(
    program: Program, path: str, body: bytes
) -> None:
    """Its validators are made of its bytes. It has no age, because nobody knows it."""
    program.kv.set(path, body)
    answer = await program.get(path)
    assert (answer.status, answer.body, answer.cache_status) == (200, body, "hit")
    assert answer.headers["content-length"] == str(len(body))
    assert "age" not in answer.headers
    assert (await program.get(path, if_none_match=answer.headers["etag"])).status == 304
    assert program.log[0] == {"event": "hit", "key": path, "status": 200, "age_s": None}
    assert program.supabase.asked == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *(("/articles", b"null"), ("/articles", b'{"id":7}'), ("/articles", b"")),
        *(("/articles/7", b"[]"), ("/articles/7", b'{"id":')),
    ],
)
async def test_an_implausible_entry_of_another_worker_is_malformed(
    program: Program, path: str, body: bytes
) -> None:
    """The lesson's Worker caches `null` and error objects."""
    program.kv.set(path, body)
    assert (await program.get(path)).cache_status.endswith("stored; detail=malformed-entry")


async def test_another_workers_row_is_outdated_after_the_first_change(program: Program) -> None:
    """Nobody knows which changes it has."""
    program.kv.set("/articles/7", b'{"id": 7, "title": "lesson"}')
    await program.webhook("articles", 8)
    await program.webhook("articles", 8)
    await program.live(2)
    answer = await program.get("/articles/7")
    assert answer.cache_status == "fwd=stale; fwd-status=200; stored"
    assert answer.json == OLD


@pytest.mark.parametrize("names_its_project", [True, False])
async def test_an_entry_of_another_project_counts_as_absent(names_its_project: bool) -> None:
    """Entries of earlier versions do not name their project."""
    before = Program(supabase_url="https://before.supabase.co")
    before.supabase.write("articles", **OLD)
    await before.get("/articles/7")
    await before.live(1)
    kept = before.kv.kept("/articles/7") or Kept(b"")
    fields = json.loads(kept.metadata or "")
    program = Program()
    program.supabase.write("articles", **NEW)
    told = fields if names_its_project else {**fields, "project": ""}
    program.kv.set("/articles/7", kept.content, json.dumps(told))
    answer = await program.get("/articles/7")
    absent = "fwd=uri-miss; fwd-status=200; stored; detail=another-project"
    assert answer.cache_status == (absent if names_its_project else "hit")
    assert answer.json == (NEW if names_its_project else OLD)


async def test_an_entry_from_the_future_is_new(program: Program) -> None:
    """Another machine's clock may be ahead."""
    await program.get("/articles/7")
    await program.live(1)
    program.set_clock(by_s=-60)
    assert (await program.get("/articles/7")).headers["age"] == "0"


async def test_a_long_id_lies_under_a_digest(program: Program) -> None:
    """The log has this key, too."""
    long = "x" * 700
    program.supabase.write("products", sku=long)
    await program.get(f"/products/{long}")
    await program.live(1)
    assert (await program.get(f"/products/{long}")).cache_status == "hit"
    (key,) = [key for key in program.kv.keys if "version" not in key]
    assert len(key) < 512
    assert program.log[-1]["key"] == key


async def test_an_entry_below_the_published_version_is_replaced(program: Program) -> None:
    await outdated(program)
    answer = await program.get("/articles/7")
    assert (answer.status, answer.json) == (200, NEW)
    assert answer.cache_status == "fwd=stale; fwd-status=200; stored"
    assert program.events("miss")[-1]["fwd"] == "stale"


FAILURES = {
    "fwd=stale; fwd-status=503; detail=supabase-unavailable": httpx.Response(503),
    "fwd=stale; fwd-status=401; detail=supabase-rejected": httpx.Response(401),
    "fwd=stale; fwd-status=200; detail=supabase-invalid-answer": httpx.Response(200),
    "fwd=stale; detail=supabase-unreachable": httpx.ConnectError("refused"),
    "fwd=stale; detail=supabase-slow": None,
    "fwd=stale; detail=refresher-unavailable": "unreachable",
}


@pytest.mark.parametrize("told", FAILURES)
async def test_an_old_entry_is_better_than_an_error(program: Program, told: str) -> None:
    """Supabase's status is shown only if an answer arrived (RFC 9211, section 2.3)."""
    old = await outdated(program)
    failure = FAILURES[told]
    if isinstance(failure, httpx.Response):
        program.supabase.answer(failure.status_code, b"", of="/articles/7")
    elif isinstance(failure, Exception):
        program.supabase.fail(failure, of="/articles/7")
    elif failure:
        program.durable("articles").is_reachable = False
    else:
        program.supabase.hold("/articles/7")
    answer = await program.get("/articles/7")
    assert (answer.status, answer.json, answer.cache_status) == (200, OLD, told)
    assert answer.headers["etag"] == old.headers["etag"]
    assert 62 <= int(answer.headers["age"]) <= 63
    slug = told.rpartition("=")[2]
    served = {"event": "stale_if_error", "key": "/articles/7", "type": slug}
    assert program.events("stale_if_error")[0].items() >= served.items()
    not_modified = await program.get("/articles/7", if_none_match=old.headers["etag"])
    assert (not_modified.status, not_modified.body) == (304, None)


async def test_while_supabase_fails_an_old_entry_is_served_without_asking(
    program: Program,
) -> None:
    await outdated(program)
    program.supabase.fail(of="/articles/7")
    await program.get("/articles/7")
    asked = len(program.supabase.asked)
    answer = await program.get("/articles/7")
    assert (answer.json, answer.cache_status) == (OLD, "hit; detail=supabase-failed-just-now")
    assert len(program.supabase.asked) == asked
    await program.live(5)
    program.supabase.mend()
    assert (await program.get("/articles/7")).json == NEW


async def test_a_row_that_is_gone_is_not_hidden_behind_its_entry(program: Program) -> None:
    await outdated(program)
    program.supabase.remove("articles", 7)
    answer = await program.get("/articles/7")
    assert (answer.status, answer.slug) == (404, "not-found")
    assert "cache-status" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
async def test_a_read_that_fails_is_a_problem(program: Program, path: str) -> None:
    """It has Retry-After. HEAD has the same headers. Nothing is written."""
    program.supabase.answer(504)
    answer = await program.get(path)
    assert (answer.status, answer.slug) == (504, "supabase-timeout")
    assert answer.json["supabase_status"] == 504
    assert answer.headers["retry-after"] == "5"
    assert program.events("refused") == [
        {
            "event": "refused",
            "path": path,
            "method": "GET",
            "status": 504,
            "type": "supabase-timeout",
        }
    ]
    head = await program.head(path)
    assert (head.status, head.body, head.headers) == (504, None, answer.headers)
    await program.live(DAY_S)
    assert path not in program.kv.keys


@pytest.mark.parametrize(("age_s", "ttl"), [(1, 59), (59, 1), (60, 0)])
async def test_with_a_maximum_age_a_hit_tells_what_is_left(age_s: int, ttl: int) -> None:
    """If its age is exactly the maximum age, an entry is still fresh."""
    program = Program(max_age_seconds=60)
    program.supabase.write("articles", **OLD)
    await program.get("/articles")
    await program.live(age_s)
    assert (await program.get("/articles")).cache_status == f"hit; ttl={ttl}"
    await program.live(1)
    assert program.supabase.asked == ["/articles"]


@pytest.mark.parametrize("path", PATHS)
async def test_an_aged_entry_is_served_and_renewed_behind_the_answer(path: str) -> None:
    program = Program(max_age_seconds=60)
    program.supabase.write("articles", **OLD)
    old = await program.get(path)
    await program.live(75)
    program.supabase.write("articles", **NEW)
    answer = await program.get(path)
    assert (answer.body, answer.cache_status, answer.headers["age"]) == (
        old.body,
        "hit; ttl=-15",
        "75",
    )
    assert program.log[-1] == {"event": "aged", "key": path, "status": 200, "age_s": 75}
    assert program.supabase.asked == [path]
    await program.live(1)
    assert (await program.get(path)).json == (NEW if path == "/articles/7" else [NEW])
    assert program.supabase.asked == [path, path]


async def test_an_entry_of_unknown_age_is_renewed() -> None:
    program = Program(max_age_seconds=60)
    program.supabase.write("articles", **NEW)
    program.kv.set("/articles/7", b'{"id": 7, "title": "lesson"}')
    assert (await program.get("/articles/7")).cache_status == "hit"
    await program.live(1)
    assert (await program.get("/articles/7")).json == NEW


async def test_a_renewal_that_fails_is_logged() -> None:
    """The reader already has the answer."""
    program = Program(max_age_seconds=60)
    program.supabase.write("articles", **OLD)
    await program.get("/articles/7")
    await program.live(61)
    program.supabase.fail()
    assert (await program.get("/articles/7")).status == 200
    await program.live(2)
    assert program.events("renew_failed") == [
        {"event": "renew_failed", "key": "/articles/7", "type": "supabase-unreachable"}
    ]
