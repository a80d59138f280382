"""Reads of whole tables and single rows, against a remote that is a function of the request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from edge_cache.config import Settings
from edge_cache.errors import (
    InvalidAnswer,
    NotFound,
    TornRead,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from edge_cache.resources import Resource
from edge_cache.supabase import rest
from edge_cache.supabase.rest import Supabase, backoff_s, key_headers
from edge_cache.tables import Table

ARTICLES = Table("articles")
Remote = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr(rest, "FIRST_BACKOFF_S", 0)


def read(remote: Remote, row_id: str | None = None, timeout_s: float = 1) -> bytes:
    """Read a table or a row from a remote."""

    async def run() -> bytes:
        settings = Settings("https://abc.supabase.co", "sb_publishable_x", timeout_s)
        transport = httpx.MockTransport(remote)
        return await Supabase(transport, settings).read(Resource(ARTICLES, row_id))

    return asyncio.run(run())


def paged(rows: list[object], max_rows: int, seen: list[str] | None = None) -> Remote:
    """Return a remote that cuts answers at ``max_rows``, as PostgREST does."""

    def remote(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(str(request.url))
        offset = int(request.url.params.get("offset", "0"))
        part = rows[offset : offset + max_rows]
        if offset and not part:
            return httpx.Response(416, json={"code": "PGRST103"})
        shown = f"{offset}-{offset + len(part) - 1}" if part else "*"
        headers = {"content-range": f"{shown}/{len(rows)}"}
        return httpx.Response(206 if len(part) < len(rows) else 200, json=part, headers=headers)

    return remote


def answer(status: int, **kwargs: object) -> Remote:
    """Return a remote that always answers the same."""
    return lambda _request: httpx.Response(status, **kwargs)  # type: ignore[arg-type]


def test_one_page_is_handed_on_untouched() -> None:
    """Not a byte of Supabase's answer is changed."""
    body = b'[ {"id":1,\n"t":"\\u00e4"} ]'
    headers = {"content-range": "0-0/1", "content-type": "application/json"}
    assert read(answer(200, content=body, headers=headers)) == body


def test_an_empty_table_is_an_empty_array() -> None:
    """No rows is an answer, not a failure."""
    assert read(paged([], 10)) == b"[]"


def test_all_pages_are_joined_in_order() -> None:
    """More rows than `max_rows` are not silently missing."""
    rows: list[object] = [{"id": n, "t": "],["} for n in range(25)]
    seen: list[str] = []
    assert json.loads(read(paged(rows, 10, seen))) == rows
    assert all("order=id.asc" in url for url in seen)


