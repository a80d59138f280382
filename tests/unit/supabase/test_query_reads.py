"""Queries that the object asks in a client's place, and which answers may be replayed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from edge_cache.config import Settings
from edge_cache.dependencies import Dependencies
from edge_cache.entries import MAX_METADATA_BYTES, Representation, entry_of, shared_by
from edge_cache.errors import (
    FinalAnswer,
    InvalidAnswer,
    Reply,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from edge_cache.queries import Query
from edge_cache.refresher.subscriber import MAX_TEXT_CHARS
from edge_cache.resources import Resource
from edge_cache.supabase.query_reads import MAX_HEADERS_BYTES
from edge_cache.supabase.rest import Supabase
from edge_cache.tables import Table
from edge_cache.versions import MAX_NUMBER

ROWS = b'[{"id" : 1}]'
GOOD = {"content-type": "application/json; charset=utf-8", "content-range": "0-0/*"}
OBJECT = "application/vnd.pgrst.object+json"
ARTICLES = Query("articles")


class Remote:
    """A remote that always gives the same answer."""

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
    """Read a query from a remote once."""
    settings = Settings("https://abc.supabase.co", key, timeout_s=1)
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    return asyncio.run(supabase.read(Resource(Table("articles"), query=query)))


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
    """Nothing that is sent could give another reader another answer."""
    remote = Remote()
    read(remote, Query("articles", "select=*&title=eq.a%20b"))
    (request,) = remote.requests
    assert request.method == "GET"
    assert request.url.raw_path == b"/rest/v1/articles?select=*&title=eq.a%20b"
    assert request.headers["apikey"] == "sb_publishable_x"
    assert request.headers["accept"] == "application/json"
    assert not request.headers.keys() & {"authorization", "accept-profile", "prefer", "range"}


def test_what_a_query_names_is_sent() -> None:
    """Its schema, its media type and its count are sent. If it is a HEAD, a HEAD is sent."""
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
    """Its bytes and its status are replayed, with the headers that describe them."""
    headers = {
        **GOOD,
        "Content-Profile": "public",
        "Preference-Applied": "count=exact",
        "Content-Location": "/articles?select=id",
        "Content-Disposition": "attachment",
        "Content-Language": "de",
        "Warning": "299 x",
        "Vary": "Accept, Prefer, Range, Accept-Encoding, Origin",
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
            "content-disposition": "attachment",
            "content-language": "de",
            "warning": "299 x",
        },
    )


def test_that_there_is_not_one_row_is_an_answer() -> None:
    """If a client asks for one row, it gets PostgREST's own words: there are none, or several."""
    body = json.dumps({"code": "PGRST116", "details": "The result contains 0 rows"}).encode()
    headers = {"content-type": OBJECT}
    answered = read(Remote(body, 406, headers), Query("articles", accept="object"))
    assert answered == Representation(body, 406, headers)


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
    """JSON is parsed; other types are not."""
    headers = {"content-type": media_type, "content-range": "0-0/*"}
    assert read(Remote(body, headers=headers), Query("rpc/x", accept=accept)).body == body


@pytest.mark.parametrize("content", [b"", b"[", b"<html>", b"NaN", b"\xff"])
@pytest.mark.parametrize("accept", ["", "any"])
def test_broken_json_is_no_answer(accept: str, content: bytes) -> None:
    """It was cut off, or a proxy sent it."""
    error = refused(InvalidAnswer, Remote(content), Query("rpc/x", accept=accept))
    assert error.detail == "Supabase sent JSON that is broken or cut off."
    assert error.supabase_status == 200


def test_a_head_has_nothing_to_look_at() -> None:
    """An answer to a HEAD has no body, so it is not cut off."""
    head = Query("articles", count="exact", head=True)
    assert read(Remote(b""), head).body == b""


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/html"),
        ("", ""),
        ("object", "text/csv"),
        ("geojson", "application/jsonp"),
        ("csv", "application/json"),
        ("csv", "text/html"),
    ],
)
def test_an_answer_of_another_media_type_is_handed_on(accept: str, media_type: str) -> None:
    """SQL can set the media type of its answer."""
    headers = {"content-type": media_type, "content-range": "0-0/*"}
    error = refused(FinalAnswer, Remote(ROWS, headers=headers), Query("a", accept=accept))
    assert error.reply == Reply(200, headers, ROWS)


