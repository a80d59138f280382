"""The Worker and its Durable Objects: wiring, nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

from workers import DurableObject, Request, WorkerEntrypoint

from edge_cache.cloudflare import event_loop, runtime, workers_caching
from edge_cache.cloudflare.durable import DurableStorage
from edge_cache.cloudflare.fetch_transport import FetchTransport
from edge_cache.cloudflare.forwarding import pass_on
from edge_cache.cloudflare.kv import KvReader, KvWriter
from edge_cache.cloudflare.object_namespace import ObjectNamespace
from edge_cache.config import Settings, settings_from
from edge_cache.refresher import serving
from edge_cache.refresher.bookkeeping import Bookkeeping
from edge_cache.refresher.host import Host, parts_of, wake
from edge_cache.refresher.parts import Outside
from edge_cache.supabase.rest import Supabase
from edge_cache.worker import app, scheduled
from edge_cache.worker.health import Health
from edge_cache.worker.objects import Objects
from edge_cache.worker.passing import Passing
from edge_cache.worker.public import Public
from edge_cache.worker.reader import MaxAges, Reader
from edge_cache.worker.sessions import Sessions

event_loop.use_microtasks()


@cache
def _settings() -> Settings:
    """Return the checked configuration. It cannot change while an isolate lives."""
    env = runtime.environment()
    return settings_from(
        lambda name: runtime.variable(env, name),
        lambda name, method: runtime.has(env, name, method),
    )


def _objects() -> Objects:
    return Objects(_namespace().call)


def _namespace() -> ObjectNamespace:
    return ObjectNamespace(runtime.environment().REFRESHER, _settings().location_hint)


@cache
def _app() -> app.App:
    settings, env = _settings(), runtime.environment()
    store, objects = KvReader(env.ARTICLES), _objects()
    reader = Reader(
        store,
        objects,
        project=settings.project,
        signed_in=settings.declared.signed_in,
        max_ages=MaxAges(settings.max_age_s, settings.query_max_age_s),
        background=runtime.in_background,
        now_ms=runtime.now_ms,
        log=runtime.log,
    )
    health = Health(settings.declared, settings.project, store, objects, runtime.now_ms)
    passing = Passing(pass_on, settings, runtime.log)
    public = Public(settings, Sessions(runtime.now_ms))
    return app.App(
        *(reader, objects, health, passing, public),
        settings=settings,
        purge=workers_caching.purge,
        background=runtime.in_background,
        log=runtime.log,
    )


async def fetch(request: Request) -> Any:
    """Answer a request, errors included."""
    asked = runtime.request_of(request.js_object)
    return runtime.response_of(await app.answer(_app, asked, runtime.log))


class Default(WorkerEntrypoint):
    """The Worker: it answers every request, and makes up for lost webhooks every minute."""

    def __init__(self, _ctx: Any, _env: Any) -> None:
        """Prepare for one request. The runtime makes an instance for each.

        It also looks up the signature of what it calls: a function's once, but a method's again for
        each instance. So a plain function allows 10 % more hits a second. The base class's
        constructor only keeps the arguments, and we do not use those.
        """
        self.fetch = fetch  # type: ignore[method-assign]

    async def fetch(self, request: Request) -> Any:
        """Answer a request. The runtime looks for handlers in the class, so this is declared."""
        return await fetch(request)

    async def scheduled(self, controller: Any, _env: Any, _ctx: Any) -> None:
        """Refresh what is outdated because a webhook never came."""
        tables, at_ms = _settings().declared.tables, int(controller.scheduledTime)
        await scheduled.heal(tables, _objects(), runtime.log, at_ms)


class Refresher(DurableObject):  # type: ignore[no-untyped-call]
    """The Durable Object: it serves one target, or it is the ledger."""

    def __init__(self, ctx: Any, env: Any) -> None:
        """Take the runtime's context and bindings."""
        super().__init__(ctx, env)
        self._name = str(self.ctx.id.name)
        self._storage = DurableStorage(self.ctx.storage)
        self._host: Host | Bookkeeping | None = None

    async def fetch(self, request: Request) -> Any:
        """Do what the Worker or another object asks for (see `edge_cache.wire`)."""
        answer = await serving.serve(
            request.url, request.text, lambda: _settings().declared, self._hosted, runtime.log
        )
        return runtime.response_of(answer)

    async def alarm(self, _info: Any = None) -> None:
        """Carry out what is pending."""
        await wake(self._woken, self._storage, now_ms=runtime.now_ms, log=runtime.log)

    async def _hosted(self) -> Host | Bookkeeping | None:
        is_new = self._host is None
        host = self._woken()
        if host and is_new:
            # If the clock was set back since, the alarm of an earlier life may be far away.
            await host.backlog.schedule()
        return host

    def _woken(self) -> Host | Bookkeeping | None:
        if self._host is None:
            declared, outside = _settings().declared, _outside(self._storage)
            self._host = parts_of(self._name, declared, outside)
        return self._host


def _outside(storage: DurableStorage) -> Outside:
    supabase = Supabase(FetchTransport(), _settings(), now_ms=runtime.now_ms)
    return Outside(
        supabase,
        _settings().project,
        supabase.database,
        KvWriter(runtime.environment().ARTICLES),
        storage,
        _namespace().call,
        runtime.Shared,
        _settings().declared.signed_in,
        runtime.now_ms,
        runtime.log,
    )
