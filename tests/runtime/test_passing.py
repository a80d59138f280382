"""What the cache does not answer goes to Supabase; request and answer are not changed."""

from __future__ import annotations

import gzip

import httpx
import pytest
from edge import Edge
from upstream import Handler, answering, hanging_up

from local import stack

REST = "/rest/v1/articles"
BYPASS = "supabase-edge-cache; fwd=bypass; "
METHOD = "supabase-edge-cache; fwd=method; "
EXPOSED = {
    *("content-range", "content-location", "content-profile", "content-disposition"),
    *("preference-applied", "location", "retry-after", "warning", "etag", "age", "cache-status"),
}
ASKED_BY_CLIENTS = (
    "apikey,authorization,x-client-info,accept-profile,content-profile,content-type,prefer,"
    "x-retry-count,range,x-an-apps-own"
)
METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"


def exposed(response: httpx.Response) -> set[str]:
    """Return the headers that pages of other origins may read."""
    names = response.headers["access-control-expose-headers"].split(",")
    return {name.strip().lower() for name in names}


def test_a_read_is_answered_by_supabase(edge: Edge, supabase: stack.Supabase) -> None:
    """The answer has the rows that the caller's key may see, the status and the count.

    KV stays empty.
    """
    headers = {"apikey": supabase.publishable_key, "prefer": "count=exact, handling=strict"}
    response = edge.http.get(f"{REST}?select=id&order=id&limit=2", headers=headers)
    assert (response.status_code, response.json()) == (206, [{"id": 1}, {"id": 2}])
    assert response.headers["content-range"] == "0-1/3"
    assert response.headers["cache-status"] == BYPASS + "fwd-status=206; detail=prefer"
    assert edge.kv.contents() == {}


def test_the_callers_credentials_travel_and_ours_do_not(edge: Edge) -> None:
    """Supabase does not get the Worker's key, nor a header of the Worker."""
    edge.upstream.always = answering(200, b"[]")
    sent = {"authorization": "Bearer of.a.user", "prefer": "tx=commit", "x-client-info": "js"}
    edge.http.get(REST, headers=sent)
    edge.http.get(REST)
    first, second = edge.upstream.headers
    assert {name: first.get(name) for name in sent} == sent
    assert {"apikey", "authorization"} & second.keys() == set()
    assert "apikey" not in first


def test_the_secret_key_sees_drafts(edge: Edge, supabase: stack.Supabase) -> None:
    """Supabase decides who may see what."""
    edge.db.update(3, published=False)
    public, secret = (
        edge.get(f"{REST}?select=id&order=id", apikey=key).json()
        for key in (supabase.publishable_key, supabase.secret_key)
    )
    assert (public, secret) == ([{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 2}, {"id": 3}])


TARGETS = (
    "/rest/v1/articles?select=%2A&title=eq.a+b%20c%2Bd&or=(id.eq.1,id.eq.2)&x=%ff&&=",
    "/rest/v1/articles?select=*,notes(*)&title=in.(%22a%22)",
    "/rest/v1/a%2Fb/%C3%A4/?",
    "/rest/v1/",
    "/rest/v1",
)


def test_path_and_query_are_spelled_as_they_came(edge: Edge) -> None:
    """Nothing is decoded, sorted or escaped again."""
    edge.upstream.always = answering(200)
    for target in TARGETS:
        url = httpx.URL(edge.http.base_url, raw_path=target.encode())
        assert edge.http.get(url).status_code == 200
    assert edge.upstream.requests == list(TARGETS)


