"""What queries that never repeat cost in writes."""

from __future__ import annotations

import pytest
from clock import Clock

from edge_cache.refresher.new_keys import NewKeys


@pytest.fixture
def keys(clock: Clock) -> NewKeys:
    """Return what admits."""
    return NewKeys(clock.now_ms)


def admitted(keys: NewKeys, *, of: int, name: object) -> int:
    """Return how many of so many new keys are admitted."""
    return sum(keys.admits(f"{name} {number}") for number in range(of))


def test_a_thousand_new_keys_are_admitted_at_once_and_one_a_second(
    keys: NewKeys, clock: Clock
) -> None:
    """In the end a thousand are saved up again."""
    counts: list[int] = []
    for passed_ms in (0, 999, 1, 7_500, 500, 10_000_000):
        clock.set_by(passed_ms)
        counts.append(admitted(keys, of=2000, name=len(counts)))
    assert counts == [1000, 0, 1, 7, 1, 1000]


def test_a_clock_that_was_set_back_takes_and_gives_nothing(keys: NewKeys, clock: Clock) -> None:
    admitted(keys, of=999, name="a")
    clock.set_by(-1_000_000)
    assert admitted(keys, of=5, name="b") == 1
    clock.set_by(2000)
    assert admitted(keys, of=5, name="c") == 2


def test_what_is_known_is_admitted(keys: NewKeys) -> None:
    """A key is known if a reader found it in KV, or asks again. It costs nothing."""
    assert [admitted(keys, of=999, name="a") for _ in range(2)] == [999, 999]
    keys.know("b")
    assert [keys.admits(key) for key in ("last", "b", "late", "late")] == [True, True, False, True]


def test_twenty_thousand_keys_are_remembered(keys: NewKeys) -> None:
    """They are those that were seen last."""
    admitted(keys, of=20_000, name="a")
    assert keys.admits("a 0")
    keys.know("new")
    assert [keys.admits(key) for key in ("a 2", "a 0", "a 1")] == [True, True, False]
