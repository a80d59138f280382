"""Bounds on requests for rows that do not exist."""

from __future__ import annotations

import asyncio

import pytest
from clock import Clock, settle

from edge_cache.errors import LookupsExhausted
from edge_cache.refresher.lookups import ABSENT_MS, MAX_WAIT_S, VAIN_BURST, VAIN_PER_S, Lookups


@pytest.fixture
def clock() -> Clock:
    """Return a clock that the tests may set."""
    return Clock()


@pytest.fixture
def lookups(clock: Clock) -> Lookups:
    """Return lookups of which none was in vain."""
    return Lookups(clock.now_ms)


async def refused(lookups: Lookups) -> bool:
    """Look something up in vain; tell whether that was refused."""
    try:
        await lookups.begin()
    except LookupsExhausted:
        return True
    lookups.end(in_vain=True)
    return False


async def vain_lookups(lookups: Lookups) -> int:
    """Look things up in vain until that is refused; return how many there were."""
    count = 0
    while not await refused(lookups):
        count += 1
    return count


async def test_lookups_in_vain_are_bounded(lookups: Lookups) -> None:
    """A burst, then so many a second, whatever has been saved up."""
    assert await vain_lookups(lookups) == VAIN_BURST == 50
    await asyncio.sleep(1)
    assert await vain_lookups(lookups) == VAIN_PER_S == 10
    await asyncio.sleep(0.25)
    assert await vain_lookups(lookups) == 2
    await asyncio.sleep(1000)
    assert await vain_lookups(lookups) == VAIN_BURST


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
async def test_a_clock_that_was_set_back_stops_no_lookups(
    lookups: Lookups, clock: Clock, back_ms: int
) -> None:
    """The budget grows from then on as before."""
    await vain_lookups(lookups)
    clock.set_by(-back_ms)
    assert await refused(lookups)
    await asyncio.sleep(1)
    assert await vain_lookups(lookups) == VAIN_PER_S


async def test_rows_that_are_found_cost_nothing(lookups: Lookups) -> None:
    """However many."""
    for _ in range(10 * VAIN_BURST):
        await lookups.begin()
        lookups.end(in_vain=False)
    assert await vain_lookups(lookups) == VAIN_BURST


async def test_no_more_are_under_way_than_the_budget_covers(lookups: Lookups, clock: Clock) -> None:
    """If all of them are in vain, it is spent; the others wait for how these turn out."""
    turns = [asyncio.ensure_future(lookups.begin()) for _ in range(VAIN_BURST + 3)]
    await settle()
    assert sum(turn.done() for turn in turns) == VAIN_BURST
    lookups.end(in_vain=False)
    await settle()
    assert sum(turn.done() for turn in turns) == VAIN_BURST + 1
    lookups.end(in_vain=True)
    await settle()
    assert sum(turn.done() for turn in turns) == VAIN_BURST + 1
    for _ in range(VAIN_BURST - 1):
        lookups.end(in_vain=False)
    await asyncio.gather(*turns)
    assert clock.passed_s == 0


async def test_who_waits_is_refused_once_the_budget_is_spent(
    lookups: Lookups, clock: Clock
) -> None:
    """At once, not after the longest wait."""
    turns = [asyncio.ensure_future(lookups.begin()) for _ in range(VAIN_BURST + 3)]
    await settle()
    for _ in range(VAIN_BURST):
        lookups.end(in_vain=True)
    results = await asyncio.gather(*turns, return_exceptions=True)
    assert [type(result) for result in results[VAIN_BURST:]] == [LookupsExhausted] * 3
    assert clock.passed_s == 0


async def test_who_waits_is_admitted_with_the_last_of_the_budget(lookups: Lookups) -> None:
    """It is not spent."""
    turns = [asyncio.ensure_future(lookups.begin()) for _ in range(VAIN_BURST + 2)]
    await settle()
    for _ in range(VAIN_BURST - 1):
        lookups.end(in_vain=True)
    await settle()
    assert [turn.done() for turn in turns[VAIN_BURST:]] == [False, False]
    lookups.end(in_vain=False)
    await settle()
    assert [turn.done() for turn in turns[VAIN_BURST:]] == [True, False]
    lookups.end(in_vain=True)
    results = await asyncio.gather(*turns, return_exceptions=True)
    assert [type(result) for result in results[VAIN_BURST:]] == [type(None), LookupsExhausted]


async def test_nobody_waits_longer_than_that(lookups: Lookups, clock: Clock) -> None:
    """Supabase may be slow; whoever gave up does not take a later turn."""
    turns = [asyncio.ensure_future(lookups.begin()) for _ in range(VAIN_BURST + 3)]
    with pytest.raises(LookupsExhausted, match="Ask again in a moment"):
        await turns[-1]
    assert clock.passed_s == MAX_WAIT_S == 10
    await asyncio.gather(*turns, return_exceptions=True)
    late = asyncio.ensure_future(lookups.begin())
    await settle()
    assert not late.done()
    lookups.end(in_vain=False)
    await late
    for _ in range(VAIN_BURST):
        lookups.end(in_vain=False)
    assert await vain_lookups(lookups) == VAIN_BURST


def test_a_missing_row_is_remembered_for_a_while(lookups: Lookups, clock: Clock) -> None:
    """Until it is found."""
    for key in "ab":
        lookups.note_absent(key, 5)
    assert lookups.is_absent("a", 5)
    lookups.note_found("a")
    lookups.note_found("never absent")
    assert not lookups.is_absent("a", 5)
    clock.set_by(ABSENT_MS - 1)
    assert lookups.is_absent("b", 5)
    clock.set_by(1)
    assert not lookups.is_absent("b", 5)
    lookups.note_absent("b", 5)
    assert lookups.is_absent("b", 5)


@pytest.mark.parametrize(("needed", "is_absent"), [(4, True), (5, True), (6, False)])
def test_a_row_that_was_missing_before_a_change_may_be_there(
    lookups: Lookups, needed: int, *, is_absent: bool
) -> None:
    """Whatever was read has every change up to its version."""
    lookups.note_absent("a", 5)
    assert lookups.is_absent("a", needed) is is_absent


def test_a_row_of_which_nothing_is_known_is_not_missing(lookups: Lookups) -> None:
    """Where nothing has changed since a table was declared, nothing is needed either."""
    assert not lookups.is_absent("a", 0)


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
def test_a_clock_that_was_set_back_keeps_no_row_absent(
    lookups: Lookups, clock: Clock, back_ms: int
) -> None:
    """It is looked up again."""
    lookups.note_absent("a", 5)
    clock.set_by(-back_ms)
    assert not lookups.is_absent("a", 5)


def test_only_so_many_missing_rows_are_remembered(lookups: Lookups) -> None:
    """The latest."""
    for number in range(10_001):
        lookups.note_absent(str(number), 5)
        lookups.note_absent("again and again", 5)
    assert [lookups.is_absent(str(number), 5) for number in (0, 1, 2, 10_000)] == [0, 0, 1, 1]
    assert lookups.is_absent("again and again", 5)


def test_a_row_that_was_missed_again_is_among_the_latest(lookups: Lookups) -> None:
    """Others make room before it."""
    for number in (*range(10_000), 0, 10_000):
        lookups.note_absent(str(number), 5)
    assert [lookups.is_absent(row_id, 5) for row_id in ("0", "1")] == [True, False]
