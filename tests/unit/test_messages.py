"""Conditional requests, headers and problems."""

from __future__ import annotations

import asyncio
import json

import pytest
from program import EXPOSED

from edge_cache import messages
from edge_cache.bodies import Body
from edge_cache.entries import Entry, Metadata
from edge_cache.errors import MethodNotAllowed, Unauthorized, UpstreamRejected, UpstreamTimeout
from edge_cache.urls import cut

METADATA = Metadata('"abc"', 2, 0, 0)


class FakeStream:
    """A stream that remembers whether it was cancelled."""

    cancelled = False

    def cancel(self) -> None:
        """Remember the call."""
        self.cancelled = True


def answer(
    if_none_match: str | None = None, *, head: bool = False, body: Body = b"[]"
) -> messages.Answer:
    """Return a representation for one request."""
    return messages.entry_answer(
        Entry(METADATA, body), age=3, status="s", if_none_match=if_none_match, head=head
    )


@pytest.mark.parametrize(
    ("if_none_match", "matches"),
    [
        (None, False),
        ("", False),
        ('"abc"', True),
        ('W/"abc"', True),
        ("*", True),
        (" * ", True),
        ('"x", "abc"', True),
        ('"x",W/"abc" , "y"', True),
        ('"x"', False),
        ("abc", False),
        ('"a,b", "c"', False),
    ],
)
def test_if_none_match(if_none_match: str | None, matches: bool) -> None:
    """The header may have lists, weak tags and `*` (RFC 9110, 13.1.2)."""
    assert messages.none_match(if_none_match, '"abc"') is matches


def test_a_304_has_no_body_and_keeps_the_validators() -> None:
    """A 304 has the same caching headers as a 200."""
    not_modified = answer('"abc"')
    assert (not_modified.status, not_modified.body) == (304, None)
    assert not_modified.headers["etag"] == '"abc"'
    assert not_modified.headers["cache-control"] == "no-cache"
    assert "content-length" not in not_modified.headers


@pytest.mark.parametrize(("if_none_match", "head"), [('"abc"', False), (None, True)])
def test_a_body_that_is_not_sent_is_let_go(if_none_match: str | None, head: bool) -> None:
    """An unread stream would hold its connection."""
    stream = FakeStream()
    assert answer(if_none_match, head=head, body=stream).body is None
    assert stream.cancelled


def test_head_has_the_headers_of_get() -> None:
    """An answer to HEAD differs only in the body."""
    assert answer(head=True).headers == answer().headers


def test_a_problem_names_supabases_status_and_code() -> None:
    """An operator sees what Supabase said, and no cache keeps it."""
    error = UpstreamRejected("No grant.", supabase_status=401, code="42501")
    problem = messages.problem(error)
    assert isinstance(problem.body, bytes)
    assert json.loads(problem.body) == {
        "type": "urn:supabase-edge-cache:supabase-rejected",
        "title": "Supabase refused the request",
        "status": 502,
        "detail": "No grant.",
        "supabase_status": 401,
        "code": "42501",
    }
    assert problem.headers["cache-control"] == "no-store"
    assert "retry-after" not in problem.headers


def test_a_problem_is_legible() -> None:
    """Text stays readable, in UTF-8. Content-Length counts its bytes."""
    problem = messages.problem(UpstreamTimeout("Zu spät."))
    assert isinstance(problem.body, bytes)
    assert "Zu spät.".encode() in problem.body
    assert problem.headers["content-length"] == str(len(problem.body))


@pytest.mark.parametrize("status", [200, 503])
def test_a_small_value_is_kept_by_no_cache(status: int) -> None:
    """The value may have any status, and any page may read it."""
    small = messages.json_answer({"received": True}, status)
    assert small == messages.Answer(
        status,
        {
            "access-control-allow-origin": "*",
            "access-control-expose-headers": EXPOSED,
            "content-type": "application/json; charset=utf-8",
            "content-length": "18",
            "cache-control": "no-store",
        },
        b'{"received": true}',
    )
    assert messages.json_answer([]).status == 200


def test_a_transient_problem_says_when_to_come_back() -> None:
    """It has Retry-After if waiting helps."""
    assert messages.problem(UpstreamTimeout("Slow.")).headers["retry-after"] == "5"


def test_a_405_names_the_allowed_methods() -> None:
    """RFC 9110 requires Allow."""
    problem = messages.problem(MethodNotAllowed("PUT", "GET, HEAD"))
    assert (problem.status, problem.headers["allow"]) == (405, "GET, HEAD")
    assert problem.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("token_was_sent", "challenge"),
    [
        (True, 'Bearer realm="revalidate", error="invalid_token"'),
        (False, 'Bearer realm="revalidate"'),
    ],
)
def test_a_401_says_how_to_authenticate(token_was_sent: bool, challenge: str) -> None:
    """It names an error only if the request had a token (RFC 6750, section 3.1)."""
    problem = messages.problem(Unauthorized("No.", token_was_sent=token_was_sent))
    assert problem.headers["www-authenticate"] == challenge


def asking(headers: str | None) -> messages.Request:
    """Return a preflight that asks for headers."""

    async def read(_limit: int) -> bytes:
        return await asyncio.sleep(0, b"")

    url = cut("https://example.com/articles")
    return messages.Request("OPTIONS", url, lambda _name: headers, read, lambda: read)


def test_a_preflight_grants_what_the_page_asks_for() -> None:
    """The answer depends on the headers that were asked for, so Vary names them."""
    preflight = messages.options(asking("if-none-match, x-a"), "GET")
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-headers"] == "if-none-match, x-a"
    assert preflight.headers["vary"] == "Access-Control-Request-Headers"
    assert preflight.headers["allow"] == preflight.headers["access-control-allow-methods"] == "GET"
    assert "access-control-allow-headers" not in messages.options(asking(None), "GET").headers