def test_writes_are_carried_out_by_supabase(edge: Edge, supabase: stack.Supabase) -> None:
    """Their bodies and preferences arrive, and the rows come back."""
    headers = {"apikey": supabase.secret_key, "prefer": "return=representation"}
    row = {"id": 4, "title": "Zweiter Artikel, älter"}
    made = edge.http.post(f"{REST}?select=id,title", headers=headers, json=row)
    assert (made.status_code, made.json()) == (201, [row])
    assert made.headers["cache-status"] == METHOD + "fwd-status=201"
    one = f"{REST}?id=eq.4&select=title"
    changed = edge.http.patch(one, headers=headers, json={"title": "x"})
    assert (changed.status_code, changed.json()) == (200, [{"title": "x"}])
    gone = edge.http.delete(one, headers={"apikey": supabase.secret_key})
    assert (gone.status_code, gone.content) == (204, b"")
    assert gone.headers["cache-status"] == METHOD + "fwd-status=204"
    assert edge.get(one, apikey=supabase.secret_key).json() == []


def test_each_method_is_passed_on_once(edge: Edge) -> None:
    """Nothing is sent twice, even if Supabase fails."""
    methods = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]
    edge.upstream.always = answering(503)
    assert [edge.http.request(method, REST).status_code for method in methods] == [503] * 6
    assert edge.upstream.methods == methods


def test_a_request_with_a_body_keeps_it(edge: Edge) -> None:
    """Even a GET keeps it: the Fetch standard forbids that, but HTTP allows it."""
    bodies: list[bytes] = []

    def reading(handler: Handler) -> None:
        bodies.append(b"".join(handler.body))
        handler.answer(200)

    edge.upstream.always = reading
    for method in ("GET", "POST", "PUT"):
        edge.http.request(method, REST, content=b"\x00body\xff")
    assert bodies == [b"\x00body\xff"] * 3


def test_headers_of_an_answer_are_kept(edge: Edge) -> None:
    """A header may come several times, and other caches may say something."""
    cookies = ["a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Path=/", "b=2"]
    edge.upstream.always = answering(
        200, b"[]", set_cookie=cookies, cache_status="elsewhere; hit", etag='W/"x"', x_a="ä, b"
    )
    response = edge.get(REST)
    assert response.headers.get_list("set-cookie") == cookies
    assert response.headers.get_list("cache-status", split_commas=True) == [
        "elsewhere; hit",
        BYPASS + "fwd-status=200; detail=key",
    ]
    assert response.headers["etag"] == 'W/"x"'
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [206, 300, 401, 503])
def test_a_status_comes_with_its_body(edge: Edge, status: int) -> None:
    """Supabase's errors keep their own words."""
    body = b'{"code":"PGRST000","message":"x"}'
    edge.upstream.always = answering(status, body, content_range="*/3", retry_after="7")
    response = edge.get(REST, accept_encoding="identity")
    assert (response.status_code, response.content) == (status, body)
    assert response.headers["content-range"] == "*/3"
    assert response.headers["retry-after"] == "7"
    assert response.headers["content-length"] == str(len(body))
    assert f"fwd-status={status}; " in response.headers["cache-status"]


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(edge: Edge, status: int) -> None:
    """It keeps its headers."""
    edge.upstream.always = answering(status, etag='"x"')
    response = edge.get(REST, if_none_match='"x"')
    assert (response.status_code, response.content) == (status, b"")
    assert response.headers["etag"] == '"x"'


