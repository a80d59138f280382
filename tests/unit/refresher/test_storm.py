"""Whatever happens, in whatever order: readers see nothing older than promised."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Iterable
from random import Random

import pytest
from fake_postgrest import Outbox
from program import SECRET, Answer, Program
from refreshing import ALL, LIST, MINUTE_OF_CHECKS, VERSIONS, pending, read

KEYS = range(6)
MANY = range(100, 125)
PATHS = [LIST, ALL, f"{ALL}&limit=100", *(f"/articles/{key}" for key in (*KEYS, MANY[0]))]
COPIED_S = 31
"""After so long every location sees what KV holds."""

Edits = dict[int, int]
"""By a row's key, the number of an edit: its title."""


class Storm:
    """Things that happen to the program at random."""

    def __init__(self, program: Program, seed: int, delivered: float) -> None:
        self.program = program
        self.random = Random(seed)  # noqa: S311  no secret
        self.delivered = delivered
        self.edits = 0
        self.promised: list[tuple[float, Edits]] = []
        self.background: set[asyncio.Future[None]] = set()

    async def step(self) -> None:
        """Have one thing happen."""
        what = self.random.random()
        if what < 0.3:
            await self.edit()
        elif what < 0.8:
            self.begin(self.read())
        elif what < 0.84:
            self.begin(self.revalidate())
        elif what < 0.87:
            self.begin(self.program.tick(MINUTE_OF_CHECKS + self.random.choice([0, 1])))
        elif what < 0.97:
            self.weather()
        else:
            self.program.restart(self.random.choice(["articles", "articles", "*"]))
        await self.program.live(self.random.choice([0, 0, 0.01, 0.2, 1.5, 7]))

    async def edit(self) -> None:
        """Insert, update or delete rows; perhaps a webhook tells of that."""
        choose, supabase = self.random, self.program.supabase
        is_many = choose.random() < 0.05
        keys = MANY if is_many else choose.sample(KEYS, choose.choice([1, 1, 2]))
        for key in keys:
            self.edits += 1
            if choose.random() < 0.25:
                supabase.remove("articles", key)
            else:
                supabase.write("articles", id=key, title=str(self.edits))
        if supabase.outbox:
            supabase.outbox.note("articles", list(keys))
        if choose.random() < self.delivered:
            await (self.program.poke() if supabase.outbox else self.webhook(keys))

    async def webhook(self, keys: Iterable[object]) -> None:
        """Tell what was edited, as a Database Webhook does."""
        await self.program.webhook("articles", *keys)

    async def revalidate(self) -> None:
        """Revalidate; what was edited before is what readers get from then on."""
        edits = {row["id"]: int(row["title"]) for row in self.program.supabase.tables["articles"]}
        answer = await self.program.revalidate()
        assert answer.status in {200, 502, 503, 504}
        if answer.status == 200:
            self.promised.append((self.program.clock.passed_s, edits))

    async def read(self) -> None:
        """Read anything anywhere; nothing may be older than promised unless it says so."""
        at = self.random.choice(["home", "home", "elsewhere"])
        since_s = self.program.clock.passed_s - (COPIED_S if at == "elsewhere" else 0)
        promised = [edits for at_s, edits in self.promised if at_s <= since_s]
        path = self.random.choice(PATHS)
        answer = await read(self.program, path, at)
        if answer.status != 200 or is_marked(answer):
            return
        for edits in promised:
            for key, edit in edits_in(answer).items():
                assert edit >= edits.get(key, 0), (path, at, answer)

    def weather(self) -> None:
        """Have Supabase, KV and the clock be as they like."""
        choose, program = self.random, self.program
        program.supabase.mend()
        program.supabase.delay_s = choose.choice([0.005, 0.05, 0.3, 2.5])
        if choose.random() < 0.25:
            program.supabase.answer(choose.choice([503, 504, 401, 200]), b"")
        if choose.random() < 0.3:
            program.supabase.answer(500, of=choose.choice([LIST, "/articles/1", ALL]))
        program.kv.accept()
        for what in choose.sample(["put", "delete", "get", "list"], 2):
            if choose.random() < 0.15:
                program.kv.refuse(what)
        for key in (LIST, "/articles/1", ALL, VERSIONS):
            gate = program.kv.hold(key)
            gate.set()
            if choose.random() < 0.1:
                gate.clear()
        if choose.random() < 0.3:
            program.set_clock(by_s=choose.choice([-3600, -30, -0.001, 0.001, 30]))

    def begin(self, work: Awaitable[None]) -> None:
        """Have something done in the background."""
        task = asyncio.ensure_future(work)
        self.background.add(task)

    async def settle(self) -> None:
        """Have everything be well, for long enough."""
        program = self.program
        program.supabase.mend()
        program.kv.accept()
        for key in (LIST, "/articles/1", ALL, VERSIONS):
            program.kv.hold(key).set()
        await asyncio.gather(*self.background)
        for name in ("articles", "*"):
            program.restart(name)
        await pending(program)
        await program.live(90)
        if self.delivered < 1:
            await program.tick(MINUTE_OF_CHECKS)
            await program.live(60)


def is_marked(answer: Answer) -> bool:
    """Tell whether an answer says that it is out of date."""
    detail = answer.cache_status.rpartition("detail=")[2]
    return detail.startswith(("supabase", "refresher"))


def edits_in(answer: Answer) -> Edits:
    """Return the edits that an answer has."""
    rows = answer.json if isinstance(answer.json, list) else [answer.json]
    return {row["id"]: int(row["title"]) for row in rows}


@pytest.mark.parametrize("heals", ["webhooks", "the outbox", "a comparison"])
@pytest.mark.parametrize("seed", range(4))
async def test_in_the_end_everybody_sees_the_table_as_it_is(
    program: Program, seed: int, heals: str
) -> None:
    """Rows are edited, Supabase and KV fail, objects restart, the clock jumps, and readers ask.

    What a lost webhook would have told is found out in the end.
    """
    random.seed(seed)  # of the pauses' jitter
    if heals == "the outbox":
        program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
        await program.tick()
    storm = Storm(program, seed, 1 if heals == "webhooks" else 0.8)
    for _ in range(200):
        await storm.step()
    await storm.settle()
    assert program.events("internal_error") == []
    assert await pending(program) == 0
    await program.live(COPIED_S)
    table = program.supabase.tables["articles"]
    for at in ("home", "elsewhere"):
        for path in PATHS if heals != "a comparison" else PATHS[:1] + PATHS[3:]:
            answer = await read(program, path, at)
            assert not is_marked(answer)
            if path.startswith("/articles/"):
                found = [row for row in table if f"/articles/{row['id']}" == path]
                assert [answer.json] * (answer.status == 200) == found
            else:
                assert answer.json == table
