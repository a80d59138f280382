"""Which request gets which answer: paths, methods, and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge_cache import messages, tracing
from edge_cache.config import Settings
from edge_cache.errors import (
    BadPath,
    ConfigurationError,
    EdgeCacheError,
    NotForTheCache,
    NotFound,
    Overloaded,
    RefresherUnavailable,
)
from edge_cache.messages import Answer, Passed, ReadBody, Request
from edge_cache.ports import Background, Log, Record, Refreshing
from edge_cache.reasons import PassedOn, Reason
from edge_cache.resources import Resource, resource_at
from edge_cache.tables import Declared
from edge_cache.traffic import HAND_OVER_MS, Outcome
from edge_cache.unexpected import reported
from edge_cache.worker import page, rest_errors, shared_cache, supabase_paths
from edge_cache.worker.counting import Counting
from edge_cache.worker.guarded import Guarded
from edge_cache.worker.health import Health, misconfigured
from edge_cache.worker.passing import Passing
from edge_cache.worker.public import Asked, Public
from edge_cache.worker.reader import Conditions, Reader
from edge_cache.worker.writes import MAX_BODY_BYTES, change_of_write, kept_body

HEALTH_PATH = "/health"
_READS = frozenset({"GET", "HEAD"})
_WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})

WRITE_S = 0.1
"""After a write, the answer waits this long at most until readers know of the change."""

_WITHOUT_CACHE = (RefresherUnavailable, Overloaded)
"""The cache's own failures. After one of these, the request is passed on if that is allowed."""


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
        guarded: Guarded,
        settings: Settings,
        counting: Counting,
        record: Record,
        background: Background,
        log: Log,
    ) -> None:
        self._reader = reader
        self._refresher = refresher
        self._health = health
        self._passing = passing
        self._public = public
        self._guarded = guarded
        self._settings = settings
        self._counting = counting
        self._record = record
        self._background = background
        self._log = log

    @property
    def shared_max_age_s(self) -> int | None:
        """How many seconds shared caches may answer by themselves. None: not at all."""
        return self._settings.shared_max_age_s

    def hand_over(self) -> None:
        """Begin to wait until what is counted is handed over, unless somebody waits already."""
        if self._counting.take_turn():
            self._background(self._count())

    def _count_error(self, resource: Resource, error: EdgeCacheError) -> None:
        self._counting.count(resource.target.name, Outcome.ERROR, detail=error.slug)

    async def _count(self) -> None:
        """Wait for more, and hand all over at once."""
        await asyncio.sleep(HAND_OVER_MS / 1000)
        counts = self._counting.taken()
        if not counts.sums:
            return
        self._record(counts.sums)
        try:
            await self._refresher.count(counts)
        except EdgeCacheError as error:
            self._log("count_failed", type=error.slug, detail=error.detail)

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
        if path == HEALTH_PATH:
            return await self._report(request)
        guarded = self._guarded.route_of(request)
        return await guarded() if guarded else self._elsewhere(path, request)

    async def _rest(self, request: Request) -> Answer | Passed:
        """Answer from the cache. If the cache may not or cannot answer, pass the request on."""
        method = request.method
        if method == "OPTIONS":
            return messages.options(request, messages.REST_METHODS)
        is_read = method in _READS
        asked = self._public.asked_by(request) if is_read else await self._public.called_by(request)
        if isinstance(asked, PassedOn):
            return await self._pass_on(request, asked.why)
        try:
            return await self._cached(asked, request)
        except EdgeCacheError as error:
            # The cache cannot answer, but Supabase may still answer.
            has_failed = isinstance(error, _WITHOUT_CACHE) and self._passing.passes_rest
            if has_failed or isinstance(error, NotForTheCache):
                return await self._pass_on(request, Reason(error.slug))
            self._count_error(asked.resource, error)
            raise

    async def _cached(self, asked: Asked, request: Request) -> Answer:
        """Answer a read of Supabase's clients. Raises EdgeCacheError."""
        is_call = request.method == "POST"
        if_none_match = None if is_call else request.header("if-none-match")
        conditions = Conditions(
            if_none_match, request.method == "HEAD", asked.has_session, self._trace_of(request)
        )
        answer = await self._reader.read(asked.resource, conditions)
        answer = messages.for_post(answer) if is_call else answer
        return messages.for_one_reader(answer) if asked.has_session else answer

    def _trace_of(self, request: Request) -> Callable[[], str]:
        """Return what reads a request's trace, if Supabase may have it with the cache's reads."""
        if not self._settings.traces_fills:
            return str
        return lambda: tracing.well_formed(request.header(tracing.HEADER))

    async def _pass_on(self, request: Request, why: Reason) -> Passed:
        """Pass a request on. If it wrote, what it changed counts as changed at once."""
        if request.method in _READS:
            return await self._passing.pass_on(request, why)
        body = kept_body(request, self._settings.declared)
        passed = await self._passing.pass_on(request, why)
        if passed.is_accepted and request.method in _WRITES:
            recording = asyncio.ensure_future(self._record_write(request, body))
            self._background(recording)
            await asyncio.wait({recording}, timeout=WRITE_S)
        return passed

    async def _record_write(self, request: Request, body: ReadBody | None) -> None:
        try:
            content = await body(MAX_BODY_BYTES) if body else None
            change = change_of_write(request, self._settings.declared, content)
            if change:
                await self._refresher.record([change], written=True)
        except EdgeCacheError as error:
            self._log("record_failed", type=error.slug, detail=error.detail)

    async def _read(self, resource: Resource, request: Request) -> Answer:
        if preflight := messages.preflight(request, messages.READ_METHODS):
            return preflight
        conditions = Conditions(
            request.header("if-none-match"),
            head=request.method == "HEAD",
            trace=self._trace_of(request),
        )
        try:
            return await self._reader.read(resource, conditions)
        except EdgeCacheError as error:
            self._count_error(resource, error)
            raise

    async def _report(self, request: Request) -> Answer:
        if preflight := messages.preflight(request, messages.READ_METHODS):
            return preflight
        report = await self._health.report(self._guarded.needs(request))
        if self._settings.has_page:
            report = page.negotiated(report, request.header("accept"))
        return report

    def _elsewhere(self, path: str, request: Request) -> Answer:
        """Answer with the page, or raise NotFound.

        A CORS preflight succeeds, so that a page of another site can read the 404.
        """
        if request.method == "OPTIONS":
            return messages.options(request, messages.READ_METHODS)
        if path == page.PATH and self._settings.has_page:
            return messages.preflight(request, messages.READ_METHODS) or page.answer()
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
            try:
                answered = await running.answer(request)
            finally:
                running.hand_over()
    except EdgeCacheError as error:
        answered = _refusal(error, request, log)
    if request.method == "HEAD" and isinstance(answered, Answer):
        answered = messages.for_head(answered)
    return shared_cache.directed(answered, shared_max_age_s, request.url)


def _refusal(error: EdgeCacheError, request: Request, log: Log) -> Answer:
    """Answer with an error in the shape that clients of this path expect."""
    path = request.url.route
    api = supabase_paths.api_of(path)
    answer = messages.problem(error)
    if api == supabase_paths.REST or (api is not None and not isinstance(error, _NOT_OF_A_SERVICE)):
        answer = rest_errors.answer_of(error)
    logged = supabase_paths.logged(path)
    log("refused", path=logged, method=request.method, status=answer.status, type=error.slug)
    if isinstance(error, ConfigurationError):
        if request.method == "OPTIONS":  # so that a page can read the faults
            rest = api == supabase_paths.REST
            return messages.options(
                request, messages.REST_METHODS if rest else messages.READ_METHODS
            )
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
    paths = tables or [f"{supabase_paths.REST}/{one.path}" for one in declared.queried]
    return f"; try {' or '.join(paths)}" if paths else ", and no table is served"


_NOT_OF_A_SERVICE = (NotFound, ConfigurationError)
"""These errors mean that Supabase's services are not passed on, or that nobody knows. Then their
paths are like any other."""
