"""`npm run bench -- --ten-minutes`: ten minutes of a busy day on the real runtime.

Readers and editors are ten times as many as on the day that `simulation` plays. In real time, they
ask a Worker in workerd, with its KV and its objects. It writes bench/ten_minutes.json.
"""

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from heapq import merge
from typing import Any

import httpx

import dataset
import edited_database
import rest_reads
from contenders import KEY, OURS, ours
from day.history import History
from day.models import lesson, ttl
from day.tally import Reply, Tally, quantile
from day.traffic import ARTICLES, Edit, Read, Shape, edits, reads
from edited_articles import Articles, shown_in
from edited_database import Supabase, serving
from outbox import ARTICLES as TABLE
from outbox import COMMENTS, TABLES, proven_catalogue
from places import BENCH, WORK
from results import as_text
from serving import Entry, Server, http, require_alive, start

SHAPE = Shape(reads_a_day=2_000_000, edits_an_hour=2_000, first_hour=15, hours=1, hour_s=600.0)

EVENTS = {"deploy": 200.0, "down": 320.0, "up": 380.0, "schema": 480.0}
"""What happens so many seconds after the beginning."""

RESULTS = BENCH / "ten_minutes.json"

_VARIABLES = {
    "TABLES": json.dumps(TABLES),
    "REVALIDATE_SECRET": "only-for-the-benchmark",
    "QUERY_MAX_AGE_SECONDS": "300",
}
_AT_ONCE = 32
_OK = 200

_UNKNOWN = {"operations", "dollars_a_month", "hit_share_by_hour", "supabase_by_hour"}
"""Nobody counts KV's operations in workerd, and there is one hour only."""

_FUNCTIONS = "/rest/v1/rpc/edge_cache_"


@dataclass(frozen=True)
class Moment:
    """Something happens that is neither a read nor an edit."""

    at_s: float
    what: str


@dataclass(frozen=True)
class Database(edited_database.Database):
    """A database whose schema changes, and whose relations are the same for everybody."""

    schemas: list[int] = field(default_factory=list)

    def call(self, path: str, asked: dict[str, str | None]) -> object:
        """Return what a function of the script answers, or None if there is none."""
        if path.endswith("_catalogue"):
            return proven_catalogue(len(self.schemas), asked["known"])
        return super().call(path, asked)


