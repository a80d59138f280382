"""The whole program through a day, in virtual time; the models see the same day beside it."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from heapq import merge
from typing import Any

from clock import START_MS, play
from durable import ObjectAnswer
from program import KEY, SECRET, Program

import outbox
from day.database import Database
from day.history import History
from day.models import Model, lesson, ttl
from day.tally import Reply, Tally, quantile
from day.traffic import Edit, Read, Shape, edits, reads
from edited_articles import shown_in

MINUTE_S = 60.0
POKE_S = 0.1
"""A poke reaches the Worker so long after the commit."""

OK = 200


@dataclass(frozen=True)
class Events:
    """When what happens, in seconds as `Read` has them. What is later than the day does not."""

    deploy_s: float
    outage_s: float
    schema_s: float
    outage_for_s: float = 600.0


class Counted(Program):
    """The program; it also counts requests to objects, by object and second."""

    def __init__(self) -> None:
        super().__init__(tables=outbox.TABLES, log_hits="none", revalidate_secret=SECRET)
        self.calls: Counter[tuple[str, int]] = Counter()

    async def _call(self, name: str, url: str, body: str = "") -> ObjectAnswer:
        self.calls[name, int(self.clock.passed_s)] += 1
        return await super()._call(name, url, body)


@dataclass(frozen=True)
class Moment:
    """Something happens that is neither a read nor an edit."""

    at_s: float
    what: str


class Day:
    """A day with its readers, its editors and what goes wrong."""

    def __init__(self, shape: Shape, events: Events) -> None:
        self.tally, self.history = Tally(shape.hour_s), History()
        self.models: dict[str, Model] = {
            "ttl": ttl(self.history, shape.hour_s),
            "lesson": lesson(self.history, shape.hour_s),
        }
        self.waited_s: list[float] = []
        self.told: Counter[str] = Counter()
        self.program = Counted()
        self._shape, self._events = shape, events
        self._began_s = shape.began_s
        self._database = Database(self.program.clock, self.history, self._count)
        self.program.supabase = self._database
        self.asked_in_second: Counter[int] = Counter()
        self._token = self._session()
        self._under_way: set[asyncio.Task[object]] = set()

    async def run(self) -> None:
        """Let the day pass."""
        await self.program.tick()
        edited = edits(self._shape)
        happening: list[Iterable[Read | Edit | Moment]] = [
            reads(self._shape),
            edited,
            self._moments(),
        ]
        for one in merge(*happening, key=lambda it: it.at_s):
            await asyncio.sleep(max(0.0, one.at_s - self.now_s()))
            if isinstance(one, Read):
                for model in self.models.values():
                    model.read(one)
                self._begin(self._read(one))
            elif isinstance(one, Edit):
                self._edit(one)
            else:
                self._do(one.what)
        await self.program.live(10)
        self._fold()

    def now_s(self) -> float:
        """Return the seconds since midnight."""
        return self._began_s + self.program.clock.passed_s

    def summary(self) -> dict[str, Any]:
        """Return the figures of all three, and what was busiest of ours."""
        waited = sorted(self.waited_s)
        busiest = Counter[str]()
        for (name, _), count in self.program.calls.items():
            busiest[name] = max(busiest[name], count)
        return {
            "ours": self.tally.summary(),
            **{name: model.tally.summary() for name, model in self.models.items()},
            "not_hits": dict(self.told.most_common(12)),
            "waited_s": {"p99": quantile(waited, 0.99), "worst": waited[-1] if waited else 0},
            "most_a_second": {
                "supabase": max(self.asked_in_second.values(), default=0),
                "objects": dict(busiest),
            },
        }

    async def _read(self, read: Read) -> None:
        asked_s = self.now_s()
        path = "/rest/v1/profiles?select=*" if read.own else read.path
        headers = {"apikey": KEY}
        if read.own or read.signed_in:
            headers["authorization"] = f"Bearer {self._token}"
        answer = await self.program.ask("GET", path, headers, at="far" if read.far else "home")
        self.waited_s.append(self.now_s() - asked_s)
        status = answer.cache_status
        failed, hit = answer.status != OK, status.startswith("hit")
        if not hit:
            self.told[f"{answer.status} {status}"] += 1
        shown = {} if failed or read.own else shown_in(answer.body or b"")
        old_s = self.history.old_s(shown, asked_s)
        marked = old_s > 0 and ("fwd=stale" in status or "detail=" in status)
        self.tally.add(Reply(asked_s, hit, failed, old_s, marked, read.far))

    def _edit(self, edit: Edit) -> None:
        if self._database.is_down:
            return  # nobody can save anything
        if edit.article is not None:
            self.history.edit(edit.article, self.now_s())
            for model in self.models.values():
                model.edited(edit.at_s)
        self._database.edit(edit.article)
        self._begin(self._poke())

    async def _poke(self) -> None:
        await asyncio.sleep(POKE_S)
        if not self._database.is_down:
            await self.program.poke()

    def _moments(self) -> list[Moment]:
        events, minutes = self._events, round(self._shape.lasts_s / MINUTE_S)
        found = [Moment(self._began_s + n * MINUTE_S, "minute") for n in range(1, minutes)]
        found += [
            Moment(events.deploy_s, "deploy"),
            Moment(events.outage_s, "down"),
            Moment(events.outage_s + events.outage_for_s, "up"),
            Moment(events.schema_s, "schema"),
        ]
        until_s = self._began_s + self._shape.lasts_s
        return sorted((one for one in found if one.at_s < until_s), key=lambda it: it.at_s)

    def _do(self, what: str) -> None:
        if what == "minute":
            self._fold()
            self._begin(self.program.tick(self.program.clock.now_ms() // 60_000))
        elif what == "deploy":
            self.program.declare()
        elif what == "schema":
            self._database.change_schema()
            self._begin(self._poke())
        else:
            self._database.is_down = what == "down"
            for model in self.models.values():
                model.is_down = what == "down"

    def _count(self, what: str) -> None:
        if what == "passed":
            self.tally.asked[what] += 1
        else:
            self.tally.ask(what, self.now_s())
        self.asked_in_second[int(self.now_s())] += 1

    def _fold(self) -> None:
        """Add up what KV did, and forget the fixture's notes, which would fill the memory."""
        self.tally.kv.update(what for _, what, _ in self.program.kv.tried if what != "read")
        self.program.kv.tried.clear()
        self.program.kv.done.clear()
        self.program.log.clear()
        self.tally.kv["objects"] = self.program.calls.total()

    def _begin(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _session(self) -> str:
        claims = {"role": "authenticated", "aud": "authenticated", "exp": START_MS // 1000 + 10**6}
        parts = ({"alg": "HS256", "typ": "JWT"}, claims)
        head = (base64.urlsafe_b64encode(json.dumps(one).encode()) for one in parts)
        return ".".join([*(one.decode().rstrip("=") for one in head), "c2lnbmF0dXJl"])


def simulate(shape: Shape, events: Events) -> dict[str, Any]:
    """Run a day, and return its figures."""
    day = Day(shape, events)
    play(day.run())
    return day.summary()
