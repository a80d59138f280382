"""Queries that are asked in a client's place, and which answers may be replayed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from edge_cache.config import Settings
from edge_cache.entries import MAX_METADATA_BYTES, MAX_NUMBER, Representation, snapshot_of
from edge_cache.errors import (
    InvalidAnswer,
    QueryRefused,
    QueryRejected,
    Reply,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from edge_cache.queries import Query
from edge_cache.resources import Resource
from edge_cache.supabase.queries import MAX_HEADERS_BYTES
from edge_cache.supabase.rest import Supabase
from edge_cache.tables import PROJECT

ROWS = b'[{"id" : 1}]'
GOOD = {"content-type": "application/json; charset=utf-8", "content-range": "0-0/*"}
OBJECT = "application/vnd.pgrst.object+json"
ARTICLES = Query("articles")


class Remote:
    """Answers with the same for ever."""

    def __init__(
        self, content: bytes = ROWS, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.response = status, GOOD if headers is None else headers, content
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        status, headers, content = self.response
        coded = httpx.Headers(headers, encoding="latin-1")
        return httpx.Response(status, headers=coded, content=content)


def read(
    remote: Callable[[httpx.Request], httpx.Response],
    query: Query = ARTICLES,
    key: str = "sb_publishable_x",
) -> Representation:
    """Read a query from a remote, once."""
    settings = Settings("https://abc.supabase.co", key, timeout_s=1)
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    return asyncio.run(supabase.read(Resource(PROJECT, query=query)))


def refused(
    error: type[UpstreamError],
    remote: Callable[[httpx.Request], httpx.Response],
    query: Query = ARTICLES,
) -> UpstreamError:
    """Return the error that a read raises."""
    with pytest.raises(error) as caught:
        read(remote, query)
    assert type(caught.value) is error
    return caught.value


def test_a_query_is_sent_as_it_is_with_the_public_key() -> None:
    """And with nothing that another reader would get another answer for."""
    remote = Remote()
    read(remote, Query("articles", "select=*&title=eq.a%20b"))
    (request,) = remote.requests
    assert request.method == "GET"
    assert request.url.raw_path == b"/rest/v1/articles?select=*&title=eq.a%20b"
    assert request.headers["apikey"] == "sb_publishable_x"
    assert request.headers["accept"] == "application/json"
    assert not request.headers.keys() & {"authorization", "accept-profile", "prefer", "range"}


def test_what_a_query_names_is_sent() -> None:
    """Its schema, its media type and its count; a HEAD is one."""
    remote = Remote(b"", headers={**GOOD, "content-type": OBJECT, "content-range": "*/5"})
    read(remote, Query("rpc/x", "", "shop", "object", "exact", head=True), key="eyJ.a.b")
    (request,) = remote.requests
    assert request.method == "HEAD"
    assert request.url.raw_path == b"/rest/v1/rpc/x"
    assert request.headers["authorization"] == "Bearer eyJ.a.b"
    assert request.headers["accept-profile"] == "shop"
    assert request.headers["accept"] == OBJECT
    assert request.headers["prefer"] == "count=exact"


def test_the_answer_is_replayed_as_it_was() -> None:
    """Its bytes, its status and those of its headers that say what they are."""
    headers = {
        **GOOD,
        "Content-Profile": "public",
        "Preference-Applied": "count=exact",
        "Content-Location": "/articles?select=id",
        "Date": "now",
        "Set-Cookie": "x",
        "Server": "y",
    }
    assert read(Remote(ROWS, 206, headers)) == Representation(
        ROWS,
        206,
        {
            "content-type": "application/json; charset=utf-8",
            "content-range": "0-0/*",
            "content-profile": "public",
            "preference-applied": "count=exact",
            "content-location": "/articles?select=id",
        },
        may_be_stored=True,
    )


def test_that_there_is_not_one_row_is_an_answer() -> None:
    """Whoever asks for one gets PostgREST's own words: none, or several."""
    body = json.dumps({"code": "PGRST116", "details": "The result contains 0 rows"}).encode()
    headers = {"content-type": OBJECT}
    answered = read(Remote(body, 406, headers), Query("articles", accept="object"))
    assert answered == Representation(body, 406, headers, may_be_stored=True)


