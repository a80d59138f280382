"""What a Worker's entry point is made of: wiring, nothing else.

Wrangler's ``main`` is a file of the user's. It makes an `EdgeCache`, lets its own ``Default`` call
that, and has a subclass of `CacheObject` named as in wrangler.toml. `src/entry.py` is the smallest
one, and `examples/own-routes` has routes of its own beside the cache.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from workers import DurableObject, Request

from edge_cache.cloudflare import analytics_engine, event_loop, runtime, workers_caching
from edge_cache.cloudflare.durable import DurableStorage
from edge_cache.cloudflare.fetch_transport import FetchTransport
from edge_cache.cloudflare.forwarding import pass_on
from edge_cache.cloudflare.kv import KvReader, KvWriter
from edge_cache.cloudflare.object_namespace import ObjectNamespace
from edge_cache.config import Settings, settings_from
from edge_cache.logged import without_queries
from edge_cache.ports import Log
from edge_cache.refresher import serving
from edge_cache.refresher.bookkeeping import Bookkeeping
from edge_cache.refresher.host import Host, parts_of, wake
from edge_cache.refresher.parts import Outside
from edge_cache.supabase.asking import Asking
from edge_cache.supabase.rest import Supabase
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

event_loop.use_microtasks()


class EdgeCache:
    """The cache. Make one when the module is imported, and keep it.

    ``tables`` is the path of the declaration, ``tables.toml``. All paths of the cache begin with
    ``prefix``, such as ``/cache``. It begins with a slash and has none at its end.
    """

    def __init__(self, tables: Path, prefix: str = "") -> None:
        self._tables = tables
        self._prefix = prefix

    async def fetch(self, request: Request) -> Any:
        """Answer a request, errors included. Return None if its path has another prefix."""
        asked = runtime.request_of(request.js_object, self._prefix)
        if asked is None:
            return None
        return runtime.response_of(await app.answer(self._app_made, asked, runtime.log))

    async def scheduled(self, controller: Any) -> None:
        """Refresh what is outdated because a webhook never came. The cron trigger calls it."""
        tables, at_ms = self.settings.declared.tables, int(controller.scheduledTime)
        objects = Objects(self.objects.call)
        await scheduled.heal(tables, objects, self._log, at_ms)

    @cached_property
    def settings(self) -> Settings:
        """The checked configuration. It cannot change while an isolate lives.

        Raises ConfigurationError.
        """
        env = runtime.environment()
        return settings_from(
            lambda name: runtime.variable(env, name),
            lambda name, method: runtime.has(env, name, method),
            self._tables.read_text() if self._tables.exists() else None,
        )

    @property
    def objects(self) -> ObjectNamespace:
        """The Durable Objects."""
        return ObjectNamespace(runtime.environment().REFRESHER, self.settings.location_hint)

    def outside(self, storage: DurableStorage) -> Outside:
        """Return what an object needs of the world."""
        settings = self.settings
        asking = Asking(FetchTransport(), runtime.now_ms, is_on=settings.counts)
        supabase = Supabase(asking, settings, now_ms=runtime.now_ms)
        return Outside(
            supabase,
            settings.project,
            supabase.database,
            asking,
            KvWriter(runtime.environment().ARTICLES),
            storage,
            self.objects.call,
            runtime.Shared,
            settings.declared.signed_in,
            runtime.now_ms,
            self._log,
        )

    @cached_property
    def _log(self) -> Log:
        return runtime.log if self.settings.logs_queries else without_queries(runtime.log)

    @cached_property
    def _app(self) -> app.App:
        settings = self.settings
        store, objects = KvReader(runtime.environment().ARTICLES), Objects(self.objects.call)
        max_ages = MaxAges(settings.max_age_s, settings.query_max_age_s)
        counting = Counting(runtime.now_ms, is_on=settings.counts)
        reader = Reader(
            store,
            objects,
            project=settings.project,
            signed_in=settings.declared.signed_in,
            max_ages=max_ages,
            counting=counting,
            log_hits=settings.log_hits,
            background=runtime.in_background,
            now_ms=runtime.now_ms,
            log=self._log,
        )
        health = Health(
            *(settings.declared, settings.project, store, objects, runtime.now_ms),
            counts=settings.counts,
        )
        passing = Passing(pass_on, settings, counting, runtime.now_ms, self._log)
        public = Public(settings, Sessions(runtime.now_ms))
        explainer = Explainer(
            *(store, settings.project, max_ages, runtime.now_ms),
            signed_in=settings.declared.signed_in,
            logs_queries=settings.logs_queries,
        )
        operators = Operators(settings, objects, public, explainer, self._log)
        guarded = Guarded(settings, objects, operators, purge=workers_caching.purge, log=self._log)
        return app.App(
            *(reader, objects, health, passing, public),
            guarded=guarded,
            settings=settings,
            counting=counting,
            record=analytics_engine.record,
            background=runtime.in_background,
            log=self._log,
        )

    def _app_made(self) -> app.App:
        return self._app


class CacheObject(DurableObject):  # type: ignore[no-untyped-call]
    """The Durable Object: it serves one target, or it is the ledger. A subclass sets ``cache``."""

    cache: EdgeCache

    def __init__(self, ctx: Any, env: Any) -> None:
        """Take the runtime's context and bindings."""
        super().__init__(ctx, env)
        self._name = str(self.ctx.id.name)
        self._storage = DurableStorage(self.ctx.storage)
        self._host: Host | Bookkeeping | None = None

    async def fetch(self, request: Request) -> Any:
        """Do what the Worker or another object asks for (see `edge_cache.wire`)."""
        answer = await serving.serve(
            *(request.url, request.text, lambda: self.cache.settings.declared),
            *(self._hosted, runtime.log),
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
            outside = self.cache.outside(self._storage)
            self._host = parts_of(self._name, self.cache.settings.declared, outside)
        return self._host