def test_a_table_that_changes_between_pages_is_read_again() -> None:
    """An edit to a page that was already read must not be mixed with later pages."""
    rows: list[object] = [{"id": n} for n in range(25)]
    requests = []

    def remote(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 2:
            rows[0], rows[24] = {"id": 0, "edited": 1}, {"id": 24, "edited": 2}
        return paged(rows, 10)(request)

    assert json.loads(read(remote)) == rows


def test_a_row_that_moves_between_pages_is_neither_lost_nor_doubled() -> None:
    """A delete and an insert leave the count as it was and shift the pages."""
    rows: list[object] = [{"id": n} for n in range(25)]
    requests = []

    def remote(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 2:
            rows.pop(0)
            rows.append({"id": 25})
        return paged(rows, 10)(request)

    assert json.loads(read(remote)) == rows


@pytest.mark.parametrize("grow", [True, False])
def test_a_table_that_never_holds_still_is_given_up(grow: bool) -> None:
    """After a few tries there is an error, not a torn answer."""
    rows: list[object] = [{"id": n} for n in range(2500)]

    def remote(request: httpx.Request) -> httpx.Response:
        if grow:
            rows.append({"id": len(rows)})
        else:
            rows.pop()
        return paged(rows, 1000)(request)

    with pytest.raises(TornRead):
        read(remote)


def test_a_row_is_handed_on_untouched() -> None:
    """One row is the object's bytes."""
    assert read(answer(200, json={"id": 7}), "7") == b'{"id":7}'


@pytest.mark.parametrize("row_id", ["1&id=neq.1", "a/b?c#d", "eq.1", "*", "a,b(c)", "ü 😀", "%"])
def test_an_id_cannot_change_the_query(row_id: str) -> None:
    """Whatever is in it, it arrives as the one value of one filter."""
    asked: list[httpx.URL] = []

    def remote(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"id": row_id})

    read(remote, row_id)
    assert list(asked[0].params.multi_items()) == [("select", "*"), ("id", f"eq.{row_id}")]


@pytest.mark.parametrize("row_id", ["07", "+7", " 7", "7.0"])
def test_another_spelling_of_an_id_is_not_found(row_id: str) -> None:
    """Postgres takes it for the row; its entry would outlive the row's edits."""
    with pytest.raises(NotFound):
        read(answer(200, json={"id": 7}), row_id)


@pytest.mark.parametrize("row_id", ["1.50", "123456789012345678901234567890", "-3"])
def test_a_number_is_compared_as_it_is_written(row_id: str) -> None:
    """Neither rounded nor shortened."""
    body = b'{"id":%s}' % row_id.encode()
    headers = {"content-type": "application/json"}
    assert read(answer(200, content=body, headers=headers), row_id) == body


@pytest.mark.parametrize(
    ("status", "code"), [(400, "22P02"), (400, "22003"), (400, "22007"), (406, "PGRST116")]
)
def test_no_such_row_or_an_id_that_does_not_fit_is_not_found(status: int, code: str) -> None:
    """`/articles/abc` of a numeric column is simply not there."""
    body = {"code": code, "details": "The result contains 0 rows"}
    with pytest.raises(NotFound):
        read(answer(status, json=body), "abc")


def test_a_key_column_that_is_not_unique_is_said_so() -> None:
    """Two rows for one id is a mistake of the configuration, not a missing row."""
    body = {"code": "PGRST116", "details": "The result contains 2 rows"}
    with pytest.raises(UpstreamRejected, match="not unique"):
        read(answer(406, json=body), "1")


@pytest.mark.parametrize(
    ("remote", "error", "words"),
    [
        (answer(401, json={"message": "Invalid API key"}), UpstreamRejected, "ANON_KEY"),
        (answer(401, json={"code": "42501"}), UpstreamRejected, "grant select"),
        (answer(404, json={"code": "PGRST205"}), UpstreamRejected, "no such table"),
        (answer(500, text="oops"), UpstreamUnavailable, "500"),
        (answer(503, json={"code": "PGRST002"}), UpstreamUnavailable, "PGRST002"),
        (answer(504, json={"code": "PGRST003"}), UpstreamTimeout, "PGRST003"),
        (answer(429), UpstreamUnavailable, "429"),
        (answer(522, text="html"), UpstreamUnreachable, "could not reach"),
        (answer(302, headers={"location": "https://x"}), InvalidAnswer, "redirect"),
        (answer(200, html="<p>"), InvalidAnswer, "text/html"),
        (answer(200, json={"id": 1}), InvalidAnswer, "no array"),
        (answer(200, json=[1]), InvalidAnswer, "Content-Range"),
        (answer(206, json=[1], headers={"content-range": "0-1/2"}), InvalidAnswer, "1 rows"),
        (
            answer(200, content=b'[{"id":1},', headers={"content-type": "application/json"}),
            InvalidAnswer,
            "cut off",
        ),
    ],
)
def test_a_failure_has_its_own_error(
    remote: Remote, error: type[UpstreamError], words: str
) -> None:
    """Each of Supabase's bad days is told apart, with what to do about it."""
    with pytest.raises(error, match=words):
        read(remote)


def test_a_lost_connection_is_unreachable() -> None:
    """The transport's exceptions are translated."""

    def remote(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(UpstreamUnreachable, match="refused"):
        read(remote)


def test_transient_failures_are_tried_again() -> None:
    """Two failures in a row cost the reader nothing but time."""
    statuses = [503, 502, 200]
    headers = {"content-range": "*/0"}
    assert read(lambda _request: httpx.Response(statuses.pop(0), json=[], headers=headers)) == b"[]"


def test_a_refusal_is_not_tried_again() -> None:
    """A wrong key stays wrong."""
    requests = []

    def remote(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(401)

    with pytest.raises(UpstreamRejected):
        read(remote)
    assert len(requests) == 1


def test_the_time_limit_bounds_retries_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader never waits longer than the setting says."""
    monkeypatch.setattr(rest, "FIRST_BACKOFF_S", 30)
    with pytest.raises(UpstreamTimeout, match=r"0\.05 s"):
        read(answer(503), timeout_s=0.05)


def test_supabases_retry_after_is_passed_on() -> None:
    """It knows best when it will be back."""
    with pytest.raises(UpstreamUnavailable) as caught:
        read(answer(503, headers={"retry-after": "17"}))
    assert caught.value.retry_after_s == 17


def test_an_error_never_quotes_supabases_text() -> None:
    """A message of Postgres may hold row content."""
    with pytest.raises(UpstreamRejected) as caught:
        read(answer(400, json={"code": "XX", "message": "private text"}))
    assert "private" not in json.dumps(caught.value.document())


def test_publishable_keys_go_into_one_header_and_legacy_keys_into_two() -> None:
    """A publishable key is no JWT, so it must not be a bearer token."""
    assert key_headers("sb_publishable_x") == {"apikey": "sb_publishable_x"}
    assert key_headers("eyJ.a.b")["authorization"] == "Bearer eyJ.a.b"


def test_backoff_grows_and_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between half and the whole of a bound that doubles."""
    monkeypatch.setattr(rest, "FIRST_BACKOFF_S", 0.2)
    assert [backoff_s(n, 0) for n in range(3)] == [0.1, 0.2, 0.4]
    assert [backoff_s(n, 1) for n in range(3)] == [0.2, 0.4, 0.8]
