"""Reads of single rows, and what can fail in any read."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from edge_cache.errors import (
    EdgeCacheError,
    InvalidAnswer,
    NotFound,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from edge_cache.tables import Table

Remote = Callable[[httpx.Request], httpx.Response]
Read = Callable[..., bytes]

JSON_TYPE = {"content-type": "application/json"}


def answer(status: int, **kwargs: object) -> Remote:
    """Return a remote that always answers the same."""
    return lambda _request: httpx.Response(status, **kwargs)  # type: ignore[arg-type]


def says(status: int, code: object, **members: object) -> Remote:
    """Return a remote that answers with PostgREST's error."""
    return answer(status, json={"code": code, **members})


def test_a_row_is_handed_on_untouched(read: Read) -> None:
    """A reader gets the bytes of the object that PostgREST sent."""
    body = b'{ "id" : 7,\n"t":"\\u00e4"}'
    assert read(answer(200, content=body, headers=JSON_TYPE), "7") == body


@pytest.mark.parametrize("media_type", ["application/vnd.pgrst.object+json; charset=utf-8"])
def test_the_type_of_a_row_is_json_too(read: Read, media_type: str) -> None:
    """PostgREST has a media type of its own for a row."""
    headers = {"content-type": media_type}
    assert read(answer(200, content=b'{"id":7}', headers=headers), "7") == b'{"id":7}'


@pytest.mark.parametrize("row_id", ["1&id=neq.1", "a/b?c#d", "eq.1", "*", "a,b(c)", "ü 😀", "%"])
def test_an_id_cannot_change_the_query(read: Read, row_id: str) -> None:
    """Any id arrives as the one value of one filter."""
    asked: list[httpx.URL] = []

    def remote(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"id": row_id})

    read(remote, row_id)
    assert list(asked[0].params.multi_items()) == [("select", "*"), ("id", f"eq.{row_id}")]


@pytest.mark.parametrize("row_id", ["1.50", "123456789012345678901234567890", "-3"])
def test_a_number_is_compared_as_it_is_written(read: Read, row_id: str) -> None:
    """It is not rounded or shortened."""
    body = b'{"id":%s}' % row_id.encode()
    assert read(answer(200, content=body, headers=JSON_TYPE), row_id) == body


@pytest.mark.parametrize("row_id", ["07", "+7", " 7", "7.0", "0x7", "0X07", "0o7", "0b111"])
def test_another_spelling_of_an_id_is_not_found(read: Read, row_id: str) -> None:
    """Postgres would find the row, but edits of the row would not reach this entry."""
    with pytest.raises(NotFound, match="The row's id is spelled in another way"):
        read(answer(200, json={"id": 7}), row_id)


@pytest.mark.parametrize(
    ("row_id", "found"),
    [("ABC", "abc"), ("6F9619FF8B86D011B42D00CF4FC964FF", "6f9619ff-8b86-d011-b42d-00cf4fc964ff")],
)
def test_another_spelling_of_a_text_is_not_found(read: Read, row_id: str, found: str) -> None:
    """Examples are another case, and a UUID without its dashes."""
    with pytest.raises(NotFound, match="The row's id is spelled in another way"):
        read(answer(200, json={"id": found}), row_id)


@pytest.mark.parametrize(
    ("row_id", "found"), [("2", 3), ("2", 22), ("0x2", 3), ("a", "b"), ("-", "*")]
)
def test_another_row_is_no_answer(read: Read, row_id: str, found: object) -> None:
    """It proves nothing about the row that the reader asked for."""
    with pytest.raises(InvalidAnswer, match="a row with another id than we asked for"):
        read(answer(200, json={"id": found}), row_id)


def test_an_id_that_no_column_can_hold_is_not_asked_for(read: Read) -> None:
    """Postgres has no text with U+0000."""

    def remote(_request: httpx.Request) -> httpx.Response:
        raise AssertionError

    with pytest.raises(NotFound, match="No row of articles with this id is visible"):
        read(remote, "a\0b")


