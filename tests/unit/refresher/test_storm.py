"""Whatever happens, in whatever order: in the end readers see the table as it is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from random import Random
from typing import Any

import httpx
import pytest
from program import KEY, Answer, Program

ROWS = range(6)
MANY_ROWS = range(100, 125)
QUERIES = [f"/rest/v1/articles?select=title&limit={number}" for number in (30, 31, 32)]
PATHS = ["/articles", *(f"/articles/{number}" for number in (*ROWS, 100)), *QUERIES]
QUARTER = 28_333_335


class Storm:
    """Things that happen to a program at random."""

    def __init__(self, program: Program, seed: int, webhooks: float) -> None:
        self.program = program
        self.random = Random(seed)  # noqa: S311  no secret
        self.webhooks = webhooks
        self.edits = 0
        self.background: set[asyncio.Future[object]] = set()
        program.supabase.tables["articles"] = []

    def edit(self) -> list[int]:
        """Insert, update or delete rows; return which."""
        choose = self.random
        few = choose.sample(ROWS, choose.choice([1, 1, 2]))
        numbers = list(MANY_ROWS) if choose.random() < 0.05 else few
        for number in numbers:
            self.edits += 1
            if choose.random() < 0.25:
                self.program.supabase.remove("articles", number)
            else:
                self.program.supabase.write("articles", id=number, title=self.edits)
        return numbers

    async def read(self, path: str) -> Answer:
        """Read as a reader does."""
        return await self.program.get(path, apikey=KEY)

    async def revalidate(self) -> None:
        """Revalidate; what was edited before is what readers get after it."""
        before = {row["id"]: row["title"] for row in self.program.supabase.tables["articles"]}
        if (await self.program.revalidate()).status != 200:
            return
        for number, edit in before.items():
            answer = await self.read(f"/articles/{number}")
            if answer.status == 200 and "detail" not in answer.cache_status:
                assert answer.json["title"] >= edit

    def weather(self) -> None:
        """Have Supabase, KV and the clock be as they like."""
        choose, program = self.random, self.program
        program.supabase.mend()
        program.supabase.delay_s = choose.choice([0.005, 0.05, 0.3, 2.5])
        if choose.random() < 0.25:
            program.supabase.fail(httpx.ReadTimeout("slow"))
        if choose.random() < 0.3:
            program.supabase.fail(of=choose.choice(["/articles", "/articles/1"]))
        if choose.random() < 0.3:
            program.set_clock(by_s=choose.choice([-3600, -30, -0.001, 0.001, 30]))

    async def step(self) -> None:
        """Have one thing happen."""
        choose, program = self.random, self.program
        program.kv.accept()
        if choose.random() < 0.15:
            program.kv.refuse(choose.choice(["", "put", "delete", "get"]))
        what = choose.random()
        if what < 0.3:
            numbers = self.edit()
            if choose.random() < self.webhooks:
                assert (await program.webhook("articles", *numbers)).status == 200
        elif what < 0.78:
            self.begin(self.read(choose.choice(PATHS)))
        elif what < 0.84 and self.webhooks < 1:
            self.begin(self.revalidate() if what < 0.82 else program.tick(QUARTER))
        elif what < 0.98:
            self.weather()
        else:
            program.restart("articles")
        await program.live(choose.choice([0, 0, 0.01, 0.2, 1.5, 7]))

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Have something done beside the rest."""
        task = asyncio.ensure_future(work)
        self.background.add(task)

    async def calm_down(self) -> None:
        """Have all be well, and wait until everybody has an answer."""
        self.program.kv.accept()
        self.program.supabase.mend()
        self.program.restart("articles")
        await self.program.status()
        await self.program.live(90)
        await asyncio.gather(*self.background)
        assert self.program.events("internal_error") == []


@pytest.mark.parametrize("webhooks", [1.0, 0.9])
@pytest.mark.parametrize("seed", range(4))
async def test_in_the_end_readers_see_the_table_as_it_is(seed: int, webhooks: float) -> None:
    """Edits, failures, restarts, jumps of the clock, readers of everything.

    If webhooks are lost, a comparison heals that in the end, but for queries.
    """
    random.seed(seed)  # of the pauses' jitter
    program = Program(tables={"articles": {}}, max_age_seconds=60)
    storm = Storm(program, seed, webhooks)
    for _ in range(200):
        await storm.step()
    await storm.calm_down()
    assert (await program.status())["pending"] == 0
    if webhooks < 1:
        await program.tick(QUARTER)
        await program.live(60)
    rows = program.supabase.tables["articles"]
    assert (await storm.read("/articles")).json == rows
    for number in (*ROWS, *MANY_ROWS):
        answer = await storm.read(f"/articles/{number}")
        row = next((row for row in rows if row["id"] == number), None)
        assert (answer.json if answer.status == 200 else None) == row
    for path in QUERIES if webhooks == 1 else ():
        titles = [{"title": row["title"]} for row in rows[: int(path[-2:])]]
        assert (await storm.read(path)).json == titles
