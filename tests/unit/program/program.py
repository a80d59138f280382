"""The whole program in one process: everything of ours is real, everything else is faked.

It is wired as ``src/entry.py`` wires it. KV, the objects' storage and alarms, and Supabase's REST
API are played, in time that only waiting moves. Tests ask as readers, editors and the cron trigger
do; they look at answers, at what Supabase was asked, at what KV holds, and at what was logged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from clock import START_MS, Clock, settle
from durable import DurableObject, ObjectAnswer, Storage
from fake_postgrest import Postgrest
from kv import Kv, Stream

from edge_cache.config import Settings, settings_from
from edge_cache.errors import UpstreamUnreachable
from edge_cache.logged import without_queries
from edge_cache.messages import Passed, Request
from edge_cache.ports import Log
from edge_cache.refresher.parts import Outside
from edge_cache.supabase.asking import Asking
from edge_cache.supabase.rest import Supabase
from edge_cache.traffic import Sums
from edge_cache.urls import cut
from edge_cache.worker import app, scheduled
from edge_cache.worker.counting import Counting
from edge_cache.worker.explaining import Explainer
from edge_cache.worker.guarded import Guarded
from edge_cache.worker.health import Health
from edge_cache.worker.objects import Objects
from edge_cache.worker.operators import Operators
from edge_cache.worker.passing import Passing
from edge_cache.worker.public import Public
from edge_cache.worker.reader import MaxAges, Reader
from edge_cache.worker.sessions import Sessions

SUPABASE = "https://abc.supabase.co"
EDGE = "https://cache.example.com"
KEY = "sb_publishable_everybodys"
SECRET = "correct horse"
BEARER = {"authorization": f"Bearer {SECRET}"}

EXPOSED = (
    "Content-Range, Content-Location, Content-Profile, Content-Disposition, Preference-Applied, "
    "Location, Retry-After, Warning, ETag, Age, Cache-Status"
)
"""What pages of other origins may read of an answer."""

TABLES: Mapping[str, object] = {"articles": {}, "products": {"key": "sku"}}

NOBODY_READS_IT = None
"""A request's body, where nobody may look into it before the request is refused."""


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def json(self) -> Any:
        """The body's JSON value."""
        assert self.body is not None
        return json.loads(self.body)

    @property
    def cache_status(self) -> str:
        """Cache-Status without this cache's name; empty if there is none."""
        return self.headers.get("cache-status", "").removeprefix("supabase-edge-cache; ")

    @property
    def slug(self) -> str:
        """The last part of a problem's type, once it has what every problem has."""
        assert self.headers["content-type"] == "application/problem+json; charset=utf-8"
        assert self.headers["cache-control"] == "no-store"
        assert self.headers["access-control-allow-origin"] == "*"
        assert self.headers["content-length"] == str(len(self.body or b""))
        return str(self.json["type"]).removeprefix("urn:supabase-edge-cache:")


