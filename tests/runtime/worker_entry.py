"""The Worker under test, with some more paths, so that one process serves all tests.

A test can give it other variables, and make it forget everything, or only what is in memory, as an
eviction does. A test can ask whether all its work is done, and how asyncio's callbacks run. A test
can move the machine's clock. This file is copied beside `entry.py` into the tests' own folder;
nothing of it is deployed.
"""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any

import js
from pyodide import code
from pyodide.ffi import create_once_callable
from workers import Request, Response

import entry
from edge_cache.cloudflare import runtime, workers_caching
from edge_cache.refresher.host import Host

RESET = "/__reset"
EVICT = "/__evict"
IDLE = "/__idle"
CONFIGURE = "/__configure"
CLOCK = "/__clock?"
CALLBACKS = "/__callbacks"
PURGES = "/__purges"
POLL_S = 0.02

BINDINGS = ("ARTICLES", "REFRESHER")

_TIME_NS = time.time_ns
_environment = runtime.environment

_used: set[str] = set()
"""The names of the objects that may have something in storage or in memory."""


_purges: list[dict[str, object]] = []
"""What Workers Caching was asked to forget. The local runtime has no Workers Caching."""


async def _purge(options: Any) -> SimpleNamespace:
    _purges.append(options.to_py())
    return SimpleNamespace(success=True)


_modules = SimpleNamespace(cache=SimpleNamespace(purge=_purge))
setattr(workers_caching, "import_from_javascript", lambda _name: _modules)  # noqa: B010  mypy


Default = entry.Default
serve = entry.cache.fetch


async def fetch(request: Request) -> Any:
    """Serve a path for tests, or serve as the Worker does."""
    for door in (RESET, EVICT, IDLE):
        if request.url.endswith(door):
            return await _tell_objects(door)
    if request.url.endswith(CONFIGURE):
        await _tell_objects(EVICT)
        return _configure(json.loads(await request.text()))
    if CLOCK in request.url:
        return _set_clock(int(request.url.rpartition("?")[2]))
    if request.url.endswith(CALLBACKS):
        return await _callbacks()
    if request.url.endswith(PURGES):
        return Response(json.dumps(_purges))
    return await serve(request)


setattr(entry.cache, "fetch", fetch)  # noqa: B010  mypy


async def _tell_objects(door: str) -> Response:
    objects = _environment().REFRESHER
    for name in sorted(_used):
        await objects.getByName(name).fetch(f"https://refresher{door}")
    return Response("done")


def _configure(variables: dict[str, str]) -> Response:
    """Set these variables and no others. Worker and objects share one process."""
    runtime.environment = lambda: SimpleNamespace(
        **{name: getattr(_environment(), name) for name in BINDINGS}, **variables
    )
    vars(entry.cache).pop("settings", None)
    app = vars(entry.cache).pop("_app", None)
    if app:
        app._counting.taken()  # or it would be handed over in the next test
    return Response("configured")


def _set_clock(ms: int) -> Response:
    """Move the machine's clock away from the right time."""
    time.time_ns = lambda: _TIME_NS() + ms * 1_000_000
    return Response("set")


async def _callbacks() -> Response:
    """Return whether callbacks wait for timers, and how often the runtime looked at a signature."""
    fired: list[bool] = []
    js.setTimeout(create_once_callable(lambda: fired.append(True)), 0)
    await asyncio.ensure_future(asyncio.sleep(0))
    looked = code._relaxed_call_sig_cached.cache_info().misses
    return Response(json.dumps({"waited_for_a_timer": bool(fired), "signatures": looked}))


class Refresher(entry.Refresher):  # type: ignore[no-untyped-call]
    """The Durable Object, which can lose its storage and its memory."""

    async def fetch(self, request: Request) -> Any:
        """Wait until all work is done, reset, or serve as the object does."""
        if not request.url.endswith((RESET, EVICT, IDLE)):
            _used.add(self._name)
            return await super().fetch(request)
        while self._host and not self._host.is_idle:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        if request.url.endswith(IDLE):
            return Response("idle")
        if request.url.endswith(RESET):
            _set_clock(0)
            await self.ctx.storage.deleteAlarm()
            await self.ctx.storage.deleteAll()
            _used.discard(self._name)
        for timer in self._timers():
            timer.cancel()  # the timer would die with the object
        self._host = None
        return Response("forgotten")

    def _timers(self) -> list[asyncio.TimerHandle]:
        """Return the timers of what the object will do if it stays alive."""
        if self._host is None:
            return []
        host, timers = self._host, [self._host.backlog._timer]
        if isinstance(host, Host):
            timers.append(host.known.demand._store_soon._timer)
            supabase: Any = host.reads._source
            supabase._requests._transport.taken()  # or it would be handed over later
        else:
            timers += [host._traffic._store_soon._timer, host.queries._store_soon._timer]
            host._asking.taken()
        return [timer for timer in timers if timer is not None]