class TenMinutes:
    """The readers, the editors, and what goes wrong."""

    def __init__(self, server: Server, supabase: Supabase, database: Database) -> None:
        self._server, self._supabase, self._database = server, supabase, database
        self._history, self._tally = History(), Tally(SHAPE.hour_s)
        self._models = {
            name: make(self._history, SHAPE.hour_s)
            for name, make in (("ttl", ttl), ("lesson", lesson))
        }
        self._took_ms: dict[str, list[float]] = {"hit": [], "other": []}
        self._told: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._began = 0.0

    def play(self) -> dict[str, Any]:
        """Let the time pass, and return the figures."""
        self._tell()
        time.sleep(2)
        self._began = time.monotonic() - SHAPE.began_s
        moments = (Moment(SHAPE.began_s + at_s, what) for what, at_s in EVENTS.items())
        minutes = (Moment(SHAPE.began_s + 60 * n, "minute") for n in range(1, 10))
        every: list[Iterable[Read | Edit | Moment]] = [reads(SHAPE), edits(SHAPE), moments, minutes]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for one in merge(*every, key=lambda it: it.at_s):
                time.sleep(max(0.0, one.at_s - self._now_s()))
                self._begin(one, pool.submit)
        return self._figures()

    def _now_s(self) -> float:
        return time.monotonic() - self._began

    def _begin(self, one: Read | Edit | Moment, submit: Callable[..., object]) -> None:
        if isinstance(one, Read):
            for model in self._models.values():
                model.read(one)
            submit(self._read, one)
        elif isinstance(one, Edit):
            self._edit(one)
            submit(self._tell)
        elif one.what == "minute":
            print(
                f"{self._now_s() - SHAPE.began_s:4.0f} s: {self._tally.replies} answers", flush=True
            )
        else:
            submit(self._do, one.what)

    def _read(self, read: Read) -> None:
        is_user = read.own or read.signed_in
        headers = rest_reads.SESSION_HEADERS if is_user else rest_reads.HEADERS
        path = "/rest/v1/profiles?select=*" if read.own else read.path
        asked_s, began = self._now_s(), time.perf_counter()
        try:
            answer = http.get(f"{self._server.url}{path}", headers=headers)
        except httpx.TransportError:  # workerd restarts
            answer = httpx.Response(503)
        took_ms = 1000 * (time.perf_counter() - began)
        status = answer.headers.get("cache-status", "").removeprefix("supabase-edge-cache; ")
        hit, failed = status.startswith("hit"), answer.status_code != _OK
        old_s = (
            0.0 if failed or read.own else self._history.old_s(shown_in(answer.content), asked_s)
        )
        marked = old_s > 0 and ("fwd=stale" in status or "detail=" in status)
        with self._lock:
            self._tally.add(Reply(asked_s, hit, failed, old_s, marked))
            self._took_ms["hit" if hit else "other"].append(took_ms)
            if not hit:
                self._told[f"{answer.status_code} {status}"] += 1

    def _edit(self, edit: Edit) -> None:
        if self._supabase.is_down:
            return  # nobody can save anything
        if edit.article is None:
            self._database.edit(COMMENTS, 1, time.time())
            return
        self._history.edit(edit.article, self._now_s())
        self._database.edit(TABLE, edit.article, time.time())
        for model in self._models.values():
            model.edited(edit.at_s)

    def _tell(self) -> None:
        with suppress(httpx.TransportError):  # then it is lost, as one of pg_net's would be
            http.post(f"{self._server.url}/revalidate")

    def _do(self, what: str) -> None:
        print(f"{self._now_s() - SHAPE.began_s:4.0f} s: {what}", flush=True)
        if what == "deploy":
            self._server.restart()
        elif what == "schema":
            self._database.schemas.append(1)
            self._database.outbox.note_schema()
            self._tell()
        else:
            self._supabase.is_down = what == "down"
            for model in self._models.values():
                model.is_down = self._supabase.is_down

    def _figures(self) -> dict[str, Any]:
        asked = self._supabase.asked
        changes = sum(count for path, count in asked.items() if path.startswith(_FUNCTIONS))
        passed = asked["/rest/v1/profiles?select=*"]
        self._tally.asked.update(
            changes=changes, passed=passed, reads=asked.total() - changes - passed
        )
        ours = self._tally.summary()
        took = {name: sorted(found) for name, found in self._took_ms.items()}
        return {
            "shape": asdict(SHAPE),
            "events_s": EVENTS,
            "ours": {name: value for name, value in ours.items() if name not in _UNKNOWN},
            **{name: model.tally.summary() for name, model in self._models.items()},
            "not_hits": dict(self._told.most_common(12)),
            "took_ms": {
                name: {"p50": quantile(one, 0.5), "p99": quantile(one, 0.99), "worst": one[-1]}
                for name, one in took.items()
                if one
            },
        }


@contextmanager
def staged() -> Iterator[TenMinutes]:
    """Start a Supabase and the Worker, until the block ends."""
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "tmp").mkdir(parents=True)
    database = Database(Articles({article: [] for article in range(1, ARTICLES + 1)}))
    with serving(database) as supabase:
        variables = {**_VARIABLES, "SUPABASE_URL": supabase.url, "SUPABASE_ANON_KEY": KEY}
        worker = ours(WORK / "src", {}).given(variables)
        server = start(worker, WORK, Entry(dataset.TINY.body))
        try:
            yield TenMinutes(server, supabase, database)
            require_alive(server.process)
        finally:
            server.process.stop()


def main() -> None:
    """Play it, print, and write the figures."""
    print(f"{OURS} for ten minutes. Close other programs until it ends.", flush=True)
    with staged() as ten_minutes:
        found = ten_minutes.play()
    RESULTS.write_text(as_text(found))
    print("\n".join(f"{name}: {json.dumps(value)}" for name, value in found.items()))


if __name__ == "__main__":
    main()
