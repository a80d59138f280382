"""How reads went."""

from __future__ import annotations

import pytest
from world import START_MS, Clock, FakeStorage

from edge_cache.refresher.record import PAUSE_MS, Outcome, Record


def test_outcomes_survive_a_restart() -> None:
    """Failures in a row are counted, and the last one's type and time are known."""
    storage, clock = FakeStorage(), Clock()
    record = Record(storage, clock.now_ms)
    assert record.outcome == Outcome(0, 0, 0, "")
    record.refreshed(START_MS - 1000)
    record.failed("supabase-timeout")
    clock.set_by(500)
    record.failed("supabase-rejected")
    expected = Outcome(START_MS - 1000, 2, START_MS + 500, "supabase-rejected")
    assert Record(storage, clock.now_ms).outcome == record.outcome == expected
    record.answered()
    expected = Outcome(START_MS - 1000, 0, START_MS + 500, "supabase-rejected")
    assert Record(storage, clock.now_ms).outcome == record.outcome == expected


def test_after_an_answer_failures_are_counted_anew() -> None:
    """They count in a row."""
    record = Record(FakeStorage(), Clock().now_ms)
    for _ in range(3):
        record.failed("x")
    record.answered()
    record.failed("x")
    assert record.outcome.failures == 1


def test_a_failure_counts_as_just_now_for_a_while() -> None:
    """Unless Supabase has answered since."""
    storage, clock = FakeStorage(), Clock()
    record = Record(storage, clock.now_ms)
    assert not record.failed_just_now
    record.failed("x")
    assert record.failed_just_now
    clock.set_by(PAUSE_MS - 1)
    assert record.failed_just_now
    assert Record(storage, clock.now_ms).failed_just_now
    clock.set_by(1)
    assert not record.failed_just_now
    record.failed("x")
    assert record.failed_just_now
    record.answered()
    assert not record.failed_just_now


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
def test_a_clock_that_was_set_back_makes_no_failure_last_longer(back_ms: int) -> None:
    """Supabase is asked again too soon rather than too late."""
    clock = Clock()
    record = Record(FakeStorage(), clock.now_ms)
    record.failed("x")
    clock.set_by(-back_ms)
    assert not record.failed_just_now


def test_what_is_as_it_was_is_not_stored_again() -> None:
    """Every answer would cost a write."""
    storage = FakeStorage()
    record = Record(storage, Clock().now_ms)
    record.answered()
    assert storage.texts == {}
