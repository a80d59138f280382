"""Which request gets which answer: paths, methods, and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge_cache import http
from edge_cache.config import Settings
from edge_cache.errors import (
    BadPath,
    ConfigurationError,
    EdgeCacheError,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    RefresherUnavailable,
    SecretNotConfigured,
    Unauthorized,
)
from edge_cache.http import Answer, Passed, Request
from edge_cache.ports import Log, Purge, Refreshing
from edge_cache.reasons import PassedOn, Reason
from edge_cache.resources import Resource, resource_at
from edge_cache.supabase.webhook import MAX_BYTES, change_in
from edge_cache.tables import PROJECT, Declared
from edge_cache.unexpected import reported
from edge_cache.worker import page, rest_errors, shared_cache, supabase_paths
from edge_cache.worker.auth import is_open, require_secret, signature_in
from edge_cache.worker.health import Health, misconfigured
from edge_cache.worker.origin import require_own_origin
from edge_cache.worker.passing import Passing
from edge_cache.worker.public import Public
from edge_cache.worker.reader import Conditions, Reader

REVALIDATE_PATH = "/revalidate"
HEALTH_PATH = "/health"
_REVALIDATE_METHODS = "GET, POST, OPTIONS"
_READS = frozenset({"GET", "HEAD"})

_WITHOUT_CACHE = (RefresherUnavailable, Overloaded)
"""The cache's own errors. After one of these, the request is passed on to Supabase."""


_NOT_NORMAL = (
    "A path may not have a backslash, or a segment that is empty, . or ..: send its normal form."
)