def test_an_id_that_does_not_fit_the_column_is_not_found(read: Read) -> None:
    """The error has to be about this id, not about something that a view does."""
    misfit = says(400, "22P02", message='invalid input syntax for type bigint: "abc"')
    with pytest.raises(NotFound, match="No row of articles with this id is visible"):
        read(misfit, "abc")
    with pytest.raises(UpstreamRejected) as caught:
        read(misfit, "7")
    assert (caught.value.supabase_status, caught.value.code) == (400, "22P02")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"title":"x"}', "a row whose id is neither number nor text"),
        (b'{"id":null}', "a row whose id is neither number nor text"),
        (b'{"id":true}', "a row whose id is neither number nor text"),
        (b'{"id":["7"]}', "a row whose id is neither number nor text"),
        (b'{"id":{"7":7}}', "a row whose id is neither number nor text"),
        (b'[{"id":7}]', "not an object"),
        (b"null", "not an object"),
        (b'"7"', "not an object"),
        (b'{"id":7', "broken or cut off"),
        (b"", "broken or cut off"),
        (b'{"id":NaN}', "broken or cut off"),
    ],
)
def test_what_is_no_row_says_nothing_about_the_row(read: Read, body: bytes, words: str) -> None:
    """It means that Supabase failed, not that the row is absent."""
    with pytest.raises(InvalidAnswer, match=words):
        read(answer(200, content=body, headers=JSON_TYPE), "7")


def test_the_key_column_is_the_tables(read: Read) -> None:
    """A table may have another key than `id`."""
    products = Table("products", key="sku")
    assert read(answer(200, json={"sku": "x", "id": 1}), "x", table=products)
    with pytest.raises(InvalidAnswer, match="whose sku is"):
        read(answer(200, json={"id": "x"}), "x", table=products)
    with pytest.raises(NotFound, match="No row of products with this sku is visible"):
        read(says(406, "PGRST116", details="The result contains 0 rows"), "x", table=products)


MALFORMED = {
    "HTML": (answer(200, html="<p>"), "Supabase sent text/html instead of JSON; is SUPABASE_URL"),
    "no type": (answer(200, content=b"[]"), "Supabase sent something instead of JSON"),
    "an odd type": (
        answer(200, content=b"[]", headers={"content-type": "x" * 61}),
        "Supabase sent something instead of JSON",
    ),
    "a redirect": (
        answer(302, headers={"location": "https://x"}),
        "would send the key there: SUPABASE_URL should be the project's final",
    ),
    "cut off": (answer(200, content=b'[{"id":1},', headers=JSON_TYPE), "broken or cut off"),
    "UTF-16": (answer(200, content="[]".encode("utf-16"), headers=JSON_TYPE), "broken or cut off"),
}


@pytest.mark.parametrize("row_id", [None, "7"])
@pytest.mark.parametrize("malformed", MALFORMED)
def test_what_is_no_json_is_told_apart(read: Read, malformed: str, row_id: str | None) -> None:
    """The error says what came instead, and its status."""
    remote, words = MALFORMED[malformed]
    with pytest.raises(InvalidAnswer) as caught:
        read(remote, row_id)
    assert words in caught.value.detail
    assert caught.value.supabase_status == remote(httpx.Request("GET", "https://x")).status_code
    assert caught.value.code is None


REFUSALS = [
    (says(401, "42501"), 401, "42501", "grant select on the table to the role anon"),
    (says(403, "42501"), 403, "42501", "grant select on the table to the role anon"),
    (says(404, "42P01"), 404, "42P01", "there is no such table"),
    (says(400, "42703"), 400, "42703", "there is no such column"),
    (says(406, "PGRST106"), 406, "PGRST106", "the schema is not exposed"),
    (says(404, "PGRST205"), 404, "PGRST205", "there is no such table, or its schema is not"),
    (says(401, "PGRST301"), 401, "PGRST301", "SUPABASE_ANON_KEY is not a valid key"),
    (answer(401, json={"message": "x"}), 401, None, "SUPABASE_ANON_KEY is not a valid key"),
    (says(401, 401), 401, None, "SUPABASE_ANON_KEY is not a valid key of this project"),
    (answer(401, text="no"), 401, None, "401: SUPABASE_ANON_KEY is not a valid key"),
    (answer(403, json={"message": "x"}), 403, None, "Supabase answered 403. Table"),
    (says(401, "PGRST302"), 401, "PGRST302", "Supabase answered 401 with code PGRST302. Table"),
    (says(400, "22P02"), 400, "22P02", "Supabase answered 400 with code 22P02. Table"),
    (says(400, "a private text"), 400, None, "Supabase answered 400. Table"),
    (says(400, "x" * 41), 400, None, "Supabase answered 400. Table"),
    (says(400, "x" * 40), 400, "x" * 40, f"Supabase answered 400 with code {'x' * 40}. Table"),
    (says(400, "größer"), 400, None, "Supabase answered 400. Table"),
    (says(400, ""), 400, None, "Supabase answered 400. Table"),
    (says(400, None), 400, None, "Supabase answered 400. Table"),
    (answer(400, json=["code"]), 400, None, "Supabase answered 400. Table"),
    (answer(416), 416, None, "Supabase answered 416. Table"),
]