class Program:
    """The program, and a test's hands on it.

    Keywords are the Worker's variables in lower case: ``Program(max_age_seconds=60)``.
    """

    def __init__(self, **variables: object) -> None:
        self._variables = {
            "supabase_url": SUPABASE,
            "supabase_anon_key": KEY,
            "revalidate_secret": SECRET,
            "tables": TABLES,
            "log_hits": "all",
            **variables,
        }
        self.clock = Clock()
        self.kv = Kv(self.clock)
        self.supabase = Postgrest(self.clock)
        self.recorded: list[Sums] = []
        """What isolates gave to Analytics Engine, each time."""
        self.purges = True
        self.purged = 0
        self.log: list[dict[str, object]] = []
        self._apps: dict[str, app.App] = {}
        self._objects: dict[str, DurableObject] = {}
        self._settings: Settings | None = None
        self._background: set[asyncio.Future[None]] = set()

    # Asking.

    async def get(self, path: str, **headers: str) -> Answer:
        """GET a path; header names have ``_`` for ``-``."""
        return await self.ask("GET", path, _named(headers))

    async def head(self, path: str, **headers: str) -> Answer:
        """HEAD a path."""
        return await self.ask("HEAD", path, _named(headers))

    async def query(self, target: str, **headers: str) -> Answer:
        """GET what lies below ``/rest/v1/`` with the public key."""
        return await self.get(f"/rest/v1/{target}", apikey=KEY, **headers)

    async def post(self, path: str, body: object, **headers: str) -> Answer:
        """POST a JSON value, or bytes as they are."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return await self.ask("POST", path, _named(headers), content)

    async def revalidate(self) -> Answer:
        """Have everything read anew, as a person does."""
        return await self.get("/revalidate", **BEARER)

    async def webhook(self, table: str, *keys: object) -> Answer:
        """Send a Database Webhook for each changed row, or one for a TRUNCATE without any key."""
        told = {"type": "UPDATE", "schema": "public", "table": table, "old_record": None}
        key = self._key_of(table)
        payloads = [{**told, "record": {key: one}, "old_record": {key: one}} for one in keys]
        answers = [
            await self.post("/revalidate", payload, **BEARER)
            for payload in payloads or [{**told, "type": "TRUNCATE", "record": None}]
        ]
        return answers[-1]

    async def poke(self) -> Answer:
        """Say that the database has changed, as pg_net does."""
        return await self.post("/revalidate", {})

    async def tick(self, minute: int = START_MS // 60_000) -> None:
        """Run the cron trigger for a minute of the Unix time."""
        declared = self._checked().declared
        await scheduled.heal(declared.tables, Objects(self._call), self._log, minute * 60_000)

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = b"",
        *,
        at: str = "home",
    ) -> Answer:
        """Send a request to the Worker of a location; a path may be a whole URL."""
        sent = dict(headers or {})
        url = EDGE + path if path.startswith("/") else path

        async def read(limit: int) -> bytes | None:
            await asyncio.sleep(0)
            assert body is not None, "Nobody should look into this body."
            return body if len(body) <= limit else None

        native = httpx.Request(method, url, headers=sent, content=body or b"")
        request = Request(method, cut(url), sent.get, read, lambda: read, native)
        answered = await app.answer(lambda: self._app(at), request, self._note)
        if isinstance(answered, Passed):
            passed = answered.response
            assert isinstance(passed, httpx.Response)
            return Answer(passed.status_code, dict(passed.headers), passed.content)
        content = answered.body
        assert content is None or isinstance(content, bytes | Stream)
        sent_body = content.sent() if isinstance(content, Stream) else content
        return Answer(answered.status, answered.headers, sent_body)

    # Time, and what it does.

    async def live(self, seconds: float = 0) -> None:
        """Let time pass, and whatever is due happen."""
        await asyncio.sleep(seconds)
        await settle()

    def set_clock(self, *, by_s: float) -> None:
        """Set the clock forward, or back."""
        self.clock.set_by(round(by_s * 1000))
        for one in self._objects.values():
            one.storage.wind()

    # The objects.

    def durable(self, name: str) -> DurableObject:
        """Return the object of a table, or the project's, ``*``."""
        if name not in self._objects:
            declared = self._checked
            self._objects[name] = DurableObject(
                name, self.clock, lambda: declared().declared, self._outside, self._note
            )
        return self._objects[name]

    def restart(self, name: str) -> None:
        """Have an object lose its memory."""
        self.durable(name).restart()

    def forget_readers(self, name: str) -> None:
        """Have an object forget what readers want, so that nothing is popular."""
        self.durable(name).storage.texts.pop("asked", None)
        self.restart(name)

    def lose_storage(self, name: str) -> None:
        """Have an object lose its storage too."""
        self.durable(name).restart()
        del self._objects[name]

    def end_background(self) -> None:
        """End what goes on behind answers, as the runtime does if it takes too long."""
        for task in self._background:
            task.cancel()

    def declare(self, **variables: object) -> None:
        """Deploy with other variables: objects and isolates begin anew."""
        self._variables |= variables
        self._settings = None
        self._apps.clear()
        for name in self._objects:
            self.restart(name)

    # Looking.

    def events(self, *names: str) -> list[dict[str, object]]:
        """Return the log's lines of these events."""
        return [line for line in self.log if line["event"] in names]

    async def status(self, name: str = "articles") -> dict[str, Any]:
        """Return what `/health` says of a table, or of the project, ``*``."""
        report = (await self.get("/health")).json
        told: dict[str, Any] = report["project"] if name == "*" else report["tables"][name]
        return told

    def _key_of(self, table: str) -> str:
        tables = self._checked().declared.tables
        return next((one.key for one in tables if one.relation == table), "id")

    # Wiring.

    @property
    def _log(self) -> Log:
        return self._note if self._checked().logs_queries else without_queries(self._note)

    def _checked(self) -> Settings:
        if self._settings is None:
            self._settings = settings_from(self._variable, lambda _name, _method: True)
        return self._settings

    def _variable(self, name: str) -> str | None:
        value = self._variables.get(name.lower())
        return value if value is None or isinstance(value, str) else json.dumps(value)

    def _app(self, location: str) -> app.App:
        if location not in self._apps:
            self._apps[location] = self._app_of(location)
        return self._apps[location]

    def _app_of(self, location: str) -> app.App:
        settings, now_ms = self._checked(), self.clock.now_ms
        store, objects = self.kv.at(location), Objects(self._call)
        max_ages = MaxAges(settings.max_age_s, settings.query_max_age_s)
        counting = Counting(now_ms, is_on=settings.counts)
        reader = Reader(
            store,
            objects,
            project=settings.project,
            signed_in=settings.declared.signed_in,
            max_ages=max_ages,
            counting=counting,
            log_hits=settings.log_hits,
            background=self._in_background,
            now_ms=now_ms,
            log=self._log,
        )
        health = Health(
            settings.declared, settings.project, store, objects, now_ms, counts=settings.counts
        )
        passing = Passing(self._pass_on, settings, counting, now_ms, self._log)
        public = Public(settings, Sessions(now_ms))
        explainer = Explainer(
            *(store, settings.project, max_ages, now_ms),
            signed_in=settings.declared.signed_in,
            logs_queries=settings.logs_queries,
        )
        operators = Operators(settings, objects, public, explainer, self._log)
        guarded = Guarded(settings, objects, operators, purge=self._purge, log=self._log)
        return app.App(
            *(reader, objects, health, passing, public),
            guarded=guarded,
            settings=settings,
            counting=counting,
            record=self.recorded.append,
            background=self._in_background,
            log=self._log,
        )

    def _outside(self, storage: Storage) -> Outside:
        settings, now_ms = self._checked(), self.clock.now_ms
        asking = Asking(self.supabase, now_ms, is_on=settings.counts)
        supabase = Supabase(asking, settings, now_ms=now_ms)
        return Outside(
            supabase,
            settings.project,
            supabase.database,
            asking,
            self.kv,
            storage,
            self._call,
            bytes,
            settings.declared.signed_in,
            now_ms,
            self._log,
        )

    async def _call(self, name: str, url: str, body: str = "") -> ObjectAnswer:
        return await self.durable(name).call(url, body)

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _pass_on(
        self, request: object, url: str, cache_status: Callable[[int], str]
    ) -> Passed:
        assert isinstance(request, httpx.Request)
        sent = httpx.Request(request.method, url, headers=request.headers, content=request.content)
        try:
            answer = await self.supabase.handle(sent, passed=True)
        except httpx.TransportError as error:
            raise UpstreamUnreachable("The connection to Supabase was refused.") from error
        answer.headers["cache-status"] = cache_status(answer.status_code)
        return Passed(answer, answer.status_code)

    async def _purge(self) -> bool:
        await asyncio.sleep(0)
        self.purged += 1
        return self.purges

    def _note(self, event: str, /, **fields: object) -> None:
        told = json.dumps(fields)
        assert SECRET not in told
        assert KEY not in told
        assert "private" not in told
        self.log.append({"event": event, **fields})


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
