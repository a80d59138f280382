"""Reads of Supabase's clients under /rest/v1/: what is stored, and how it is replayed."""

from __future__ import annotations

import httpx
import pytest
from edge import Edge, Variables

BOOKS = "/rest/v1/books"
COUNTED = {"prefer": "count=exact"}
CACHE_STATUS = "supabase-edge-cache; "


@pytest.fixture
def key(library_edge: Edge, variables: Variables) -> str:
    """Return the public key. From now on every request of the fixture's Worker has it."""
    public = variables["SUPABASE_ANON_KEY"]
    library_edge.http.headers["apikey"] = public
    return public


@pytest.fixture
def edge(library_edge: Edge, key: str) -> Edge:
    """Return the library's Worker, asked with the public key."""
    assert key
    return library_edge


def did(response: httpx.Response) -> str:
    """Return what `Cache-Status` says that the cache did."""
    return response.headers["cache-status"].removeprefix(CACHE_STATUS)


def test_a_miss_then_hits(edge: Edge) -> None:
    """The first reader's answer is stored.

    All others get it, even if they write the query another way.
    """
    first = edge.get(f"{BOOKS}?select=id,title&order=id&limit=2")
    assert did(first) == "fwd=uri-miss; fwd-status=200; stored"
    edge.kv.wait()
    for spelling in (
        "select=id,title&order=id&limit=2",
        "limit=2&order=id&select=id%2Ctitle",
        "order=%69d&select=id%2ctitle&limit=2",
    ):
        again = edge.get(f"{BOOKS}?{spelling}")
        assert did(again).startswith("hit; ttl=")
        assert again.content == first.content
    assert edge.asked == 1
    assert edge.kv.queries() == [f"{BOOKS}?limit=2&order=id&select=id,title"]


def test_all_that_a_client_looks_at_is_replayed(edge: Edge) -> None:
    """Status, count, type and location are replayed. The validators are ours."""
    path = f"{BOOKS}?select=id&limit=2"
    first = edge.http.get(path, headers=COUNTED)
    edge.kv.wait()
    again = edge.http.get(path, headers=COUNTED)
    for response in (first, again):
        assert response.status_code == 206
        assert response.headers["content-range"] == "0-1/8"
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        assert response.headers["content-location"] == "/books?limit=2&select=id"
        assert response.headers["cache-control"] == "no-cache"
        named = {name.strip() for name in response.headers["vary"].split(",")}
        assert named >= {"Accept", "Accept-Profile", "Authorization", "Apikey", "Prefer", "Range"}
        assert "age" in response.headers
    assert first.headers["etag"] == again.headers["etag"]
    assert did(again).startswith("hit")


def test_a_304_for_who_has_it(edge: Edge) -> None:
    """It has the same headers as a 200 would have."""
    etag = edge.get(f"{BOOKS}?select=id").headers["etag"]
    response = edge.get_from_kv(f"{BOOKS}?select=id", if_none_match=etag)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag
    assert "Accept" in response.headers["vary"]


