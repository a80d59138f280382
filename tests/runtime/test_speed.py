"""The means that make small answers fast are in use. The benchmark measures how much they gain."""

from __future__ import annotations

from typing import Any

from edge import Edge

HITS = 20


def callbacks(edge: Edge) -> dict[str, Any]:
    """Return how the Worker's callbacks run."""
    answer: dict[str, Any] = edge.get("/__callbacks").raise_for_status().json()
    return answer


def test_callbacks_do_not_wait_for_timers(edge: Edge) -> None:
    """A timer that was set earlier does not fire first."""
    assert callbacks(edge)["waited_for_a_timer"] is False


def test_a_request_does_not_have_the_handlers_signature_looked_at_again(edge: Edge) -> None:
    """The runtime remembers the signature of each function that it calls.

    Meanwhile something else may be called for the first time.
    """
    before = callbacks(edge)["signatures"]
    for _ in range(HITS):
        assert edge.get("/articles").is_success
    assert callbacks(edge)["signatures"] - before < HITS // 4
