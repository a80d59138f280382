"""Which request gets what: paths, methods, and every error as a problem. Pure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge_cache import http
from edge_cache.config import Settings
from edge_cache.errors import (
    ConfigurationError,
    EdgeCacheError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
)
from edge_cache.http import Answer, Request
from edge_cache.ports import Log, Refreshing
from edge_cache.resources import Resource, path_of, resource_at
from edge_cache.supabase.webhook import MAX_BYTES, change_in
from edge_cache.tables import PROJECT
from edge_cache.unexpected import reported
from edge_cache.worker.auth import require_secret
from edge_cache.worker.health import Health, misconfigured
from edge_cache.worker.reader import Conditions, Reader

REVALIDATE_PATH = "/revalidate"
HEALTH_PATH = "/health"
_REVALIDATE_METHODS = "GET, POST, OPTIONS"


class App:
    """Routes requests to the reader and the refresher."""

    def __init__(
        self,
        reader: Reader,
        refresher: Refreshing,
        health: Health,
        settings: Settings,
        log: Log,
    ) -> None:
        self._reader = reader
        self._refresher = refresher
        self._health = health
        self._settings = settings
        self._log = log

    async def answer(self, request: Request) -> Answer:
        """Answer a request. Raises EdgeCacheError."""
        path = path_of(request.url)
        resource = resource_at(path, self._settings.declared.tables)
        if resource is not None:
            return await self._read(resource, request)
        if path == REVALIDATE_PATH:
            return await self._revalidate(request)
        if path == HEALTH_PATH:
            return await self._report(request)
        return self._nothing(request)

    async def _read(self, resource: Resource, request: Request) -> Answer:
        method = request.method
        if method in {"GET", "HEAD"}:
            conditions = Conditions(request.header("if-none-match"), head=method == "HEAD")
            return await self._reader.read(resource, conditions)
        if method == "OPTIONS":
            return _options(http.READ_METHODS, request)
        raise MethodNotAllowed(method, http.READ_METHODS)

    async def _revalidate(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return _options(_REVALIDATE_METHODS, request)
        if request.method not in {"GET", "POST"}:
            raise MethodNotAllowed(request.method, _REVALIDATE_METHODS)
        secret = self._settings.revalidate_secret
        require_secret(secret, request.header("authorization"), request.url)
        if request.method == "POST":
            return await self._take_webhook(request)
        return await self._revalidate_all()

    async def _revalidate_all(self) -> Answer:
        """Revalidate everything side by side; what fails keeps nothing else from it."""
        tables = self._settings.declared.tables
        outcomes = await asyncio.gather(
            *map(self._refresher.revalidate, (*tables, PROJECT)), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        self._log("revalidated", tables=[table.name for table in tables])
        return http.json_answer({"received": True})

    async def _take_webhook(self, request: Request) -> Answer:
        body = await request.body(MAX_BYTES)
        if body is None:
            raise PayloadTooLarge(f"A payload may have {MAX_BYTES} bytes.")
        change = change_in(body, self._settings.declared.tables)
        scopes = (PROJECT,) if change.table is None else (change.table, PROJECT)
        await asyncio.gather(*(self._refresher.record(scope, change) for scope in scopes))
        table = "another" if change.table is None else change.table.name
        self._log("received", table=table, type=change.kind)
        return http.json_answer({"received": True})

    async def _report(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return _options(http.READ_METHODS, request)
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed(request.method, http.READ_METHODS)
        return http.without_body(await self._health.report(), head=request.method == "HEAD")

    def _nothing(self, request: Request) -> Answer:
        """Let a page ask, so that it can read the 404."""
        if request.method == "OPTIONS":
            return _options(http.READ_METHODS, request)
        paths = " or ".join(f"/{table.name}" for table in self._settings.declared.tables)
        raise NotFound(f"There is nothing at this path; try {paths}.")


async def answer(app: Callable[[], App], request: Request, log: Log) -> Answer:
    """Answer a request, errors as problems. ``app`` may raise ConfigurationError."""
    try:
        with reported(log):
            return await app().answer(request)
    except EdgeCacheError as error:
        path, head = path_of(request.url), request.method == "HEAD"
        log("refused", path=path, method=request.method, status=error.status, type=error.slug)
        if isinstance(error, ConfigurationError) and request.method == "OPTIONS":
            return _options(http.READ_METHODS, request)  # so that a page can read the problem
        if isinstance(error, ConfigurationError) and path == HEALTH_PATH:
            return http.without_body(misconfigured(error), head=head)
        return http.without_body(http.problem(error), head=head)


def _options(allow: str, request: Request) -> Answer:
    return http.options(allow, request.header("access-control-request-headers"))
