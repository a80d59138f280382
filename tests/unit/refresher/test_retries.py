"""When what failed may be tried again."""

from __future__ import annotations

import pytest

from edge_cache.refresher.retries import Retries


def pause(retries: Retries, key: str, began_ms: int) -> int:
    """Return how long a key waits after an attempt that failed at once."""
    retries.failed(key, began_ms)
    return retries.remaining_ms(key, began_ms)


def test_a_long_attempt_has_paused_enough() -> None:
    """The pause counts from its beginning: after ten seconds of waiting there is none."""
    retries = Retries(lambda: 1)
    for _ in range(5):
        retries.failed("a", 1000)
    assert retries.remaining_ms("a", 1000) == 10_000
    assert retries.remaining_ms("a", 9000) == 2000
    assert retries.remaining_ms("a", 11_000) == 0


def test_a_key_waits_after_its_own_failures_only() -> None:
    """Others go on."""
    retries = Retries(lambda: 1)
    assert [pause(retries, "a", 0), pause(retries, "a", 1000)] == [1000, 2000]
    assert pause(retries, "b", 1000) == 1000
    assert [retries.remaining_ms(key, 1500) for key in "abc"] == [1500, 500, 0]


def test_pauses_end() -> None:
    """Whatever else happens."""
    retries = Retries(lambda: 1)
    retries.failed("a", 0)
    assert [retries.remaining_ms("a", now_ms) for now_ms in (999, 1000, 5000)] == [1, 0, 0]


def test_after_a_success_pauses_are_short_again() -> None:
    """Failures count in a row."""
    retries = Retries(lambda: 1)
    for _ in range(3):
        retries.failed("a", 0)
    retries.succeeded("a")
    retries.succeeded("never failed")
    assert retries.remaining_ms("a", 0) == 0
    assert pause(retries, "a", 0) == 1000


def test_what_is_not_pending_any_more_is_forgotten() -> None:
    """Failures of rows that all became stale would pile up."""
    retries = Retries(lambda: 1)
    for key in "ab":
        retries.failed(key, 0)
    retries.keep({"a"})
    assert [retries.remaining_ms(key, 0) for key in "ab"] == [1000, 0]
    assert [pause(retries, key, 0) for key in "ab"] == [2000, 1000]


def test_long_pauses_can_be_cut_down() -> None:
    """To a second from when they began; failures still count."""
    retries = Retries(lambda: 1)
    for _ in range(3):
        retries.failed("a", 5000)
    assert retries.remaining_ms("a", 5200) == 3800
    assert retries.hurry()
    assert [retries.remaining_ms("a", now_ms) for now_ms in (5200, 6000)] == [800, 0]
    assert pause(retries, "a", 6000) == 8000


def test_short_pauses_are_left_as_they_are() -> None:
    """There is nothing to be told then."""
    retries = Retries(lambda: 0)
    assert not retries.hurry()
    retries.failed("a", 0)
    retries.failed("b", 0)
    retries.failed("b", 0)
    assert not retries.hurry()
    assert [retries.remaining_ms(key, 0) for key in "ab"] == [500, 1000]


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
def test_a_clock_that_was_set_back_ends_all_pauses(back_ms: int) -> None:
    """Nobody waits for an hour to come again."""
    retries = Retries(lambda: 1)
    retries.failed("a", 5_000_000)
    assert retries.remaining_ms("a", 5_000_000 - back_ms) == 0


def test_jitter_is_random_unless_told_otherwise() -> None:
    """Objects that failed together do not all come again together."""
    pauses = {pause(Retries(), "a", 0) for _ in range(100)}
    assert len(pauses) > 1
    assert all(500 <= pause <= 1000 for pause in pauses)