def test_head_has_the_headers_of_get(edge: Edge) -> None:
    """It has no body."""
    edge.upstream.always = answering(206, b"[12345]", content_range="0-0/9")
    unpacked = {"accept-encoding": "identity"}
    get, head = (edge.http.request(method, REST, headers=unpacked) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (206, b"")
    for name in ("content-range", "content-length", "cache-status", "content-type"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_handed_back(edge: Edge, method: str) -> None:
    """If the Worker followed it, the caller's key would go elsewhere."""
    edge.upstream.always = answering(307, location="/rest/v1/elsewhere")
    response = edge.http.request(method, REST, content=b"x" if method == "POST" else None)
    assert (response.status_code, edge.asked) == (307, 1)
    assert response.headers["location"] == "/rest/v1/elsewhere"


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_a_packed_answer_arrives_right(edge: Edge, accepted: str) -> None:
    """The client can read it, whether it comes packed or not."""
    text = b'[{"title":"again"}]' * 500
    edge.upstream.always = answering(200, gzip.compress(text), content_encoding="gzip")
    response = edge.get(REST, accept_encoding=accepted)
    assert response.content == text
    assert response.headers.get("content-encoding", "identity") == accepted


def test_a_packing_that_the_runtime_does_not_know_is_left_alone(edge: Edge) -> None:
    """The client asked for it, or can see that it did not."""
    edge.upstream.always = answering(200, b"(packed)", content_encoding="x-own")
    response = edge.get(REST)
    assert (response.content, response.headers["content-encoding"]) == (b"(packed)", "x-own")


def test_a_preflight_is_answered_at_the_edge(edge: Edge) -> None:
    """It allows every header that Supabase's clients need, for any path, and for a day."""
    for path in (REST, "/rest/v1/", "/rest/v1/rpc/any"):
        headers = {
            "origin": "https://example.com",
            "access-control-request-method": "PATCH",
            "access-control-request-headers": ASKED_BY_CLIENTS,
        }
        response = edge.http.options(path, headers=headers)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-allow-headers"] == ASKED_BY_CLIENTS
        assert response.headers["access-control-allow-methods"] == METHODS
        assert response.headers["access-control-max-age"] == "86400"
    assert edge.asked == 0


def test_a_page_may_read_what_was_passed_on(edge: Edge) -> None:
    """It may, whether Supabase allows it or not."""
    edge.upstream.always = answering(200)
    response = edge.get(REST, origin="https://example.com")
    assert response.headers["access-control-allow-origin"] == "*"
    assert exposed(response) == EXPOSED


def test_supabases_own_cors_headers_are_kept(edge: Edge) -> None:
    """Our exposed headers are added to Supabase's."""
    edge.upstream.always = answering(
        200,
        access_control_allow_origin="https://example.com",
        access_control_allow_credentials="true",
        access_control_expose_headers="X-Total",
    )
    response = edge.get(REST, origin="https://example.com")
    assert response.headers.get_list("access-control-allow-origin") == ["https://example.com"]
    assert response.headers["access-control-allow-credentials"] == "true"
    assert exposed(response) == {*EXPOSED, "x-total"}


def test_the_log_tells_why_and_nothing_private(edge: Edge) -> None:
    """Each request has one line, without query, key, body, or the path after the table's name."""
    edge.upstream.always = answering(201)
    headers = {"apikey": "private-key", "authorization": "Bearer private-token"}
    edge.http.get(f"{REST}/private-path?title=eq.private-query", headers=headers)
    edge.http.post(REST, headers=headers, content=b"private-body")
    assert edge.log.wait_for("bypass", count=2) == [
        {
            "event": "bypass",
            "path": "/rest/v1/articles",
            "method": "GET",
            "reason": "key",
            "status": 201,
        },
        {
            "event": "bypass",
            "path": "/rest/v1/articles",
            "method": "POST",
            "reason": "method",
            "status": 201,
        },
    ]
    assert "private" not in "".join(map(str, edge.log.events()))


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_a_connection_that_breaks_is_told_in_postgrests_words(edge: Edge, method: str) -> None:
    """The status is 502, at which Supabase's clients do not try again."""
    edge.upstream.always = hanging_up
    response = edge.http.request(method, REST)
    assert response.status_code == 502
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["retry-after"] == "5"
    assert response.headers["access-control-allow-origin"] == "*"
    if method == "HEAD":
        assert response.content == b""
    else:
        assert response.json() == {
            "code": "EDGE_SUPABASE_UNREACHABLE",
            "message": "Supabase cannot be reached",
            "details": (
                "The connection to Supabase was refused, or it broke before the answer began."
            ),
            "hint": "Try again in 5 s.",
        }
