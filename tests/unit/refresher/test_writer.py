"""Writes in order, spaced and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from clock import Clock, settle

from edge_cache.errors import StoreError
from edge_cache.refresher.writer import Writer


class Values:
    """A store, whose writes may be refused or held, and a writer."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.taken: list[tuple[int, str]] = []
        self.tried: list[tuple[int, str]] = []
        self.refusals = 0
        self.error: Exception = StoreError("429")
        self.gate: asyncio.Event | None = None
        self.running = 0
        self.log: list[dict[str, object]] = []
        self.writer = Writer(now_ms=self.clock.now_ms, log=self._note)

    @property
    def passed_ms(self) -> int:
        """How much time has passed."""
        return round(self.clock.passed_s * 1000)

    def put(self, value: str) -> Callable[[], Awaitable[None]]:
        """Return a write of a value."""

        async def write() -> None:
            self.tried.append((self.passed_ms, value))
            assert self.running == 0
            if self.refusals:
                self.refusals -= 1
                raise self.error
            self.running += 1
            if self.gate:
                await self.gate.wait()
            self.running -= 1
            self.taken.append((self.passed_ms, value))

        return write

    def write(self, value: str, key: str = "k") -> asyncio.Task[bool]:
        """Have a value written."""
        return self.writer.write(key, self.put(value))

    def _note(self, event: str, /, **fields: object) -> None:
        self.log.append({"event": event, **fields})


@pytest.fixture
def values() -> Values:
    """Return an empty store."""
    return Values()


async def test_a_write_begins_a_moment_later(values: Values) -> None:
    """An answer that is ready leaves first."""
    writing = values.write("a")
    await settle()
    assert values.tried == []
    assert not values.writer.is_idle
    assert await writing
    assert values.taken == [(1, "a")]
    assert values.writer.is_idle


async def test_writes_of_one_key_are_a_second_apart(values: Values) -> None:
    """Workers KV takes no more."""
    for value in "abc":
        assert await values.write(value)
    assert values.taken == [(1, "a"), (1001, "b"), (2001, "c")]


async def test_a_second_counts_from_the_end_of_a_write(values: Values) -> None:
    """KV counts when it took it, which is some time after it was asked."""
    values.gate = asyncio.Event()
    writing = values.write("a")
    await asyncio.sleep(5)
    values.gate.set()
    assert await writing
    assert await values.write("b")
    assert values.taken == [(5000, "a"), (6000, "b")]


async def test_who_comes_later_does_not_wait(values: Values) -> None:
    """The second has passed."""
    await values.write("a")
    await asyncio.sleep(10)
    await values.write("b")
    assert values.taken == [(1, "a"), (10_002, "b")]


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
async def test_a_clock_that_was_set_back_delays_no_write(values: Values, back_ms: int) -> None:
    """A second is the longest that one waits for another."""
    await values.write("a")
    values.clock.set_by(-back_ms)
    assert await values.write("b")
    assert values.passed_ms <= 1002


async def test_a_clock_that_is_set_back_meanwhile_delays_no_retry(values: Values) -> None:
    """Retries wait for time to pass, not for a time to come."""
    values.refusals = 1
    assert not await values.write("a")
    values.clock.set_by(-3_600_000)
    await asyncio.sleep(1.1)
    assert values.taken == [(1001, "a")]


async def test_other_keys_do_not_wait(values: Values) -> None:
    """The limit is for each key."""
    await asyncio.gather(*(values.write(key, key) for key in "abc"))
    assert values.taken == [(1, "a"), (1, "b"), (1, "c")]


async def test_a_burst_ends_with_the_latest_state(values: Values) -> None:
    """What was overtaken while it waited is not written, and counts as written with the newest."""
    await values.write("first")
    writing = [values.write(value) for value in "abcde"]
    await asyncio.sleep(0.5)
    writing.append(values.write("f"))
    assert [task.done() for task in writing] == [False] * 6
    assert await asyncio.gather(*writing) == [True] * 6
    assert values.taken == [(1, "first"), (1001, "f")]


async def test_overtaken_writes_are_not_done_before_the_newer_one_is(values: Values) -> None:
    """Readers would still see what was there before."""
    values.gate = asyncio.Event()
    overtaken = values.write("a")
    newest = values.write("b")
    await asyncio.sleep(3)
    assert values.tried == [(1, "b")]
    assert not overtaken.done()
    values.gate.set()
    assert await asyncio.gather(*[overtaken, newest]) == [True, True]


async def test_overtaken_writes_fail_with_the_newer_one(values: Values) -> None:
    """KV has neither."""
    values.refusals = 1
    assert await asyncio.gather(*[values.write("a"), values.write("b")]) == [False, False]


async def test_a_write_that_comes_while_one_is_under_way_follows_it(values: Values) -> None:
    """Never both at once; each tells how it went itself."""
    values.gate = asyncio.Event()
    first = values.write("a")
    await asyncio.sleep(0.5)
    second = values.write("b")
    await asyncio.sleep(0.5)
    values.gate.set()
    assert await first
    assert not second.done()
    assert not values.writer.is_idle
    assert await second
    assert values.taken == [(1000, "a"), (2000, "b")]
    assert values.writer.is_idle