def test_an_answer_without_content_range_is_none_of_postgrests() -> None:
    """Everything else may look right."""
    error = refused(InvalidAnswer, Remote(headers={"content-type": "application/json"}))
    assert error.detail == (
        "Supabase's answer has no Content-Range; is SUPABASE_URL a Supabase project's address?"
    )
    assert error.supabase_status == 200


def test_a_406_that_is_no_json_is_handed_on() -> None:
    body = json.dumps({"code": "PGRST116"}).encode()
    remote = Remote(body, 406, {"content-type": "text/html"})
    refused(FinalAnswer, remote, Query("articles", accept="object"))


def test_a_406_may_answer_whoever_asked_for_csv() -> None:
    """PostgREST's errors are JSON."""
    body = json.dumps({"code": "PGRST116"}).encode()
    headers = {"content-type": "application/json"}
    assert read(Remote(body, 406, headers), Query("articles", accept="csv")).status == 406


@pytest.mark.parametrize("status", [201, 203, 204, 302, 304, 404])
def test_an_answer_of_another_status_is_handed_on(status: int) -> None:
    """SQL can set the status, and a function that returns nothing has 204."""
    error = refused(FinalAnswer, Remote(b"", status, {"content-range": "*/*", "location": "/x"}))
    assert error.reply == Reply(status, {"content-range": "*/*", "location": "/x"}, None)
    assert not error.stale_if_error


@pytest.mark.parametrize("status", [201, 204, 302, 304])
def test_without_content_range_it_is_none_of_postgrests(status: int) -> None:
    error = refused(InvalidAnswer, Remote(b"", status, {}))
    assert error.supabase_status == status
    assert error.reply is None


WHOLE = {"message": "private", "details": None, "hint": None}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (300, {"code": "PGRST201"}),
        (400, {"code": "PGRST100"}),
        (401, {"code": "42501"}),
        (403, {"code": "42501"}),
        (404, {"code": "PT404"}),
        (409, {**WHOLE, "code": "sold-out"}),
        (416, {"code": "PGRST103"}),
    ],
)
def test_postgrests_verdict_is_handed_on_in_its_own_words(
    status: int, told: dict[str, object]
) -> None:
    """The client gets these words. The log has only the code."""
    body = json.dumps({**told, "message": "private"}).encode()
    sent = {"content-type": "application/json", "proxy-status": "x", "x-of-sql": "y"}
    remote = Remote(body, status, {**sent, "date": "now", "set-cookie": "a=b", "alt-svc": "h3"})
    error = refused(FinalAnswer, remote)
    assert "private" not in error.detail
    assert error.supabase_status == status
    assert error.reply == Reply(status, sent, body)
    assert not error.stale_if_error


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (401, b'{"message":"Invalid API key"}'),
        (401, b'{"code":"PGRST301","message":"","details":null,"hint":null}'),
        (403, b"<html>"),
        (403, b"{}"),
        (403, b'{"code":5}'),
        (404, b'{"message":"no Route matched"}'),
        (404, b""),
        (418, b'{"code":"teapot","message":"x"}'),
    ],
)
def test_what_is_not_of_postgrest_or_about_the_key_says_nothing_of_the_query(
    status: int, content: bytes
) -> None:
    error = refused(UpstreamRejected, Remote(content, status, {}))
    assert error.stale_if_error
    assert error.reply == Reply(status, {}, content or None)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "code"),
    [
        (401, {}, FinalAnswer, None),
        (404, {}, FinalAnswer, None),
        (401, {"proxy-status": "PostgREST; error=42501"}, FinalAnswer, "42501"),
        (401, {"proxy-status": "PostgREST; error=PGRST301"}, UpstreamRejected, "PGRST301"),
        (302, {}, InvalidAnswer, None),
    ],
)
def test_the_answer_to_head_has_no_body_that_tells(
    status: int, headers: dict[str, str], kind: type[UpstreamError], code: str | None
) -> None:
    """A count that may be private by now is not served. PostgREST sends the code in a header."""
    counting = Query("articles", count="exact", head=True)
    assert refused(kind, Remote(b"", status, headers), counting).code == code


