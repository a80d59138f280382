"""Bounds on requests for rows that do not exist."""

from __future__ import annotations

from edge_cache.refresher.lookups import ABSENT_MS, VAIN_BURST, VAIN_PER_S, Lookups


def test_lookups_in_vain_are_bounded() -> None:
    """A burst, then so many a second."""
    now = [0]
    lookups = Lookups(lambda: now[0])
    assert sum(lookups.take() for _ in range(10 * VAIN_BURST)) == VAIN_BURST
    now[0] += 1000
    assert sum(lookups.take() for _ in range(10 * VAIN_BURST)) == VAIN_PER_S
    now[0] += 1_000_000
    assert sum(lookups.take() for _ in range(10 * VAIN_BURST)) == VAIN_BURST


def test_rows_that_are_found_cost_nothing() -> None:
    """However many."""
    lookups = Lookups(lambda: 0)
    for _ in range(10 * VAIN_BURST):
        assert lookups.take()
        lookups.give_back()


def test_a_missing_row_is_remembered_for_a_while() -> None:
    """Until something is known to have happened to it, or all."""
    now = [0]
    lookups = Lookups(lambda: now[0])
    for row_id in "ab":
        lookups.remember_absent(row_id)
    assert lookups.is_absent("a")
    lookups.forget("a")
    assert not lookups.is_absent("a")
    assert lookups.is_absent("b")
    now[0] = ABSENT_MS
    assert not lookups.is_absent("b")
    lookups.remember_absent("c")
    lookups.forget_all()
    assert not lookups.is_absent("c")
