"""How reads went, and what that says of the next one."""

from __future__ import annotations

import pytest
from clock import Clock
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
from edge_cache.refresher.record import Record

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


@pytest.fixture
def record(storage: Storage, clock: Clock) -> Record:
    """Return what takes note, of nothing yet."""
    return Record(storage, clock.now_ms)


@pytest.mark.parametrize("error", [*OF_ONE_KEY, *OF_ALL], ids=repr)
def test_a_failure_counts_as_just_now_for_five_seconds(
    record: Record, clock: Clock, error: EdgeCacheError
) -> None:
    """If Supabase as a whole failed, it counts for every key. An answer ends it."""
    assert not record.failed_just_now("a", 5)
    record.failed("a", 5, error)
    clock.set_by(4999)
    assert [record.failed_just_now("a", needed) for needed in (4, 5, 6)] == [True, True, False]
    assert record.failed_just_now("b", 5) == (error in OF_ALL)
    record.answered("c")
    assert not record.failed_just_now("b", 5)
    assert record.failed_just_now("a", 5)
    clock.set_by(1)
    assert not record.failed_just_now("a", 5)
    record.failed("a", 5, error)
    record.answered("a")
    assert not record.failed_just_now("a", 5)


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
def test_a_clock_that_was_set_back_makes_no_failure_last_longer(
    record: Record, clock: Clock, back_ms: int
) -> None:
    """Supabase is asked again too soon rather than too late."""
    record.failed("a", 5, TornRead("x"))
    clock.set_by(-back_ms)
    assert not record.failed_just_now("a", 5)


def test_a_thousand_failing_keys_are_remembered(record: Record) -> None:
    """The oldest go first. In a row, failures are counted beyond that."""
    for number in range(1001):
        record.failed(str(number), 5, TornRead("x"))
    assert [record.failed_just_now(key, 5) for key in ("0", "1", "1000")] == [False, True, True]
    assert record.outcome.failures == 1001
    record.answered("1")
    record.failed("1", 5, TornRead("x"))
    assert record.outcome.failures == 1


def test_what_is_as_it_was_is_not_stored_again(record: Record, storage: Storage) -> None:
    """Every answer would cost a write."""
    record.answered("a")
    assert storage.texts == {}
