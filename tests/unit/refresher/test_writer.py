"""Writes in order, spaced and retried, on a clock that only sleeping moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from edge_cache.entries import snapshot_of
from edge_cache.errors import StoreError
from edge_cache.refresher.recent import KEEP_MS, MAX_BYTES, Recent
from edge_cache.refresher.writer import Writer


class World:
    """A clock, a store of one value and the events that were logged."""

    def __init__(self) -> None:
        self.ms = 0
        self.writes: list[tuple[int, str]] = []
        self.refusals = 0
        self.events: list[str] = []
        self.writer = Writer(now_ms=lambda: self.ms, sleep=self.sleep, log=self.log)

    def log(self, event: str, /, **_fields: object) -> None:
        """Remember an event."""
        self.events.append(event)

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        await asyncio.sleep(0)
        self.ms += round(seconds * 1000)

    def put(self, value: str) -> Callable[[], Awaitable[None]]:
        """Return a write of a value."""

        async def write() -> None:
            if self.refusals:
                self.refusals -= 1
                raise StoreError("429")
            self.writes.append((self.ms, value))

        return write


def play(scene: Callable[[World], Awaitable[None]]) -> World:
    """Run a scene until nothing is left to do."""

    async def run() -> World:
        world = World()
        await scene(world)
        while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110  whatever task it is
            await asyncio.sleep(0)
        return world

    return asyncio.run(run())


def test_writes_of_one_key_are_a_second_apart() -> None:
    """Workers KV takes no more."""

    async def scene(world: World) -> None:
        for value in "abc":
            assert await world.writer.write("k", world.put(value))

    assert play(scene).writes == [(0, "a"), (1000, "b"), (2000, "c")]


def test_other_keys_do_not_wait() -> None:
    """The limit is for each key."""

    async def scene(world: World) -> None:
        for key in "abc":
            await world.writer.write(key, world.put(key))

    assert [at for at, _ in play(scene).writes] == [0, 0, 0]


def test_a_burst_ends_with_the_latest_state() -> None:
    """What was overtaken while it waited is not written."""

    async def scene(world: World) -> None:
        await asyncio.gather(*(world.writer.write("k", world.put(value)) for value in "abcde"))

    assert play(scene).writes == [(0, "a"), (1000, "e")]


def test_a_refused_write_is_tried_again() -> None:
    """The caller hears of it at once, the retry goes on."""

    async def scene(world: World) -> None:
        world.refusals = 2
        assert not await world.writer.write("k", world.put("a"))

    world = play(scene)
    assert [value for _, value in world.writes] == ["a"]
    assert world.events == ["write_failed", "write_failed"]


def test_a_retry_never_overwrites_a_newer_write() -> None:
    """A read that began earlier must not win."""

    async def scene(world: World) -> None:
        world.refusals = 1
        await world.writer.write("k", world.put("old"))
        await world.writer.write("k", world.put("new"))

    assert [value for _, value in play(scene).writes] == ["new"]


def test_retries_end() -> None:
    """A store that never takes it is told of, and not asked for ever."""

    async def scene(world: World) -> None:
        world.refusals = 100
        await world.writer.write("k", world.put("a"))

    assert play(scene).events[-1] == "write_given_up"


def test_recent_snapshots_are_bounded_in_time_and_size() -> None:
    """They bridge the minute in which KV may not know the key."""
    now = [0]
    recent = Recent(lambda: now[0])
    recent.put("a", snapshot_of(b"[]", 0))
    assert recent.get("a")
    now[0] = KEEP_MS + 1
    assert recent.get("a") is None
    big = snapshot_of(b"x" * (MAX_BYTES // 2), now[0])
    for key in "bcd":
        recent.put(key, big)
    assert [bool(recent.get(key)) for key in "bcd"] == [False, False, True]