@pytest.mark.parametrize(
    ("accept", "media_type", "body"),
    [
        ("", "application/json", ROWS),
        ("", "application/json", b"7"),
        ("", " Application/JSON ; charset=utf-8", ROWS),
        ("object", OBJECT, b"{}"),
        ("geojson", "application/geo+json", b"{}"),
        ("stripped", "application/vnd.pgrst.array+json;nulls=stripped", b"[]"),
        ("csv", "text/csv; charset=utf-8", b"a,b"),
        ("any", "text/html", b"<p>"),
        ("any", "", b"{"),
        ("any", "application/json", b"{}"),
    ],
)
def test_each_media_type_is_read(accept: str, media_type: str, body: bytes) -> None:
    """JSON is looked at, other types are not."""
    headers = {"content-type": media_type, "content-range": "0-0/*"}
    assert read(Remote(body, headers=headers), Query("rpc/x", accept=accept)).body == body


@pytest.mark.parametrize("content", [b"", b"[", b"<html>", b"NaN", b"[" * 2000, b"\xff"])
@pytest.mark.parametrize("accept", ["", "any"])
def test_broken_json_is_no_answer(accept: str, content: bytes) -> None:
    """It was cut off, or a proxy sent it."""
    error = refused(InvalidAnswer, Remote(content), Query("rpc/x", accept=accept))
    assert error.detail == "Supabase sent JSON that is broken or cut off."
    assert error.supabase_status == 200


def test_a_head_has_nothing_to_look_at() -> None:
    """No body is none that is cut off."""
    head = Query("articles", count="exact", head=True)
    assert read(Remote(b""), head).body == b""


@pytest.mark.parametrize(
    ("accept", "media_type", "detail"),
    [
        ("", "text/html", "Supabase sent something else than JSON."),
        ("", "", "Supabase sent something else than JSON."),
        ("object", "text/csv", "Supabase sent something else than JSON."),
        ("geojson", "application/jsonp", "Supabase sent something else than JSON."),
        ("csv", "application/json", "Supabase sent something else than CSV."),
        ("csv", "text/html", "Supabase sent something else than CSV."),
    ],
)
def test_another_media_type_is_no_answer(accept: str, media_type: str, detail: str) -> None:
    """A proxy's page, for example."""
    headers = {"content-type": media_type, "content-range": "0-0/*"}
    error = refused(InvalidAnswer, Remote(ROWS, headers=headers), Query("a", accept=accept))
    assert (error.detail, error.supabase_status) == (detail, 200)


def test_an_answer_without_content_range_is_none_of_postgrests() -> None:
    """Whatever else it looks like."""
    error = refused(InvalidAnswer, Remote(headers={"content-type": "application/json"}))
    assert error.detail == (
        "Supabase's answer has no Content-Range; is SUPABASE_URL a Supabase project's address?"
    )
    assert error.supabase_status == 200


def test_an_answer_without_a_media_type_is_none_either() -> None:
    """Nobody can tell what it is."""
    refused(InvalidAnswer, Remote(headers={"content-range": "0-0/*"}))


def test_a_406_that_is_no_json_is_none_either() -> None:
    """Its code says what the media type does not."""
    body = json.dumps({"code": "PGRST116"}).encode()
    remote = Remote(body, 406, {"content-type": "text/html"})
    error = refused(InvalidAnswer, remote, Query("articles", accept="object"))
    assert error.supabase_status == 406


def test_a_406_may_answer_whoever_asked_for_csv() -> None:
    """PostgREST's errors are JSON."""
    body = json.dumps({"code": "PGRST116"}).encode()
    headers = {"content-type": "application/json"}
    assert read(Remote(body, 406, headers), Query("articles", accept="csv")).status == 406


@pytest.mark.parametrize("status", [201, 204, 302, 304])
def test_another_success_is_no_answer(status: int) -> None:
    """A read has none of these."""
    error = refused(InvalidAnswer, Remote(b"", status))
    assert (error.detail, error.supabase_status) == (f"Supabase answered {status}.", status)
    assert error.reply is None


@pytest.mark.parametrize(
    ("status", "code"), [(400, "PGRST100"), (404, "PGRST205"), (406, "PGRST107"), (416, "PGRST103")]
)
def test_what_supabase_rejects_is_told_in_its_own_words(status: int, code: str) -> None:
    """To the client; the log has only the code. A stale answer may stand in for it."""
    body = json.dumps({"code": code, "message": "private"}).encode()
    headers = {"content-type": "application/json", "date": "now", "proxy-status": "x"}
    error = refused(QueryRejected, Remote(body, status, headers))
    assert error.detail == f"Supabase answered {status} with code {code}."
    assert (error.supabase_status, error.code) == (status, code)
    told = {"content-type": "application/json", "proxy-status": "x"}
    assert error.reply == Reply(status, told, body)
    assert error.stale_if_error


@pytest.mark.parametrize("status", [401, 403])
def test_what_may_not_be_read_is_refused(status: int) -> None:
    """Postgres says so, whatever was read before; nothing stale stands in for it."""
    error = refused(QueryRefused, Remote(b'{"code":"42501"}', status))
    assert (error.code, error.supabase_status) == ("42501", status)
    assert error.reply is not None
    assert not error.stale_if_error