def test_a_head_is_answered_from_what_get_has_cached(edge: Edge) -> None:
    """GET is also answered from what HEAD has cached: they share one entry."""
    path = f"{BOOKS}?select=id"
    got = edge.get(path, accept_encoding="identity")
    edge.kv.wait()
    head = edge.http.head(path, headers={"accept-encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-range"] == got.headers["content-range"]
    assert head.headers["content-length"] == got.headers["content-length"]
    assert edge.asked == 1


def test_a_head_with_a_count_has_an_answer_of_its_own(edge: Edge) -> None:
    """Supabase counts, and sends no row."""
    path = f"{BOOKS}?select=id"
    heads = []
    for _ in range(2):
        heads.append(edge.http.head(path, headers=COUNTED))
        edge.kv.wait()
    assert [head.headers["content-range"] for head in heads] == ["0-7/8", "0-7/8"]
    assert did(heads[1]).startswith("hit")
    assert edge.kv.queries() == [f"{BOOKS};head;count=exact?select=id"]


def test_that_there_is_no_such_row_is_an_answer(edge: Edge) -> None:
    """If `single()` finds nothing, Supabase's answer is stored."""
    headers = {"accept": "application/vnd.pgrst.object+json"}
    answers = []
    for _ in range(2):
        answers.append(edge.http.get(f"{BOOKS}?id=eq.999", headers=headers))
        edge.kv.wait()
    assert [answer.status_code for answer in answers] == [406, 406]
    assert answers[1].json()["code"] == "PGRST116"
    assert did(answers[1]).startswith("hit")
    assert edge.asked == 1


@pytest.mark.parametrize("path", ["?select=nothing", "?id=eq.x"])
def test_an_error_is_passed_on_and_not_stored(edge: Edge, path: str) -> None:
    """Status and body are as Supabase sent them. It does not count as a failure of Supabase."""
    direct = httpx.get(f"{edge.upstream.target}{BOOKS}{path}", headers=edge.http.headers)
    for _ in range(2):
        answer = edge.get(f"{BOOKS}{path}")
        assert (answer.status_code, answer.content) == (direct.status_code, direct.content)
        assert answer.headers["cache-control"] == "no-store"
    assert edge.asked == 2
    assert edge.kv.queries() == []
    health = edge.get("/health").json()
    assert health["status"] == "ok"
    assert health["tables"]["books"]["queries"] == 0


def test_the_request_that_fills_has_nothing_of_the_reader(edge: Edge, key: str) -> None:
    """It has no cookie, header or address of the reader.

    SQL could read these, but the answer is for everybody.
    """
    edge.http.get(
        f"{BOOKS}?select=id",
        headers={
            "authorization": f"Bearer {key}",
            "cookie": "sb=1",
            "x-tenant": "a",
            "x-forwarded-for": "1.2.3.4",
            "user-agent": "somebody",
            "x-client-info": "supabase-js/2",
            "content-profile": "agenda",
            "accept-language": "de",
            "accept-profile": "public",
            **COUNTED,
        },
    )
    (sent,) = edge.upstream.headers
    said_of_the_connection = {"host", "accept-encoding", "connection", "cf-connecting-ip"}
    of_the_runtime = {"cf-worker", "cf-ew-via", "cdn-loop", "mf-cf-blob", "user-agent"}
    assert {name: sent[name] for name in sorted(sent)} == {
        "accept": "application/json",
        "accept-profile": "public",
        "apikey": key,
        "prefer": "count=exact",
    } | {name: sent[name] for name in sent if name in said_of_the_connection | of_the_runtime}
    assert sent.get("user-agent") != "somebody"


PASSED: tuple[tuple[str, dict[str, str], str], ...] = (
    ("/rest/v1/shelves", {}, "undeclared"),
    ("/rest/v1/book%73", {}, "undeclared"),
    ("/rest/v1/books", {"accept-profile": "agenda"}, "undeclared"),
    ("/rest/v1/books", {"authorization": "Bearer ey.a.b"}, "session"),
    ("/rest/v1/books", {"apikey": "sb_publishable_other"}, "key"),
    ("/rest/v1/books", {"range": "0-1"}, "range"),
    ("/rest/v1/books", {"prefer": "handling=strict"}, "prefer"),
    ("/rest/v1/books", {"accept": "text/html"}, "accept"),
    ("/rest/v1/books?select=id;title", {}, "query"),
    ("/rest/v1/books?id=eq.%ff", {}, "query"),
)


def test_what_one_cannot_be_sure_of_is_passed_on(edge: Edge) -> None:
    """It is passed on each time, and the status says why. Nothing is stored."""
    for path, headers, why in PASSED:
        for _ in range(2):
            response = edge.http.get(path, headers=headers)
            assert did(response) == f"fwd=bypass; fwd-status={response.status_code}; detail={why}"
    assert edge.asked == 2 * len(PASSED)
    assert edge.kv.queries() == []


def test_no_value_of_a_query_is_logged(edge: Edge) -> None:
    """Reads hit, miss, are refused or are passed on."""
    for path in ("title=eq.Geheim", "title=xx.Geheim", "title=eq.Geheim;"):
        for _ in range(2):
            edge.get_from_kv(f"{BOOKS}?{path}")
    ours = [str(event) for event in edge.log.events()]
    assert len(ours) >= 6
    assert not [line for line in ours if "Geheim" in line]


def test_a_long_query_is_an_entry_too(edge: Edge) -> None:
    """Its key is a digest. Content-Location is left out if there is no room for it."""
    path = f"{BOOKS}?select=id&title=neq.{'x' * 3000}"
    first = edge.get(path)
    again = edge.get_from_kv(path)
    assert did(again).startswith("hit")
    assert first.content == again.content
    assert "content-location" not in again.headers
    (stored,) = edge.kv.queries()
    assert stored.startswith(f"{BOOKS};sha256=")
    assert len(stored) < 512


def test_a_page_may_ask_and_read_the_count(edge: Edge) -> None:
    """The test sees what a browser sees: the preflight, and the headers that a page may read."""
    asked = (
        "apikey, authorization, x-client-info, accept-profile, content-profile, content-type, "
        "prefer, x-retry-count, range, x-mine"
    )
    preflight = edge.http.options(
        BOOKS,
        headers={
            "origin": "https://app.example",
            "access-control-request-method": "GET",
            "access-control-request-headers": asked,
        },
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == asked
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-max-age"] == "86400"
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    for path in (BOOKS, f"{BOOKS}?select=nothing", "/rest/v1/shelves"):
        answer = edge.http.get(path, headers={"origin": "https://app.example", **COUNTED})
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"]
        assert {"Content-Range", "Cache-Status"} <= {name.strip() for name in exposed.split(",")}
    assert edge.upstream.requests
