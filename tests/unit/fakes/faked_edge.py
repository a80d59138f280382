"""The Worker's reader, and the whole Worker, over faked ports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from faked_ports import (
    NOW_MS,
    FakeBackground,
    FakeLog,
    FakePassOn,
    FakePurge,
    FakeRefresher,
    FakeStore,
    FakeStream,
    FakeValue,
    members,
    now_ms,
)

from edge_cache.config import PassThrough, Settings
from edge_cache.entries import Versions
from edge_cache.http import Answer, Passed, Request
from edge_cache.resources import Resource
from edge_cache.tables import Declared, Table
from edge_cache.urls import cut
from edge_cache.worker import app
from edge_cache.worker.health import Health
from edge_cache.worker.passing import Passing
from edge_cache.worker.public import Public
from edge_cache.worker.reader import Conditions, MaxAges, Reader

ARTICLES = Table("articles")
PRODUCTS = Table("products", key="sku")
SECRET = "correct horse"
BEARER = {"authorization": f"Bearer {SECRET}"}
EXPOSED = (
    "Content-Range, Content-Location, Content-Profile, Content-Disposition, Preference-Applied, "
    "Location, Retry-After, Warning, ETag, Age, Cache-Status"
)
"""What pages of other origins may read of an answer."""

NATIVE = object()
"""What the runtime has for a request."""

PROJECT_NAME = "ab12"
"""By which entries name the project that they are of."""

ELSEWHERE = "https://cache.example.com"


@dataclass
class FakedReader:
    """A reader over its ports."""

    store: FakeStore = field(default_factory=FakeStore)
    refresher: FakeRefresher = field(default_factory=FakeRefresher)
    background: FakeBackground = field(default_factory=FakeBackground)
    log: FakeLog = field(default_factory=FakeLog)
    max_age_s: int | None = None
    query_max_age_s: int = 300
    now_ms: int = NOW_MS

    def read(
        self, resource: Resource, if_none_match: str | None = None, *, head: bool = False
    ) -> Answer:
        """Read, and let the background finish."""
        reader = Reader(
            self.store,
            self.refresher,
            project=PROJECT_NAME,
            max_ages=MaxAges(self.max_age_s, self.query_max_age_s),
            background=self.background,
            now_ms=lambda: self.now_ms,
            log=self.log,
        )

        async def run() -> Answer:
            try:
                return await reader.read(resource, Conditions(if_none_match, head=head))
            finally:
                await self.background.finish()

        return asyncio.run(run())

    def keep(self, resource: Resource, value: FakeValue, *, published: int = 0) -> FakeStream:
        """Put a value into the store, and publish its scope's version; return its stream."""
        self.store.values[resource.key] = value
        rows, queries = (published, 0) if resource.query is None else (0, published)
        self.store.versions[resource.scope.version_key] = Versions(rows, queries)
        return value.stream


@dataclass
class FakedWorker:
    """The Worker over its ports."""

    store: FakeStore = field(default_factory=FakeStore)
    refresher: FakeRefresher = field(default_factory=FakeRefresher)
    supabase: FakePassOn = field(default_factory=FakePassOn)
    pass_through: PassThrough = PassThrough.REST
    log: FakeLog = field(default_factory=FakeLog)
    tables: tuple[Table, ...] = (ARTICLES, PRODUCTS)
    others: frozenset[tuple[str, str]] = frozenset()
    secret: str | None = SECRET
    previous_secret: str | None = None
    shared_max_age_s: int | None = None
    has_page: bool = True
    purge: FakePurge = field(default_factory=FakePurge)
    limits: list[int] = field(default_factory=list)
    """How many bytes of a body were asked for, each time."""

    def worker(self) -> app.App:
        """Make the Worker."""
        reader = Reader(
            self.store,
            self.refresher,
            project=PROJECT_NAME,
            max_ages=MaxAges(),
            background=FakeBackground(),
            now_ms=now_ms,
            log=self.log,
        )
        settings = Settings(
            "https://abc.supabase.co",
            "key",
            revalidate_secret=self.secret,
            previous_secret=self.previous_secret,
            declared=Declared(self.tables, self.others),
            pass_through=self.pass_through,
            shared_max_age_s=self.shared_max_age_s,
            has_page=self.has_page,
        )
        health = Health(settings.declared, PROJECT_NAME, self.store, self.refresher, now_ms)
        passing = Passing(self.supabase, settings, self.log)
        public = Public(settings)
        return app.App(
            *(reader, self.refresher, health, passing, public),
            settings=settings,
            purge=self.purge,
            now_ms=now_ms,
            log=self.log,
        )

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = b"",
        made: Callable[[], app.App] | None = None,
    ) -> Answer:
        """Send a request; a body of None is one beyond the limit."""
        answer = self._send(method, path, headers, body, made)
        assert isinstance(answer, Answer)
        return answer

    def pass_on(self, method: str, path: str) -> Passed:
        """Send a request that Supabase is to answer."""
        answer = self._send(method, path, None, b"", None)
        assert isinstance(answer, Passed)
        return answer

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None,
        body: bytes | None,
        made: Callable[[], app.App] | None,
    ) -> Answer | Passed:
        async def read(limit: int) -> bytes | None:
            self.limits.append(limit)
            return body

        url = path if "://" in path else ELSEWHERE + path
        request = Request(method, cut(url), (headers or {}).get, read, native=NATIVE)
        return asyncio.run(app.answer(made or self.worker, request, self.log))

    def events(self) -> list[object]:
        """Return the logged events."""
        return [line["event"] for line in self.log.lines]


def status_of(answer: Answer) -> str:
    """Return Cache-Status without this cache's name."""
    name, _, parts = answer.headers["cache-status"].partition("; ")
    assert name == "supabase-edge-cache"
    return parts


def problem_of(answer: Answer) -> dict[str, object]:
    """Return a problem's members, having looked at what every problem has."""
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert isinstance(answer.body, bytes)
    assert answer.headers["content-length"] == str(len(answer.body))
    return members(answer.body)


def slug_of(answer: Answer) -> str:
    """Return the last part of a problem's type."""
    return str(problem_of(answer)["type"]).removeprefix("urn:supabase-edge-cache:")


def webhook(**others: object) -> bytes:
    """Return the payload of an UPDATE of an article."""
    payload: dict[str, object] = {
        "type": "UPDATE",
        "table": "articles",
        "schema": "public",
        "record": {"id": 7, "title": "private"},
        "old_record": {"id": 7},
    }
    return json.dumps({**payload, **others}).encode()
