"""When what failed may be tried again."""

from __future__ import annotations

import pytest

from edge_cache.refresher.retries import Retries


@pytest.fixture
def retries() -> Retries:
    """Return pauses that are as long as they may be."""
    return Retries(lambda: 1)


def pause(retries: Retries, key: str, began_ms: int = 0) -> int:
    """Return how long a key waits after an attempt that failed at once."""
    retries.failed(key, began_ms)
    return retries.remaining_ms(key, began_ms)


def test_pauses_grow_with_a_keys_own_failures_in_a_row(retries: Retries) -> None:
    assert [pause(retries, "a", at) for at in range(6)] == [1000, 2000, 4000, 8000, 10_000, 10_000]
    assert pause(retries, "b") == 1000
    assert [retries.remaining_ms("b", now_ms) for now_ms in (400, 999, 1000)] == [600, 1, 0]
    retries.succeeded("a")
    retries.succeeded("never failed")
    assert retries.remaining_ms("a", 0) == retries.remaining_ms("never failed", 0) == 0
    assert pause(retries, "a") == 1000


def test_a_long_attempt_has_paused_enough(retries: Retries) -> None:
    """The pause counts from its beginning: after ten seconds of waiting there is none."""
    for _ in range(5):
        retries.failed("a", 1000)
    assert [retries.remaining_ms("a", now_ms) for now_ms in (9000, 11_000)] == [2000, 0]


def test_what_is_not_pending_any_more_is_forgotten(retries: Retries) -> None:
    """Failures of rows that all became out of date would pile up."""
    for key in "ab":
        retries.failed(key, 0)
    retries.keep({"a"})
    assert [retries.remaining_ms(key, 0) for key in "ab"] == [1000, 0]
    assert [pause(retries, key) for key in "ab"] == [2000, 1000]


def test_long_pauses_can_be_cut_down(retries: Retries) -> None:
    """They end a second after they began. The failures still count."""
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
    assert [pause(retries, key) for key in "abb"] == [500, 500, 1000]
    assert not retries.hurry()
    assert [retries.remaining_ms(key, 0) for key in "ab"] == [500, 1000]


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
def test_a_clock_that_was_set_back_ends_all_pauses(retries: Retries, back_ms: int) -> None:
    """Nobody waits for an hour to come again."""
    retries.failed("a", 5_000_000)
    assert retries.remaining_ms("a", 5_000_000 - back_ms) == 0


def test_jitter_is_random_unless_told_otherwise() -> None:
    """Objects that failed together do not all come again together."""
    pauses = {pause(Retries(), "a") for _ in range(100)}
    assert len(pauses) > 1
    assert all(500 <= pause <= 1000 for pause in pauses)