class App:
    """Routes requests to the reader, the refresher and Supabase."""

    def __init__(  # noqa: PLR0913  its collaborators, nothing else
        self,
        reader: Reader,
        refresher: Refreshing,
        health: Health,
        passing: Passing,
        public: Public,
        *,
        settings: Settings,
        purge: Purge,
        now_ms: Callable[[], int],
        log: Log,
    ) -> None:
        self._reader = reader
        self._refresher = refresher
        self._health = health
        self._passing = passing
        self._public = public
        self._settings = settings
        self._purge = purge
        self._now_ms = now_ms
        self._log = log

    @property
    def shared_max_age_s(self) -> int | None:
        """How many seconds shared caches may answer by themselves. None: not at all."""
        return self._settings.shared_max_age_s

    async def answer(self, request: Request) -> Answer | Passed:
        """Answer a request. Raises EdgeCacheError."""
        if not request.url.is_normal:
            raise BadPath(_NOT_NORMAL)
        path = request.url.route
        resource = resource_at(path, self._settings.declared.tables)
        if resource is not None:
            return await self._read(resource, request)
        api = supabase_paths.api_of(path)
        if api == supabase_paths.REST:
            return await self._rest(request)
        if api is not None and self._passing.has_services:
            return await self._passing.pass_on(request, Reason.SERVICE)
        if path == REVALIDATE_PATH:
            return await self._revalidate(request)
        if path == HEALTH_PATH:
            return await self._report(request)
        return self._elsewhere(path, request)

    async def _rest(self, request: Request) -> Answer | Passed:
        """Answer from the cache. If the cache may not or cannot answer, pass the request on."""
        method = request.method
        if method == "OPTIONS":
            return _options(http.REST_METHODS, request)
        if method not in _READS:
            return await self._passing.pass_on(request, Reason.METHOD)
        asked = self._public.resource_of(request)
        if isinstance(asked, PassedOn):
            return await self._passing.pass_on(request, asked.why)
        try:
            return await self._read(asked, request)
        except EdgeCacheError as error:
            # The cache cannot answer without the refresher, but Supabase may still answer.
            if isinstance(error, _WITHOUT_CACHE) and self._passing.passes_rest:
                return await self._passing.pass_on(request, Reason(error.slug))
            raise

    async def _read(self, resource: Resource, request: Request) -> Answer:
        if not _is_read(request):
            return _options(http.READ_METHODS, request)
        conditions = Conditions(request.header("if-none-match"), head=request.method == "HEAD")
        return await self._reader.read(resource, conditions)

    async def _revalidate(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return _options(_REVALIDATE_METHODS, request)
        if request.method not in {"GET", "POST"}:
            raise MethodNotAllowed(request.method, _REVALIDATE_METHODS)
        if is_open(self._settings.secrets, request.url):
            require_own_origin(request.header, request.url)
        if request.method == "POST":
            return await self._take_webhook(await self._trusted_body(request))
        require_secret(self._settings.secrets, request.header("authorization"), request.url)
        return await self._revalidate_all()

    async def _revalidate_all(self) -> Answer:
        """Revalidate everything at once. If one table fails, the others are still revalidated."""
        tables = self._settings.declared.tables
        outcomes = await asyncio.gather(
            *map(self._refresher.revalidate, (*tables, PROJECT)), return_exceptions=True
        )
        if self.shared_max_age_s is not None and not await self._purge():
            self._log("purge_failed")
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        self._log("revalidated", tables=[table.name for table in tables])
        return http.json_answer({"received": True})

    async def _trusted_body(self, request: Request) -> bytes:
        """Return the body of a request that may revalidate. Nobody looks into it before that."""
        secrets, signature = self._settings.secrets, signature_in(request.header)
        if signature is None or is_open(secrets, request.url):
            require_secret(secrets, request.header("authorization"), request.url)
            return await _body_of(request)
        signature.require_recent(self._now_ms())
        body = await _body_of(request)
        signature.require(secrets, body)
        return body

    async def _take_webhook(self, body: bytes) -> Answer:
        change = change_in(body, self._settings.declared.tables)
        if change.table is not None:
            await self._refresher.record(change.table, change.row_ids)
        # The project comes last, because the outbox is not asked again for a change that it knows.
        await self._refresher.record(PROJECT, (), change.number)
        table = "another" if change.table is None else change.table.name
        self._log("received", table=table, type=change.kind)
        return http.json_answer({"received": True})

    async def _report(self, request: Request) -> Answer:
        if not _is_read(request):
            return _options(http.READ_METHODS, request)
        report = await self._health.report(self._revalidation(request))
        if self._settings.has_page:
            report = page.negotiated(report, request.header("accept"))
        return report

    def _revalidation(self, request: Request) -> str:
        """Return what `/revalidate` needs at this address: try it without a secret."""
        try:
            require_secret(self._settings.secrets, None, request.url)
        except (Unauthorized, SecretNotConfigured) as refused:
            return "secret" if isinstance(refused, Unauthorized) else "closed"
        return "open"

    def _elsewhere(self, path: str, request: Request) -> Answer:
        """Answer with the page, or raise NotFound.

        A CORS preflight succeeds, so that a page of another site can read the 404.
        """
        if request.method == "OPTIONS":
            return _options(http.READ_METHODS, request)
        if path == page.PATH and self._settings.has_page and _is_read(request):
            return page.answer()
        if supabase_paths.api_of(path) is not None:
            raise NotFound(
                'There is nothing at this path; PASS_THROUGH = "all" would pass it on to Supabase.'
            )
        raise NotFound(f"There is nothing at this path{_hint(self._settings.declared)}.")


async def answer(app: Callable[[], App], request: Request, log: Log) -> Answer | Passed:
    """Answer a request, even if that fails. ``app`` may raise ConfigurationError."""
    answered: Answer | Passed
    shared_max_age_s = None
    try:
        with reported(log):
            running = app()
            shared_max_age_s = running.shared_max_age_s
            answered = await running.answer(request)
    except EdgeCacheError as error:
        answered = _refusal(error, request, log)
    if request.method == "HEAD" and isinstance(answered, Answer):
        answered = http.for_head(answered)
    return shared_cache.directed(answered, shared_max_age_s, request.url)


async def _body_of(request: Request) -> bytes:
    body = await request.body(MAX_BYTES)
    if body is None:
        raise PayloadTooLarge(f"A payload may have at most {MAX_BYTES} bytes.")
    return body


def _refusal(error: EdgeCacheError, request: Request, log: Log) -> Answer:
    """Answer with an error in the shape that clients of this path expect."""
    path = request.url.route
    api = supabase_paths.api_of(path)
    answer = http.problem(error)
    if api == supabase_paths.REST or (api is not None and not isinstance(error, _NOT_OF_A_SERVICE)):
        answer = rest_errors.answer_of(error)
    logged = supabase_paths.logged(path)
    log("refused", path=logged, method=request.method, status=answer.status, type=error.slug)
    if isinstance(error, ConfigurationError):
        if request.method == "OPTIONS":  # so that a page can read the faults
            rest = api == supabase_paths.REST
            return _options(http.REST_METHODS if rest else http.READ_METHODS, request)
        return _misconfigured(error, request, path) or answer
    return answer


def _misconfigured(error: ConfigurationError, request: Request, path: str) -> Answer | None:
    """Show the faults at `/health` and on the page. Nobody knows whether the page is turned off."""
    report = misconfigured(error)
    if path == HEALTH_PATH:
        return page.negotiated(report, request.header("accept"))
    if path == page.PATH and request.method in _READS:
        return page.answer(report.status)
    return None


def _hint(declared: Declared) -> str:
    """Return words that name the paths where something is served."""
    tables = [f"/{table.name}" for table in declared.tables]
    paths = tables or [f"{supabase_paths.REST}/{target}" for target in declared.targets]
    return f"; try {' or '.join(paths)}" if paths else ", and no table is served"


_NOT_OF_A_SERVICE = (NotFound, ConfigurationError)
"""These errors mean that Supabase's services are not passed on, or that nobody knows. Then their
paths are like any other."""


def _is_read(request: Request) -> bool:
    """Return whether it is GET or HEAD. If not, it is OPTIONS. Raises MethodNotAllowed."""
    if request.method in _READS:
        return True
    if request.method == "OPTIONS":
        return False
    raise MethodNotAllowed(request.method, http.READ_METHODS)


def _options(allow: str, request: Request) -> Answer:
    return http.options(allow, request.header("access-control-request-headers"))