async def test_a_refused_write_is_tried_again(values: Values) -> None:
    """The caller hears of it at once; pauses grow."""
    values.refusals = 5
    assert not await values.write("a")
    assert values.passed_ms == 1
    assert not values.writer.is_idle
    await asyncio.sleep(40)
    assert [at for at, _ in values.tried] == [1, 1001, 3001, 7001, 15_001, 31_001]
    assert values.taken == [(31_001, "a")]
    assert values.writer.is_idle
    assert [line["event"] for line in values.log] == ["write_failed"] * 5
    assert values.log[0] == {"event": "write_failed", "key": "k", "detail": "429"}


async def test_after_a_success_there_are_no_more_attempts(values: Values) -> None:
    """One is enough."""
    values.refusals = 1
    await values.write("a")
    await asyncio.sleep(40)
    assert [at for at, _ in values.tried] == [1, 1001]


async def test_retries_end(values: Values) -> None:
    """A store that never takes it is told of, and not asked for ever."""
    values.refusals = 1000
    await values.write("a")
    await asyncio.sleep(100)
    assert len(values.tried) == 6
    given_up: dict[str, object] = {"event": "write_given_up", "key": "k"}
    assert values.log[-1] == given_up
    assert values.log.count(given_up) == 1
    assert values.writer.is_idle


async def test_a_write_after_one_that_was_given_up_is_written(values: Values) -> None:
    """Nothing of it is left in the way."""
    values.refusals = 6
    await values.write("a")
    await asyncio.sleep(100)
    assert await values.write("b")


async def test_an_unexpected_error_is_one_more_reason_to_try_again(values: Values) -> None:
    """It is told of with its place, and the caller hears that KV has nothing."""
    values.refusals, values.error = 1, KeyError("private")
    assert not await values.write("a")
    await asyncio.sleep(2)
    assert values.taken == [(1001, "a")]
    assert values.log[0]["exception"] == "KeyError"


async def test_a_retry_never_overwrites_a_newer_write(values: Values) -> None:
    """A read that began earlier must not win."""
    values.refusals = 1
    assert not await values.write("old")
    assert await values.write("new")
    await asyncio.sleep(40)
    assert [value for _, value in values.taken] == ["new"]
    assert [value for _, value in values.tried] == ["old", "new"]


async def test_a_newer_write_that_is_refused_too_is_tried_again_on_its_own(values: Values) -> None:
    """The older one's attempts end; its pauses begin with the first."""
    values.refusals = 2
    assert not await values.write("old")
    assert not await values.write("new")
    await asyncio.sleep(40)
    assert values.taken == [(2001, "new")]


async def test_a_newer_write_is_in_kv_before_it_counts_as_done_beside_a_retry(
    values: Values,
) -> None:
    """The older one's attempt may carry it out."""
    values.refusals = 1
    await values.write("old")
    await asyncio.sleep(0.9995)
    values.gate = asyncio.Event()
    newer = values.write("new")
    await asyncio.sleep(3)
    assert not newer.done()
    assert values.taken == []
    values.gate.set()
    assert await newer
    assert [value for _, value in values.taken] == ["new"]


async def test_a_write_beside_a_retry_that_fails_is_tried_until_it_is_in_kv(values: Values) -> None:
    """Whichever attempt carries it out."""
    values.refusals = 3
    await values.write("old")
    await asyncio.sleep(0.9995)
    values.write("new")
    await asyncio.sleep(40)
    assert [value for _, value in values.taken] == ["new"]


async def test_what_waits_for_its_retry_is_not_forgotten_for_many_other_keys(
    values: Values,
) -> None:
    """A newer write still ends the older one's attempts."""
    values.refusals = 3
    await values.write("old")
    await asyncio.sleep(5)

    async def nothing() -> None:
        """Take no time."""

    await asyncio.gather(*(values.writer.write(str(n), nothing) for n in range(1500)))
    await values.write("new")
    await asyncio.sleep(40)
    assert [value for _, value in values.taken] == ["new"]


async def test_what_is_written_stays_in_order_whatever_else_is_written(values: Values) -> None:
    """However many keys there are, those in use are not forgotten."""
    values.gate = asyncio.Event()
    first = values.write("a")
    await asyncio.sleep(0.5)
    idle = asyncio.Event()
    idle.set()

    async def nothing() -> None:
        await idle.wait()

    await asyncio.gather(*(values.writer.write(str(n), nothing) for n in range(2500)))
    second = values.write("b")
    await asyncio.sleep(2)
    assert [value for _, value in values.tried] == ["a"]
    values.gate.set()
    assert await asyncio.gather(*[first, second]) == [True, True]
    await asyncio.gather(*(values.writer.write(str(n), nothing) for n in range(2500)))
    assert await values.write("c")
    (_, a_ms), (_, b_ms), (_, c_ms) = [(value, at) for at, value in values.taken]
    assert b_ms - a_ms >= 1000
    assert c_ms - b_ms >= 1000
