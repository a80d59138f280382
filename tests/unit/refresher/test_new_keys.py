"""What queries that never repeat cost in writes."""

from __future__ import annotations

import pytest
from clock import Clock

from edge_cache.refresher.new_keys import NewKeys


@pytest.fixture
def clock() -> Clock:
    """Return a clock that the tests set."""
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> NewKeys:
    """Return what admits."""
    return NewKeys(clock.now_ms)


def admitted(keys: NewKeys, *, of: int, name: str) -> int:
    """Return how many of so many new keys are admitted."""
    return sum(keys.admits(f"{name} {number}") for number in range(of))


def test_a_hundred_new_keys_are_admitted_at_once(keys: NewKeys) -> None:
    """No more."""
    assert admitted(keys, of=200, name="a") == 100


def test_one_more_is_admitted_each_second(keys: NewKeys, clock: Clock) -> None:
    """Up to a hundred again."""
    admitted(keys, of=200, name="a")
    clock.set_by(999)
    assert admitted(keys, of=5, name="b") == 0
    clock.set_by(1)
    assert admitted(keys, of=5, name="c") == 1
    clock.set_by(7_500)
    assert admitted(keys, of=50, name="d") == 7
    clock.set_by(500)
    assert admitted(keys, of=50, name="e") == 1
    clock.set_by(1_000_000)
    assert admitted(keys, of=200, name="f") == 100


def test_a_clock_that_was_set_back_takes_nothing_away(keys: NewKeys, clock: Clock) -> None:
    """Nor does it give anything."""
    admitted(keys, of=99, name="a")
    clock.set_by(-1_000_000)
    assert admitted(keys, of=5, name="b") == 1
    clock.set_by(2000)
    assert admitted(keys, of=5, name="c") == 2


def test_what_is_seen_a_second_time_is_admitted(keys: NewKeys) -> None:
    """Whether it was the first time or not; it costs nothing."""
    assert admitted(keys, of=99, name="a") == 99
    assert admitted(keys, of=99, name="a") == 99
    assert keys.admits("last")
    assert not keys.admits("late")
    assert keys.admits("late")


def test_what_kv_has_is_admitted(keys: NewKeys) -> None:
    """A reader found it there."""
    admitted(keys, of=100, name="a")
    keys.know("b")
    assert keys.admits("b")
    assert not keys.admits("c")


def test_ten_thousand_keys_are_remembered(keys: NewKeys) -> None:
    """Those that were seen last."""
    admitted(keys, of=10_000, name="a")
    assert keys.admits("a 0")
    keys.know("new")
    assert keys.admits("a 2")
    assert keys.admits("a 0")
    assert not keys.admits("a 1")
