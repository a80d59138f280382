"""Errors in PostgREST's shape."""

from __future__ import annotations

import pytest
from faked_edge import EXPOSED, FakedWorker
from faked_ports import FakeStream, members

from edge_cache.errors import (
    ConfigurationError,
    EdgeCacheError,
    FinalAnswer,
    LookupsExhausted,
    NotFound,
    NotPassedOn,
    RefresherUnavailable,
    Reply,
    StoreError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from edge_cache.http import Answer
from edge_cache.worker.rest_errors import answer_of


def test_an_error_has_the_members_that_supabases_clients_read() -> None:
    """Text stays legible; no cache keeps it, and any page may read it."""
    answer = answer_of(NotFound("Gibt es nicht: ä."))
    assert members(answer.body) == {
        "code": "EDGE_NOT_FOUND",
        "message": "Not found",
        "details": "Gibt es nicht: ä.",
        "hint": None,
    }
    assert isinstance(answer.body, bytes)
    assert "Gibt es nicht: ä.".encode() in answer.body
    assert answer == Answer(
        404,
        {
            "access-control-allow-origin": "*",
            "access-control-expose-headers": EXPOSED,
            "content-type": "application/json; charset=utf-8",
            "content-length": str(len(answer.body)),
            "cache-control": "no-store",
        },
        answer.body,
    )


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (EdgeCacheError("x"), 502, "EDGE_INTERNAL_ERROR"),
        (ConfigurationError(["x"]), 502, "EDGE_CONFIGURATION"),
        (StoreError("x"), 502, "EDGE_KV_UNAVAILABLE"),
        (RefresherUnavailable("x"), 502, "EDGE_REFRESHER_UNAVAILABLE"),
        (LookupsExhausted("x"), 502, "EDGE_LOOKUPS_EXHAUSTED"),
        (UpstreamUnreachable("x"), 502, "EDGE_SUPABASE_UNREACHABLE"),
        (UpstreamTimeout("x"), 504, "EDGE_SUPABASE_TIMEOUT"),
        (NotPassedOn("x"), 403, "EDGE_NOT_PASSED_ON"),
        (NotFound("x"), 404, "EDGE_NOT_FOUND"),
    ],
)
def test_no_status_makes_supabases_clients_try_again(
    error: EdgeCacheError, status: int, code: str
) -> None:
    """At 503 they would, for seven seconds."""
    answer = answer_of(error)
    assert (answer.status, members(answer.body)["code"]) == (status, code)


def test_where_waiting_helps_it_is_said_twice() -> None:
    """In the header, and as a way out."""
    answer = answer_of(LookupsExhausted("x"))
    assert answer.headers["retry-after"] == "1"
    assert members(answer.body)["hint"] == "Try again in 1 s."


def test_an_error_may_know_a_way_out() -> None:
    """There, waiting does not help."""
    answer = answer_of(NotPassedOn("x"))
    assert "retry-after" not in answer.headers
    assert members(answer.body)["hint"] == 'Ask Supabase itself, or set PASS_THROUGH to "rest".'


def test_a_way_out_is_better_than_waiting() -> None:
    """Where there are both."""
    error = UpstreamTimeout("x")
    error.hint = "Ask for less."
    answer = answer_of(error)
    assert members(answer.body)["hint"] == "Ask for less."
    assert answer.headers["retry-after"] == "5"


def test_supabases_own_code_is_told() -> None:
    error = UpstreamRejected("No grant.", supabase_status=401, code="42501")
    assert members(answer_of(error).body) == {
        "code": "EDGE_SUPABASE_REJECTED",
        "message": "Supabase refused the request",
        "details": "No grant. (Supabase's code: 42501)",
        "hint": None,
    }


def test_a_head_lets_go_of_what_supabase_said(edge: FakedWorker) -> None:
    """An unread stream would hold its connection."""
    said = FakeStream()
    reply = Reply(400, {"content-type": "application/json"}, said)
    edge.refresher.failing["articles"] = FinalAnswer("No.", reply=reply)
    answer = edge.ask("HEAD", "/rest/v1/articles", {"apikey": "key"})
    assert (answer.status, answer.body, said.cancelled) == (400, None, 1)
    assert answer.headers["content-type"] == "application/json"
