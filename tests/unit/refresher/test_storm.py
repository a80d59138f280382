"""Whatever happens, in whatever order: in the end readers see the table as it is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest
from world import LIST, World, query, row

from edge_cache.errors import EdgeCacheError, NotFound, UpstreamTimeout
from edge_cache.resources import Resource

ROWS = [str(number) for number in range(6)]
MANY_ROWS = [f"many {number}" for number in range(25)]


QUERIES = [query(f"a={number}") for number in range(3)]


class Storm:
    """Things that happen to a world at random."""

    def __init__(self, world: World, seed: int, webhooks: float) -> None:
        self.world = world
        self.random = Random(seed)  # noqa: S311  no secret
        self.webhooks = webhooks
        self.edits = 0

    def edit(self) -> list[str]:
        """Insert, update or delete rows; return which."""
        choose = self.random
        row_ids = (
            MANY_ROWS if choose.random() < 0.05 else choose.sample(ROWS, choose.choice([1, 1, 2]))
        )
        for row_id in row_ids:
            self.edits += 1
            if choose.random() < 0.25:
                self.world.source.rows.pop(row_id, None)
            else:
                self.world.source.write(row_id, str(self.edits))
        return row_ids

    async def tried(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something that may fail."""
        try:
            await work
        except EdgeCacheError as error:
            assert error.slug != "internal-error"  # noqa: PT017  what is raised is no matter

    async def revalidated(self) -> None:
        """Revalidate; what was edited before is what readers get after it."""
        before = {row_id: self.edit_of(row_id) for row_id in ROWS}
        await self.world.host.revalidation.revalidate()
        for row_id, edit in before.items():
            shown = self.world.shown(row(row_id))
            if isinstance(shown, dict):
                assert int(str(shown["title"])) >= edit

    def edit_of(self, row_id: str) -> int:
        """Return the number of the edit that a row is as of."""
        return int(str(self.world.source.rows.get(row_id, {}).get("title", 0)))

    def weather(self) -> None:
        """Have Supabase, KV and the clock be as they like."""
        choose, source, store = self.random, self.world.source, self.world.store
        source.delay_s = choose.choice([0.005, 0.05, 0.3, 2.5])
        source.error = choose.choice([None, None, None, UpstreamTimeout("x")])
        source.errors.clear()
        if choose.random() < 0.3:
            source.errors[choose.choice(["/articles", "/articles/1"])] = UpstreamTimeout("x")
        chance = choose.choice([0.0, 0.0, 0.3, 1.0])
        store.refuses = lambda _what, _key: choose.random() < chance
        if choose.random() < 0.3:
            self.world.clock.set_by(choose.choice([-3_600_000, -30_000, -1, 1, 30_000]))

    async def step(self) -> None:
        """Have one thing happen."""
        choose, world = self.random, self.world
        what = choose.random()
        if what < 0.3:
            row_ids = self.edit()
            if choose.random() < self.webhooks:
                await world.host.backlog.record(row_ids)
        elif what < 0.75:
            self.begin(world.read(self.any_resource()))
        elif what < 0.83 and self.webhooks < 1:
            self.begin(self.revalidated() if what < 0.8 else world.host.revalidation.check())
        elif what < 0.87:
            resource = self.any_resource()
            metadata = world.metadata(resource)
            if metadata:
                self.begin(world.host.fills.renew(resource, metadata.asked_at_ms))
        elif what < 0.98:
            self.weather()
        else:
            await world.restart()
        await world.live(choose.choice([0, 0, 0.01, 0.2, 1.5, 7]))

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Have something done in the background."""
        task = asyncio.ensure_future(self.tried(work))
        BACKGROUND.add(task)
        task.add_done_callback(BACKGROUND.discard)

    def any_resource(self) -> Resource:
        """Return the table, a row or a query."""
        return self.random.choice([LIST, *map(row, ROWS), row(MANY_ROWS[0]), *QUERIES])


BACKGROUND: set[asyncio.Task[None]] = set()


@pytest.mark.parametrize("webhooks", [1.0, 0.9])
@pytest.mark.parametrize("seed", range(6))
async def test_in_the_end_readers_see_the_table_as_it_is(
    world: World, seed: int, webhooks: float
) -> None:
    """Edits, failures, restarts, jumps of the clock, readers of everything.

    Where webhooks are lost, a check heals that in the end.
    """
    random.seed(seed)  # of the pauses' jitter
    storm = Storm(world, seed, webhooks)
    for _ in range(200):
        await storm.step()
    world.source.error, world.source.delay_s = None, 0.05
    world.source.errors.clear()
    world.store.refuses = lambda _what, _key: False
    await world.restart()
    await world.live(90)
    assert world.host.status()["pending"] == 0
    if webhooks < 1:
        await world.host.revalidation.check()
        await world.live(60)
    assert world.host.is_idle
    assert world.shown(LIST) in (None, list(world.source.rows.values()))
    for row_id in (*ROWS, *MANY_ROWS):
        assert world.shown(row(row_id)) in (None, world.source.rows.get(row_id))
    for resource in QUERIES if webhooks == 1 else ():
        assert world.shown(resource) in (None, list(world.source.rows.values()))
        assert await world.read(resource) == list(world.source.rows.values())
    for row_id in ROWS:
        try:
            got = await world.read(row(row_id))
        except NotFound:
            got = None
        assert got == world.source.rows.get(row_id)
    assert await world.read(LIST) == list(world.source.rows.values())
