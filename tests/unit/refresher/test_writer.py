"""Writes in order, spaced and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from clock import Clock, settle

from edge_cache.errors import StoreError
from edge_cache.refresher.writer import ANSWER_FIRST_S, Writer

FIRST_MS = round(ANSWER_FIRST_S * 1000)


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

    async def write_others(self, count: int) -> None:
        """Write many other keys."""

        async def nothing() -> None:
            """Take no time."""

        await asyncio.gather(*(self.writer.write(str(n), nothing) for n in range(count)))

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
    assert values.taken == [(FIRST_MS, "a")]
    assert values.writer.is_idle


async def test_writes_of_one_key_are_a_second_apart(values: Values) -> None:
    """KV counts from when it took one, which is some time after it was asked."""
    for value in "ab":
        assert await values.write(value)
    values.gate = asyncio.Event()
    writing = values.write("c")
    await asyncio.sleep(5)
    values.gate.set()
    assert await writing
    assert await values.write("d")
    await asyncio.sleep(10)
    await asyncio.gather(values.write("e"), values.write("f", "another key"))
    assert [at for at, _ in values.taken] == [
        *(FIRST_MS, 1000 + FIRST_MS, 6000 + FIRST_MS, 7000 + FIRST_MS),
        *(17_000 + 2 * FIRST_MS, 17_000 + 2 * FIRST_MS),
    ]


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
async def test_a_clock_that_was_set_back_delays_no_write_and_no_retry(
    values: Values, back_ms: int
) -> None:
    await values.write("a")
    values.clock.set_by(-back_ms)
    assert await values.write("b")
    assert values.passed_ms <= 1001 + FIRST_MS
    values.refusals = 1
    assert not await values.write("c")
    values.clock.set_by(-back_ms)
    await asyncio.sleep(1.1)
    assert values.taken[-1][1] == "c"


async def test_a_burst_ends_with_the_latest_state(values: Values) -> None:
    """What was overtaken while it waited is not written, and is done or fails with the newest."""
    await values.write("first")
    values.gate = asyncio.Event()
    writing = [values.write(value) for value in "abcde"]
    await asyncio.sleep(0.5)
    writing.append(values.write("f"))
    await asyncio.sleep(3)
    assert [task.done() for task in writing] == [False] * 6
    values.gate.set()
    assert await asyncio.gather(*writing) == [True] * 6
    assert [value for _, value in values.tried] == ["first", "f"]
    values.refusals = 1
    assert await asyncio.gather(*[values.write("a"), values.write("b")]) == [False, False]


async def test_a_write_that_comes_while_one_is_under_way_follows_it(values: Values) -> None:
    """They are never under way together, and each tells how it went itself."""
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


async def test_a_refused_write_is_tried_again_until_kv_takes_it(values: Values) -> None:
    """The caller hears of it at once; pauses grow."""
    values.refusals = 5
    assert not await values.write("a")
    assert values.passed_ms == FIRST_MS
    assert not values.writer.is_idle
    await asyncio.sleep(100)
    tried = [0, 1000, 3000, 7000, 15_000, 31_000]
    assert [at for at, _ in values.tried] == [at + FIRST_MS for at in tried]
    assert values.taken == [(31_000 + FIRST_MS, "a")]
    assert values.writer.is_idle
    assert values.log == [{"event": "write_failed", "key": "k", "detail": "429"}] * 5


async def test_retries_end(values: Values) -> None:
    """The log tells that. The next write succeeds."""
    values.refusals = 6
    await values.write("a")
    await asyncio.sleep(100)
    assert len(values.tried) == 6
    assert [line["event"] for line in values.log] == ["write_failed"] * 6 + ["write_given_up"]
    assert values.writer.is_idle
    assert await values.write("b")


async def test_an_unexpected_error_is_one_more_reason_to_try_again(values: Values) -> None:
    """It is told of with its place, and the caller hears that KV has nothing."""
    values.refusals, values.error = 1, KeyError("private")
    assert not await values.write("a")
    await asyncio.sleep(2)
    assert values.taken == [(1000 + FIRST_MS, "a")]
    assert values.log[0]["exception"] == "KeyError"


@pytest.mark.parametrize("refusals", [1, 2])
async def test_a_retry_never_overwrites_a_newer_write(values: Values, refusals: int) -> None:
    """A read that began earlier must not win. The newer one has retries of its own."""
    values.refusals = refusals
    assert not await values.write("old")
    assert await values.write("new") is (refusals == 1)
    await asyncio.sleep(40)
    assert values.taken == [(1000 * refusals + FIRST_MS, "new")]


@pytest.mark.parametrize("refusals", [1, 3])
async def test_a_newer_write_is_in_kv_before_it_counts_as_done_beside_a_retry(
    values: Values, refusals: int
) -> None:
    """The older one's attempt may carry it out, or fail."""
    values.refusals = refusals
    await values.write("old")
    await asyncio.sleep(0.9995)
    values.gate = asyncio.Event()
    newer = values.write("new")
    await asyncio.sleep(3)
    assert newer.done() == (refusals > 1)
    assert values.taken == []
    values.gate.set()
    assert await newer == (refusals == 1)
    await asyncio.sleep(40)
    assert [value for _, value in values.taken] == ["new"]


async def test_what_waits_is_not_forgotten_for_many_other_keys(values: Values) -> None:
    """A retry, a write under way, and the second after the last write are all remembered."""
    values.refusals = 3
    await values.write("old")
    await asyncio.sleep(5)
    await values.write_others(1500)
    await values.write("new")
    await asyncio.sleep(40)
    assert [value for _, value in values.taken] == ["new"]
    values.gate = asyncio.Event()
    first = values.write("a")
    await asyncio.sleep(0.5)
    await values.write_others(1500)
    second = values.write("b")
    await asyncio.sleep(2)
    assert values.tried[-1][1] == "a"
    values.gate.set()
    assert await asyncio.gather(*[first, second]) == [True, True]
    await values.write_others(1500)
    assert await values.write("c")
    (a_ms, b_ms, c_ms) = [at for at, _ in values.taken[1:]]
    assert b_ms - a_ms >= 1000
    assert c_ms - b_ms >= 1000