def test_what_a_supabase_in_trouble_says_is_told_at_once() -> None:
    """The client gets Supabase's own words, and tries again by itself."""
    remote = Remote(b'{"code":"PGRST003"}', 503)
    error = refused(UpstreamUnavailable, remote)
    assert len(remote.requests) == 1
    assert error.reply is not None
    assert (error.reply.status, error.reply.body) == (503, b'{"code":"PGRST003"}')


def test_the_time_limit_holds_for_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries count, too. They follow only if there was no answer at all."""
    monkeypatch.setattr("edge_cache.supabase.api.FIRST_BACKOFF_MS", 30_000)

    def hang_up(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("x", request=request)

    refused(UpstreamTimeout, hang_up)


@pytest.mark.parametrize(
    ("name", "value", "may_be_stored"),
    [
        ("cache-control", "no-store", False),
        ("cache-control", "No-Store", False),
        ("cache-control", "private", False),
        ("cache-control", "max-age=5,private", False),
        ("cache-control", "max-age=5, no-store , x", False),
        ("cache-control", 'private="set-cookie"', False),
        ("cache-control", "no-store;x, private", False),
        ("cache-control", "max-age=0", True),
        ("cache-control", "no-cache", True),
        ("cache-control", "x-no-store", True),
        ("cache-control", "privates", True),
        ("vary", "Accept-Language", False),
        ("vary", "Accept, Cookie", False),
        ("vary", "*", False),
        ("vary", "accept , PREFER,, Accept-Profile, Authorization, apikey", True),
        ("content-disposition", "attachment; filename=\xdc.csv", False),
        ("warning", "\xdc", False),
    ],
)
def test_sql_may_forbid_to_store_an_answer(name: str, value: str, *, may_be_stored: bool) -> None:
    remote = Remote(headers={**GOOD, name: value})
    if may_be_stored:
        assert read(remote).body == ROWS
        return
    reply = refused(FinalAnswer, remote).reply
    assert reply is not None
    assert (reply.status, reply.body, reply.headers[name]) == (200, ROWS, value)


def length_of(headers: dict[str, str]) -> int:
    """Return the number of bytes that headers take."""
    return len(json.dumps(headers))


def test_where_there_is_no_room_the_content_location_goes() -> None:
    """It only repeats the query."""
    room = MAX_HEADERS_BYTES - length_of({**GOOD, "content-location": ""})
    fitting = {**GOOD, "content-location": "x" * room}
    assert read(Remote(headers=fitting)).headers == fitting
    answered = read(Remote(headers={**GOOD, "content-location": "x" * (room + 1)}))
    assert answered.headers == GOOD


def test_what_has_no_room_even_so_is_handed_on() -> None:
    room = MAX_HEADERS_BYTES - length_of({**GOOD, "content-profile": ""})
    headers = {**GOOD, "content-profile": "x" * room}
    assert read(Remote(headers=headers)).headers == headers
    refused(FinalAnswer, Remote(headers={**GOOD, "content-profile": "x" * (room + 1)}))
    refused(FinalAnswer, Remote(headers={**headers, "content-profile": '"' * room}))


def test_a_content_location_beyond_ascii_is_left_out() -> None:
    """Otherwise nobody could read KV's metadata again."""
    headers = {**GOOD, "content-location": "/\xe4"}
    assert read(Remote(headers=headers)).headers == GOOD


def test_the_metadata_of_any_answer_fits_into_kv() -> None:
    """Workers KV takes 1,024 bytes."""
    room = MAX_HEADERS_BYTES - length_of({**GOOD, "content-profile": ""})
    answered = read(Remote(headers={**GOOD, "content-profile": "x" * room}))
    largest = MAX_NUMBER - 1
    depends = Dependencies(frozenset({"x" * MAX_TEXT_CHARS}), is_shared=True)
    entry = entry_of(
        answered,
        "f" * 12,
        depends,
        read_at_ms=largest,
        version=largest,
        asked_at_ms=largest,
        shared=shared_by({}),
    )
    text = entry.metadata.to_json()
    assert len(text) + len("25000000") <= MAX_METADATA_BYTES
