"""The Worker and its Durable Object: wiring, nothing else."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

import httpx
from workers import DurableObject, Request, WorkerEntrypoint

from edge_cache import app, runtime, wire
from edge_cache import refresher as refreshing
from edge_cache.config import Settings, settings_from
from edge_cache.fetch_transport import FetchTransport
from edge_cache.kv import KvReader, KvWriter
from edge_cache.reader import Reader
from edge_cache.refresher_client import RefresherClient
from edge_cache.resources import Table
from edge_cache.supabase import Supabase
from edge_cache.writer import Writer


@cache
def _settings() -> Settings:
    """Return the checked configuration; it cannot change while an isolate lives."""
    env = runtime.environment()
    return settings_from(
        lambda name: runtime.variable(env, name),
        lambda name, method: runtime.has(env, name, method),
    )


@cache
def _app() -> app.App:
    _settings()
    env = runtime.environment()
    client = RefresherClient(env.REFRESHER)
    reader = Reader(KvReader(env.ARTICLES), client, now_ms=runtime.now_ms, log=runtime.log)
    return app.App(reader, client, runtime.log)


class Default(WorkerEntrypoint):
    """The Worker: answers every request."""

    async def fetch(self, request: Request) -> Any:
        """Answer a request, errors included."""
        asked = runtime.request_of(request.js_object)
        return runtime.response_of(await app.answer(_app, asked, runtime.log))


class Refresher(DurableObject):  # type: ignore[no-untyped-call]
    """The Durable Object: hosts the refresher of the one table that it is named after."""

    def __init__(self, ctx: Any, env: Any) -> None:
        """Take the runtime's context and bindings."""
        super().__init__(ctx, env)
        self._hosted: refreshing.Refresher | None = None

    async def fetch(self, request: Request) -> Any:
        """Carry out what the Worker asks for (see `edge_cache.wire`)."""
        return runtime.response_of(await wire.serve(request.url, self._refresher, runtime.log))

    def _refresher(self, table: Table) -> refreshing.Refresher:
        if self._hosted is None:
            self._hosted = _refresher_of(table)
        return self._hosted


def _refresher_of(table: Table) -> refreshing.Refresher:
    settings = _settings()
    # Nothing of the user's environment (proxies, .netrc) can apply in the runtime.
    client = httpx.AsyncClient(transport=FetchTransport(), trust_env=False)
    return refreshing.Refresher(
        table,
        Supabase(client, settings),
        KvWriter(runtime.environment().ARTICLES),
        Writer(now_ms=runtime.now_ms, sleep=asyncio.sleep, log=runtime.log),
        now_ms=runtime.now_ms,
        log=runtime.log,
    )