@pytest.mark.parametrize(("remote", "status", "code", "words"), REFUSALS)
def test_a_refusal_says_what_to_do(
    read: Read, remote: Remote, status: int, code: str | None, words: str
) -> None:
    """The error has Supabase's status and code, but not its text."""
    with pytest.raises(UpstreamRejected) as caught:
        read(remote)
    error = caught.value
    assert (error.supabase_status, error.code, error.retry_after_s) == (status, code, None)
    assert words in error.detail
    assert error.detail.endswith(" Table: public.articles.")
    assert error.document()["type"] == "urn:supabase-edge-cache:supabase-rejected"


FAILURES: list[tuple[Remote, type[UpstreamError], str | None, str]] = [
    (answer(408), UpstreamTimeout, None, "Supabase answered 408."),
    (answer(425), UpstreamUnavailable, None, "Supabase answered 425."),
    (answer(429, text="slow"), UpstreamUnavailable, None, "Supabase answered 429."),
    (answer(500, text="oops"), UpstreamUnavailable, None, "Supabase answered 500."),
    (says(500, "57014"), UpstreamUnavailable, "57014", "the role's statement timeout"),
    (says(503, "PGRST000"), UpstreamUnavailable, "PGRST000", "no connection to its database"),
    (says(503, "PGRST001"), UpstreamUnavailable, "PGRST001", "no connection to its database"),
    (says(503, "PGRST002"), UpstreamUnavailable, "PGRST002", "could not read the database's"),
    (says(504, "PGRST003"), UpstreamTimeout, "PGRST003", "no database connection became free"),
    *(
        (answer(status, html="<p>"), UpstreamUnreachable, None, "could not reach the host of SUP")
        for status in (520, 521, 522, 523, 525, 526, 530)
    ),
    (answer(524), UpstreamUnavailable, None, "Supabase answered 524."),
]


@pytest.mark.parametrize("row_id", [None, "7"])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_transient_failure_has_its_own_error(
    read: Read, failure: tuple[Remote, type[UpstreamError], str | None, str], row_id: str | None
) -> None:
    """Each of Supabase's failures has its own error, and each is worth another try."""
    remote, kind, code, words = failure
    with pytest.raises(kind) as caught:
        read(remote, row_id)
    error = caught.value
    assert type(error) is kind
    assert error.supabase_status == remote(httpx.Request("GET", "https://x")).status_code
    assert (error.code, error.retry_after_s) == (code, 5)
    assert words in error.detail


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("17", 17),
        ("0", 0),
        ("3600", 3600),
        ("3601", 3600),
        ("999999999", 3600),
        ("9" * 5000, 5),
        ("-1", 5),
        ("1.5", 5),
        ("", 5),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 5),
    ],
)
@pytest.mark.parametrize("status", [408, 425, 429, 503])
def test_supabases_retry_after_is_passed_on(
    read: Read, status: int, retry_after: str, seconds: int
) -> None:
    """Supabase knows best when it will be back. We believe one hour at most."""
    with pytest.raises(EdgeCacheError) as caught:
        read(answer(status, headers={"retry-after": retry_after}))
    assert caught.value.retry_after_s == seconds


def test_a_key_column_that_is_not_unique_is_said_so(read: Read) -> None:
    """Two rows for one id are a mistake of the configuration, not a missing row."""
    with pytest.raises(UpstreamRejected, match="several rows have this id, so the table's key"):
        read(says(406, "PGRST116", details="The result contains 2 rows"), "1")


def test_an_error_never_quotes_supabases_text(read: Read) -> None:
    """A message of Postgres may contain data of a row."""
    with pytest.raises(UpstreamRejected) as caught:
        read(says(400, "XX", message="private text", details="private", hint="private"))
    assert "private" not in json.dumps(caught.value.document())
    assert caught.value.code == "XX"
