"""How reads went."""

from __future__ import annotations

import pytest
from clock import START_MS, Clock
from durable import Storage

from edge_cache.errors import (
    EdgeCacheError,
    InvalidAnswer,
    TornRead,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from edge_cache.refresher.record import PAUSE_MS, Outcome, Record

OF_ALL = (
    UpstreamUnreachable("x"),
    UpstreamUnreachable("x", supabase_status=522),
    UpstreamTimeout("x", supabase_status=504),
    *(UpstreamUnavailable("x", supabase_status=status) for status in (429, 502, 503)),
)
OF_ONE_KEY = (
    TornRead("x"),
    UpstreamTimeout("x"),
    UpstreamUnavailable("x", supabase_status=500),
    UpstreamRejected("x", supabase_status=401),
    InvalidAnswer("x", supabase_status=200),
    EdgeCacheError("x"),
)


def empty() -> Storage:
    """Return a storage without anything in it."""
    return Storage(Clock(), lambda: None)


def test_outcomes_survive_a_restart() -> None:
    """Failures in a row are counted, and the last one's type, time and sentence are known."""
    storage, clock = empty(), Clock()
    record = Record(storage, clock.now_ms)
    assert record.outcome == Outcome(0, 0, 0, "")
    record.refreshed(START_MS - 1000)
    record.failed("a", 5, UpstreamTimeout("x"))
    clock.set_by(500)
    record.failed("a", 5, UpstreamRejected("No grant."))
    expected = Outcome(START_MS - 1000, 2, START_MS + 500, "supabase-rejected", "No grant.")
    assert Record(storage, clock.now_ms).outcome == record.outcome == expected
    record.answered("a")
    expected = Outcome(START_MS - 1000, 0, START_MS + 500, "supabase-rejected", "No grant.")
    assert Record(storage, clock.now_ms).outcome == record.outcome == expected


def test_after_an_answer_failures_are_counted_anew() -> None:
    """They count in a row."""
    record = Record(empty(), Clock().now_ms)
    for _ in range(3):
        record.failed("a", 5, TornRead("x"))
    record.answered("a")
    record.failed("a", 5, TornRead("x"))
    assert record.outcome.failures == 1


@pytest.mark.parametrize("error", [*OF_ONE_KEY, *OF_ALL], ids=repr)
def test_a_failure_counts_as_just_now_for_a_while(error: EdgeCacheError) -> None:
    """Unless Supabase has answered since."""
    clock = Clock()
    record = Record(empty(), clock.now_ms)
    assert not record.failed_just_now("a", 5)
    record.failed("a", 5, error)
    assert record.failed_just_now("a", 5)
    clock.set_by(PAUSE_MS - 1)
    assert record.failed_just_now("a", 5)
    clock.set_by(1)
    assert not record.failed_just_now("a", 5)
    record.failed("a", 5, error)
    assert record.failed_just_now("a", 5)
    record.answered("a")
    assert not record.failed_just_now("a", 5)


@pytest.mark.parametrize("error", OF_ALL, ids=repr)
def test_a_failure_of_supabase_as_a_whole_is_one_of_every_key(error: EdgeCacheError) -> None:
    """Until any of them is answered."""
    record = Record(empty(), Clock().now_ms)
    record.failed("a", 5, error)
    assert record.failed_just_now("b", 5)
    record.answered("c")
    assert not record.failed_just_now("b", 5)
    assert record.failed_just_now("a", 5)


@pytest.mark.parametrize("error", OF_ONE_KEY, ids=repr)
def test_another_failure_says_nothing_of_other_keys(error: EdgeCacheError) -> None:
    """A table that changes all the time does not keep its rows out of date."""
    record = Record(empty(), Clock().now_ms)
    record.failed("a", 5, error)
    assert not record.failed_just_now("b", 5)


@pytest.mark.parametrize("error", [OF_ONE_KEY[0], OF_ALL[0]], ids=repr)
def test_a_failure_before_the_change_says_nothing_of_it(error: EdgeCacheError) -> None:
    """What was revalidated, or changed, since then is asked for."""
    record = Record(empty(), Clock().now_ms)
    record.failed("a", 5, error)
    assert record.failed_just_now("a", 4)
    assert not record.failed_just_now("a", 6)


def test_failing_keys_are_remembered_within_bounds() -> None:
    """The oldest go first."""
    record = Record(empty(), Clock().now_ms)
    for number in range(1001):
        record.failed(str(number), 5, TornRead("x"))
    assert not record.failed_just_now("0", 5)
    assert record.failed_just_now("1", 5)
    assert record.failed_just_now("1000", 5)


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
def test_a_clock_that_was_set_back_makes_no_failure_last_longer(back_ms: int) -> None:
    """Supabase is asked again too soon rather than too late."""
    clock = Clock()
    record = Record(empty(), clock.now_ms)
    record.failed("a", 5, TornRead("x"))
    clock.set_by(-back_ms)
    assert not record.failed_just_now("a", 5)


def test_what_is_as_it_was_is_not_stored_again() -> None:
    """Every answer would cost a write."""
    storage = empty()
    record = Record(storage, Clock().now_ms)
    record.answered("a")
    assert storage.texts == {}
