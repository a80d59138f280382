"""One operation at a time for each key."""

from __future__ import annotations

import asyncio

import pytest
from clock import settle

from edge_cache.refresher.single_flight import SingleFlight


class Counter:
    """An operation that waits for its gate and returns how often it was started."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int]] = []
        self.running = 0
        self.most_running = 0
        self.gate = asyncio.Event()
        self.failing: set[int] = set()
        self.version = 1
        self.flights = SingleFlight(self.run, lambda: self.version)

    async def run(self, key: str, version: int) -> int:
        """Run once."""
        self.started.append((key, version))
        number = len(self.started)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if number in self.failing:
            raise ValueError
        return number

    async def joined(self, version: int, key: str = "a") -> asyncio.Task[int]:
        """Have one more caller join."""
        task = asyncio.ensure_future(self.flights.join(key, version))
        await settle()
        return task


async def test_callers_share_one_operation() -> None:
    """It runs once, even if many join."""
    counter = Counter()
    callers = [await counter.joined(1) for _ in range(20)]
    counter.gate.set()
    assert await asyncio.gather(*callers) == [1] * 20
    assert counter.started == [("a", 1)]
    assert counter.flights.is_idle


async def test_who_needs_a_later_one_gets_it_and_all_such_share_it() -> None:
    """An operation under way may have seen the state before the change."""
    counter = Counter()
    first = await counter.joined(1)
    counter.version = 2
    later = [await counter.joined(2) for _ in range(20)]
    counter.version = 3
    latest = await counter.joined(3)
    still_first = await counter.joined(1)
    counter.gate.set()
    assert await asyncio.gather(*[first, still_first]) == [1, 1]
    assert await asyncio.gather(*later, latest) == [2] * 21
    assert (counter.started, counter.most_running) == ([("a", 1), ("a", 3)], 1)
    assert counter.flights.is_idle


async def test_a_third_one_follows_the_second() -> None:
    """Each change needs an operation that began after it."""
    counter = Counter()
    first = await counter.joined(1)
    counter.version = 2
    second = await counter.joined(2)
    counter.gate.set()
    assert await first == 1
    counter.gate.clear()
    await settle()
    counter.version = 3
    third = await counter.joined(3)
    counter.gate.set()
    assert await asyncio.gather(*[second, third]) == [2, 3]
    assert counter.most_running == 1


async def test_what_is_under_way_is_told_by_its_version() -> None:
    """One that began too early does not count."""
    counter = Counter()
    assert not counter.flights.is_under_way("a", 0)
    counter.version = 5
    caller = await counter.joined(5)
    assert [counter.flights.is_under_way("a", version) for version in (4, 5, 6)] == [1, 1, 0]
    assert not counter.flights.is_under_way("b", 0)
    assert not counter.flights.is_idle
    counter.gate.set()
    await caller
    assert not counter.flights.is_under_way("a", 0)


async def test_a_failure_reaches_all_and_the_next_caller_starts_anew() -> None:
    """Nobody is left waiting, and nothing remembers it, such as who queued behind it."""
    counter = Counter()
    counter.failing = {1}
    callers = [await counter.joined(1) for _ in range(3)]
    counter.version = 2
    later = await counter.joined(2)
    counter.gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    assert await later == 2
    assert await counter.flights.join("a", 1) == 3


@pytest.mark.parametrize("fails", [False, True])
async def test_a_caller_that_goes_away_does_not_cancel_the_others(*, fails: bool) -> None:
    """The operation belongs to all of them; if none is left, its failure is no complaint."""
    counter = Counter()
    impatient = await counter.joined(1)
    patient = None if fails else await counter.joined(1)
    counter.failing = {1} if fails else set()
    impatient.cancel()
    await settle()
    del impatient
    counter.gate.set()
    assert patient is None or await patient == 1
    await settle()
    assert counter.flights.is_idle


async def test_keys_do_not_wait_for_each_other() -> None:
    """Two keys run side by side."""
    counter = Counter()
    both = [await counter.joined(1, key) for key in "ab"]
    assert counter.running == 2
    counter.gate.set()
    assert await asyncio.gather(*both) == [1, 2]
