"""One operation at a time for each key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from edge_cache.refresher.single_flight import SingleFlight


class Counter:
    """An operation that waits for its gate and returns how often it was started."""

    def __init__(self) -> None:
        self.started = 0
        self.running = 0
        self.most_running = 0
        self.gate = asyncio.Event()
        self.failing: set[int] = set()

    async def __call__(self, _key: str) -> int:
        """Run once."""
        self.started += 1
        number = self.started
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if number in self.failing:
            raise ValueError
        return number


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def play(scene: Callable[[Counter, SingleFlight[str, int]], Awaitable[None]]) -> None:
    """Run a scene with a counter and a flight over it."""

    async def run() -> None:
        counter = Counter()
        await scene(counter, SingleFlight(counter.__call__))

    asyncio.run(run())


def test_callers_share_one_operation() -> None:
    """However many join, it runs once."""

    async def scene(counter: Counter, flight: SingleFlight[str, int]) -> None:
        callers = [asyncio.ensure_future(flight.join("a")) for _ in range(200)]
        await settle()
        counter.gate.set()
        assert await asyncio.gather(*callers) == [1] * 200

    play(scene)


def test_who_needs_a_later_one_gets_it_and_all_such_share_it() -> None:
    """A read under way may have seen the state before the edit."""

    async def scene(counter: Counter, flight: SingleFlight[str, int]) -> None:
        first = asyncio.ensure_future(flight.join("a"))
        await settle()
        later = [asyncio.ensure_future(flight.begin_after_now("a")) for _ in range(50)]
        await settle()
        counter.gate.set()
        assert await first == 1
        assert await asyncio.gather(*later) == [2] * 50
        assert (counter.started, counter.most_running) == (2, 1)

    play(scene)


def test_a_failure_reaches_all_and_the_next_caller_starts_anew() -> None:
    """Nobody is left waiting, and nothing remembers the failure."""

    async def scene(counter: Counter, flight: SingleFlight[str, int]) -> None:
        counter.failing = {1}
        callers = [asyncio.ensure_future(flight.join("a")) for _ in range(3)]
        await settle()
        counter.gate.set()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(result) for result in results] == [ValueError] * 3
        assert await flight.join("a") == 2

    play(scene)


def test_a_failure_does_not_stop_who_queued_behind_it() -> None:
    """The later operation runs on its own."""

    async def scene(counter: Counter, flight: SingleFlight[str, int]) -> None:
        counter.failing = {1}
        first = asyncio.ensure_future(flight.join("a"))
        await settle()
        later = asyncio.ensure_future(flight.begin_after_now("a"))
        await settle()
        counter.gate.set()
        with pytest.raises(ValueError, match=r"^$"):
            await first
        assert await later == 2

    play(scene)


def test_a_caller_that_goes_away_does_not_cancel_the_others() -> None:
    """The operation belongs to all of them."""

    async def scene(counter: Counter, flight: SingleFlight[str, int]) -> None:
        impatient = asyncio.ensure_future(flight.join("a"))
        patient = asyncio.ensure_future(flight.join("a"))
        await settle()
        impatient.cancel()
        counter.gate.set()
        assert await patient == 1

    play(scene)


def test_keys_do_not_wait_for_each_other() -> None:
    """Two keys run side by side."""

    async def scene(counter: Counter, flight: SingleFlight[str, int]) -> None:
        both = [asyncio.ensure_future(flight.join(key)) for key in "ab"]
        await settle()
        assert counter.running == 2
        counter.gate.set()
        await asyncio.gather(*both)

    play(scene)
