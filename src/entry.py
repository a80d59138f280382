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
"""In a Durable Object's storage: the name of its scope, which version 0.2.0 asks for."""


@cache
def _settings() -> Settings:
    """Return the checked configuration; it cannot change while an isolate lives."""
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
    """The Worker: answers every request, and looks after the tables from time to time."""

    def __init__(self, _ctx: Any, _env: Any) -> None:
        """Prepare for one request; the runtime makes an instance for each.

        It also looks at the signature of what it calls. A function's is looked up once, a method's
        anew for each instance, which is then remembered: a plain function gives 10 % more hits a
        second. The base class's constructor only keeps the arguments, which are not used here.
        """
        self.fetch = fetch  # type: ignore[method-assign]

    async def fetch(self, request: Request) -> Any:
        """Answer a request; declared for the runtime, which looks for handlers in the class."""
        return await fetch(request)

    async def scheduled(self, controller: Any, _env: Any, _ctx: Any) -> None:
        """Heal what a webhook that never came has left out of date."""
        tables, at_ms = _settings().declared.tables, int(controller.scheduledTime)
        await scheduled.heal(tables, _objects(), runtime.log, at_ms)


class Refresher(DurableObject):  # type: ignore[no-untyped-call]
    """The Durable Object: hosts the refresher of one scope: a table, or the project."""

    def __init__(self, ctx: Any, env: Any) -> None:
        """Take the runtime's context and bindings."""
        super().__init__(ctx, env)
        self._name = str(self.ctx.id.name)
        self._storage = DurableStorage(self.ctx.storage)
        self._host: Host | None = None

    async def fetch(self, request: Request) -> Any:
        """Carry out what the Worker asks for (see `edge_cache.wire`)."""
        answer = await serving.serve(
            request.url, request.text, lambda: _settings().declared, self._hosted, runtime.log
        )
        return runtime.response_of(answer)

    async def alarm(self, _info: Any = None) -> None:
        """Carry out the changes that webhooks told of."""
        await wake(self._woken, self._storage, now_ms=runtime.now_ms, log=runtime.log)

    async def _hosted(self, scope: Scope) -> Host:
        wire.require_own(self._name, scope)
        if self._host is None:
            self._host = host_of(scope, _outside(self._storage))
            self._storage.put(_SCOPE, scope.name)
            # The alarm of an earlier life may be far off, if the clock was set back since.
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