@pytest.mark.parametrize(
    ("status", "headers", "kind", "code"),
    [
        (401, {}, QueryRefused, None),
        (403, {}, QueryRefused, None),
        (401, {"proxy-status": "PostgREST; error=42501"}, QueryRefused, "42501"),
        (401, {"proxy-status": "PostgREST; error=PGRST301"}, QueryRejected, "PGRST301"),
        (404, {}, QueryRejected, None),
    ],
)
def test_the_answer_to_head_has_no_body_that_tells(
    status: int, headers: dict[str, str], kind: type[QueryRejected], code: str | None
) -> None:
    """A count that may be private by now is not served; PostgREST has a header for the code."""
    counting = Query("articles", count="exact", head=True)
    with pytest.raises(QueryRejected) as raised:
        read(Remote(b"", status, headers), counting)
    assert type(raised.value) is kind
    assert raised.value.code == code


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b'{"code":5}'])
def test_an_error_may_have_no_code(content: bytes) -> None:
    """A proxy's has none; its status alone refuses nothing for good."""
    error = refused(QueryRejected, Remote(content, 403))
    assert (error.detail, error.code) == ("Supabase answered 403.", None)


def test_what_a_supabase_in_trouble_says_is_told_at_once() -> None:
    """With its own words, for a client of its own, which tries again by itself."""
    remote = Remote(b'{"code":"PGRST003"}', 503)
    error = refused(UpstreamUnavailable, remote)
    assert len(remote.requests) == 1
    assert error.reply is not None
    assert (error.reply.status, error.reply.body) == (503, b'{"code":"PGRST003"}')


def test_the_time_limit_holds_for_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries included, which follow where there was no answer at all."""
    monkeypatch.setattr("edge_cache.supabase.requests.FIRST_BACKOFF_S", 30)

    def hang_up(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("x", request=request)

    refused(UpstreamTimeout, hang_up)


@pytest.mark.parametrize(
    ("cache_control", "may_be_stored"),
    [
        ("no-store", False),
        ("No-Store", False),
        ("private", False),
        ("max-age=5,private", False),
        ("max-age=5, no-store , x", False),
        ('private="set-cookie"', False),
        ("no-store;x, private", False),
        ("max-age=0", True),
        ("no-cache", True),
        ("", True),
        ("x-no-store", True),
        ("privates", True),
    ],
)
def test_supabase_may_forbid_to_store(cache_control: str, may_be_stored: bool) -> None:
    """A function may set its answer's headers."""
    answered = read(Remote(headers={**GOOD, "cache-control": cache_control}))
    assert (answered.body, answered.may_be_stored) == (ROWS, may_be_stored)


def length_of(headers: dict[str, str]) -> int:
    """Return how much room headers take."""
    return len(json.dumps(headers))


def test_where_there_is_no_room_the_content_location_goes() -> None:
    """It only repeats the query."""
    room = MAX_HEADERS_BYTES - length_of({**GOOD, "content-location": ""})
    fitting = {**GOOD, "content-location": "x" * room}
    assert read(Remote(headers=fitting)).headers == fitting
    answered = read(Remote(headers={**GOOD, "content-location": "x" * (room + 1)}))
    assert (answered.headers, answered.may_be_stored) == (GOOD, True)


def test_what_has_no_room_even_so_is_not_stored() -> None:
    """The client gets it."""
    room = MAX_HEADERS_BYTES - length_of({**GOOD, "content-profile": ""})
    headers = {**GOOD, "content-profile": "x" * room}
    assert read(Remote(headers=headers)).may_be_stored
    answered = read(Remote(headers={**GOOD, "content-profile": "x" * (room + 1)}))
    assert not answered.may_be_stored
    without_room = read(Remote(headers={**headers, "content-profile": '"' * room}))
    assert not without_room.may_be_stored


def test_a_header_that_is_not_printable_is_left_out() -> None:
    """KV's metadata could not be read again."""
    headers = {**GOOD, "content-location": "/\xe4"}
    assert read(Remote(headers=headers)).headers == GOOD


def test_the_metadata_of_any_answer_fits_into_kv() -> None:
    """Workers KV takes 1,024 bytes."""
    room = MAX_HEADERS_BYTES - length_of({**GOOD, "content-profile": ""})
    answered = read(Remote(headers={**GOOD, "content-profile": "x" * room}))
    largest = MAX_NUMBER - 1
    text = snapshot_of(answered, largest, largest, largest).metadata.to_json()
    assert len(text) + len("25000000") <= MAX_METADATA_BYTES
