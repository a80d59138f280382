"""Bounds on requests for rows that do not exist."""

from __future__ import annotations

import asyncio

import pytest
from clock import Clock, settle

from edge_cache.errors import LookupsExhausted
from edge_cache.refresher.lookups import Lookups


@pytest.fixture
def lookups(clock: Clock) -> Lookups:
    """Return lookups of which none was in vain."""
    return Lookups(clock.now_ms)


async def vain_lookups(lookups: Lookups) -> int:
    """Look things up in vain until that is refused; return how many there were."""
    for count in range(1000):
        try:
            await lookups.begin()
        except LookupsExhausted:
            return count
        lookups.end(in_vain=True)
    raise AssertionError


async def begun(lookups: Lookups, count: int) -> list[asyncio.Task[None]]:
    """Have so many lookups begin or wait."""
    turns = [asyncio.ensure_future(lookups.begin()) for _ in range(count)]
    await settle()
    return turns


def end(lookups: Lookups, count: int, *, in_vain: bool) -> None:
    """Have so many lookups end."""
    for _ in range(count):
        lookups.end(in_vain=in_vain)


async def test_lookups_in_vain_are_bounded(lookups: Lookups) -> None:
    """Fifty may come at once, then ten a second. Lookups that find a row are free."""
    for _ in range(500):
        await lookups.begin()
        lookups.end(in_vain=False)
    counts = []
    for pause_s in (0, 1, 0.25, 1000):
        await asyncio.sleep(pause_s)
        counts.append(await vain_lookups(lookups))
    assert counts == [50, 10, 2, 50]


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
async def test_a_clock_that_was_set_back_stops_no_lookups(
    lookups: Lookups, clock: Clock, back_ms: int
) -> None:
    """The budget grows from then on as before; no row counts as missing for longer."""
    lookups.note_absent("a", 5)
    await vain_lookups(lookups)
    clock.set_by(-back_ms)
    assert not lookups.is_absent("a", 5)
    assert await vain_lookups(lookups) == 0
    await asyncio.sleep(1)
    assert await vain_lookups(lookups) == 10


async def test_no_more_are_under_way_than_the_budget_covers(lookups: Lookups) -> None:
    """If all of them are in vain, it is spent; the others wait for how these turn out."""
    turns = await begun(lookups, 53)
    assert sum(turn.done() for turn in turns) == 50
    for in_vain in (False, True):
        lookups.end(in_vain=in_vain)
        await settle()
        assert sum(turn.done() for turn in turns) == 51
    end(lookups, 49, in_vain=False)
    await asyncio.gather(*turns)


async def test_who_waits_is_refused_once_the_budget_is_spent(
    lookups: Lookups, clock: Clock
) -> None:
    """That happens at once. The last of the budget admits one more."""
    turns = await begun(lookups, 52)
    end(lookups, 49, in_vain=True)
    await settle()
    assert [turn.done() for turn in turns[50:]] == [False, False]
    lookups.end(in_vain=False)
    await settle()
    assert [turn.done() for turn in turns[50:]] == [True, False]
    lookups.end(in_vain=True)
    results = await asyncio.gather(*turns, return_exceptions=True)
    assert [type(result) for result in results[50:]] == [type(None), LookupsExhausted]
    assert clock.passed_s == 0


async def test_nobody_waits_longer_than_ten_seconds(lookups: Lookups, clock: Clock) -> None:
    """Supabase may be slow; whoever gave up does not take a later turn."""
    turns = await begun(lookups, 53)
    with pytest.raises(LookupsExhausted, match="Ask again in a moment"):
        await turns[-1]
    assert clock.passed_s == 10
    await asyncio.gather(*turns, return_exceptions=True)
    (late,) = await begun(lookups, 1)
    assert not late.done()
    lookups.end(in_vain=False)
    await late
    end(lookups, 50, in_vain=False)
    assert await vain_lookups(lookups) == 50


def test_a_missing_row_is_remembered_for_five_seconds(lookups: Lookups, clock: Clock) -> None:
    """It is forgotten before that if the row is found, or if something changed since."""
    for key in "ab":
        lookups.note_absent(key, 5)
    assert [lookups.is_absent("a", needed) for needed in (4, 5, 6)] == [True, True, False]
    lookups.note_found("a")
    lookups.note_found("never absent")
    assert not lookups.is_absent("a", 5)
    assert not lookups.is_absent("of which nothing is known", 0)
    clock.set_by(4999)
    assert lookups.is_absent("b", 5)
    clock.set_by(1)
    assert not lookups.is_absent("b", 5)


def test_ten_thousand_missing_rows_are_remembered(lookups: Lookups) -> None:
    """They are those that were missed last."""
    for number in (*range(10_000), 0, 10_000):
        lookups.note_absent(str(number), 5)
    assert [lookups.is_absent(row_id, 5) for row_id in ("0", "1", "2")] == [True, False, True]
