"""What the Worker and the Durable Object say to each other."""

from __future__ import annotations

import json

import pytest

from edge_cache import wire
from edge_cache.entries import Metadata
from edge_cache.errors import (
    EdgeCacheError,
    LookupsExhausted,
    NotFound,
    RefresherUnavailable,
    RelayedProblem,
    UpstreamUnavailable,
)
from edge_cache.http import problem
from edge_cache.ports import Filled

METADATA = Metadata('"tag"', 2, 1_700_000_000_000, 7, "digest")


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_an_entry_arrives_as_it_was_sent(*, stored: bool, asked: bool) -> None:
    """Its metadata and how it came about travel in headers, its bytes as they are."""
    filled = Filled(METADATA, b"[]", stored=stored, asked=asked)
    answer = wire.filled_answer(filled)
    assert answer.status == 200
    assert wire.filled_from(answer.headers.get, answer.body) == filled


@pytest.mark.parametrize("metadata", [None, "", "{}", "no JSON", '{"v": 1}'])
def test_an_answer_without_an_entry_is_a_failure_of_the_refresher(metadata: str | None) -> None:
    """It is never served."""
    with pytest.raises(RefresherUnavailable) as caught:
        wire.filled_from({"x-entry": f"11{metadata}"}.get, b"[]")
    assert caught.value.detail == "The refresher's answer carries no entry."


@pytest.mark.parametrize(
    ("error", "stale_if_error"),
    [
        (NotFound("No such row."), False),
        (LookupsExhausted("Later."), False),
        (UpstreamUnavailable("Down.", supabase_status=503, code="PGRST000"), True),
        (EdgeCacheError("Broken."), True),
    ],
)
def test_an_error_arrives_as_it_was_sent(error: EdgeCacheError, *, stale_if_error: bool) -> None:
    """To the client it looks as if the Worker had met it itself."""
    sent = problem(error)
    assert isinstance(sent.body, bytes)
    arrived = wire.error_from(sent.body.decode(), sent.headers.get("retry-after"))
    assert isinstance(arrived, RelayedProblem)
    assert arrived.stale_if_error == stale_if_error
    assert problem(arrived) == sent


@pytest.mark.parametrize("text", ["", "<html>", "null", "[]", "5", '{"status": "x"}'])
def test_an_answer_that_is_no_problem_is_a_failure_of_the_refresher(text: str) -> None:
    """Such as the runtime's own error page."""
    error = wire.error_from(text, None)
    assert isinstance(error, RefresherUnavailable)
    assert error.detail == "The refresher failed."


def test_a_retry_after_that_is_no_number_is_a_failure_of_the_refresher() -> None:
    """None of ours is a date."""
    document = json.dumps(EdgeCacheError("Broken.").document())
    assert isinstance(wire.error_from(document, "tomorrow"), RefresherUnavailable)
