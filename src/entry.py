"""The Worker and its Durable Object: wiring, nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

from workers import DurableObject, Request, WorkerEntrypoint

from edge_cache import wire
from edge_cache.cloudflare import event_loop, runtime, workers_caching
from edge_cache.cloudflare.durable import DurableStorage
from edge_cache.cloudflare.fetch_transport import FetchTransport
from edge_cache.cloudflare.kv import KvReader, KvWriter
from edge_cache.cloudflare.objects import ObjectNamespace
from edge_cache.cloudflare.passing import pass_on
from edge_cache.config import Settings, settings_from
from edge_cache.refresher import serving
from edge_cache.refresher.host import Host, host_of, wake
from edge_cache.refresher.parts import Outside
from edge_cache.supabase.rest import Supabase
from edge_cache.tables import Scope
from edge_cache.worker import app, scheduled
from edge_cache.worker.health import Health
from edge_cache.worker.objects import Objects
from edge_cache.worker.passing import Passing
from edge_cache.worker.public import Public
from edge_cache.worker.reader import MaxAges, Reader

event_loop.use_microtasks()

_SCOPE = "table"
"""An object's storage has its scope's name under this key, because release 0.2.0 reads it."""


@cache
def _settings() -> Settings:
    """Return the checked configuration. It cannot change while an isolate lives."""
    env = runtime.environment()
    return settings_from(
        lambda name: runtime.variable(env, name),
        lambda name, method: runtime.has(env, name, method),
    )


def _objects() -> Objects:
    return Objects(ObjectNamespace(runtime.environment().REFRESHER).call)


@cache
def _app() -> app.App:
    settings, env = _settings(), runtime.environment()
    store, objects = KvReader(env.ARTICLES), _objects()
    reader = Reader(
        store,
        objects,
        project=settings.project,
        max_ages=MaxAges(settings.max_age_s, settings.query_max_age_s),
        background=runtime.in_background,
        now_ms=runtime.now_ms,
        log=runtime.log,
    )
    health = Health(settings.declared, settings.project, store, objects, runtime.now_ms)
    passing = Passing(pass_on, settings, runtime.log)
    public = Public(settings)
    return app.App(
        *(reader, objects, health, passing, public),
        settings=settings,
        purge=workers_caching.purge,
        now_ms=runtime.now_ms,
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
    """The Durable Object: it has the refresher of one scope, a table or the project."""

    def __init__(self, ctx: Any, env: Any) -> None:
        """Take the runtime's context and bindings."""
        super().__init__(ctx, env)
        self._name = str(self.ctx.id.name)
        self._storage = DurableStorage(self.ctx.storage)
        self._host: Host | None = None

    async def fetch(self, request: Request) -> Any:
        """Do what the Worker asks for (see `edge_cache.wire`)."""
        answer = await serving.serve(
            request.url, request.text, lambda: _settings().declared, self._hosted, runtime.log
        )
        return runtime.response_of(answer)

    async def alarm(self, _info: Any = None) -> None:
        """Carry out pending changes."""
        await wake(self._woken, self._storage, now_ms=runtime.now_ms, log=runtime.log)

    async def _hosted(self, scope: Scope) -> Host:
        wire.require_own(self._name, scope)
        if self._host is None:
            self._host = host_of(scope, _outside(self._storage))
            self._storage.put(_SCOPE, scope.name)
            # If the clock was set back since, the alarm of an earlier life may be far away.
            await self._host.backlog.schedule()
        return self._host

    def _woken(self) -> Host | None:
        if self._host is None:
            scope = wire.scope_of(self._name, _settings().declared)
            self._host = host_of(scope, _outside(self._storage)) if scope else None
        return self._host


def _outside(storage: DurableStorage) -> Outside:
    supabase = Supabase(FetchTransport(), _settings(), now_ms=runtime.now_ms)
    return Outside(
        supabase,
        _settings().project,
        supabase.outbox,
        KvWriter(runtime.environment().ARTICLES),
        storage,
        runtime.Shared,
        runtime.now_ms,
        runtime.log,
    )
