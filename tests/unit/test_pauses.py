"""Pauses on a clock that may jump."""

from __future__ import annotations

import pytest

from edge_cache.pauses import OVER, Pause, backoff_ms


@pytest.mark.parametrize(
    ("now_ms", "remaining_ms"), [(1000, 500), (1001, 499), (1499, 1), (1500, 0), (9000, 0)]
)
def test_a_pause_lasts_from_its_beginning(now_ms: int, remaining_ms: int) -> None:
    """The time that is left is never negative."""
    pause = Pause(1000, 500)
    assert pause.remaining_ms(now_ms) == remaining_ms
    assert pause.is_over(now_ms) == (remaining_ms == 0)


@pytest.mark.parametrize("now_ms", [999, 0, -5000])
def test_a_clock_that_was_set_back_ends_it(now_ms: int) -> None:
    """Nobody knows how long ago the pause began, and nobody should wait longer than it lasts."""
    assert Pause(1000, 500).is_over(now_ms)
    assert Pause(1000, 500).remaining_ms(now_ms) == 0


def test_some_pauses_are_over_from_the_beginning() -> None:
    """They are over at any time."""
    assert all(OVER.is_over(now_ms) for now_ms in (-1, 0, 1, 1_700_000_000_000))


def test_pauses_grow_up_to_a_bound() -> None:
    assert [backoff_ms(1000, n, 1, most_ms=10_000) for n in range(5)] == [
        *(1000, 2000, 4000, 8000, 10_000),
    ]
    assert [backoff_ms(200, n, 0) for n in range(3)] == [100, 200, 400]
    assert backoff_ms(1000, 1_000_000, 0, most_ms=10_000) == 5000
