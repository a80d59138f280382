"""How reads went: what of that no reader sees."""

from __future__ import annotations

from clock import Clock
from durable import Storage

from edge_cache.errors import TornRead
from edge_cache.refresher.record import Record


def test_failing_keys_are_remembered_within_bounds() -> None:
    """The oldest go first."""
    record = Record(Storage(Clock()), Clock().now_ms)
    for number in range(1001):
        record.failed(str(number), 5, TornRead("x"))
    assert not record.failed_just_now("0", 5)
    assert record.failed_just_now("1", 5)
    assert record.failed_just_now("1000", 5)
