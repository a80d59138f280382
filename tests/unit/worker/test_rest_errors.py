"""Errors in PostgREST's form that no request in `test_routes` or `test_passing` shows."""

from __future__ import annotations

import json

from edge_cache.errors import NotFound, UpstreamRejected, UpstreamTimeout
from edge_cache.messages import Answer
from edge_cache.worker.rest_errors import answer_of


def members(answer: Answer) -> dict[str, object]:
    """Return the members of an answer's JSON object."""
    assert isinstance(answer.body, bytes)
    assert answer.headers["content-length"] == str(len(answer.body))
    told: dict[str, object] = json.loads(answer.body)
    return told


def test_text_stays_legible() -> None:
    answer = answer_of(NotFound("Gibt es nicht: ä."))
    assert isinstance(answer.body, bytes)
    assert "Gibt es nicht: ä.".encode() in answer.body


def test_a_way_out_is_better_than_waiting() -> None:
    error = UpstreamTimeout("x")
    error.hint = "Ask for less."
    answer = answer_of(error)
    assert members(answer)["hint"] == "Ask for less."
    assert answer.headers["retry-after"] == "5"


def test_supabases_own_code_is_told() -> None:
    told = members(answer_of(UpstreamRejected("No grant.", supabase_status=401, code="42501")))
    assert told == {
        "code": "EDGE_SUPABASE_REJECTED",
        "message": "Supabase refused the request",
        "details": "No grant. (Supabase's code: 42501)",
        "hint": None,
    }
