"""Which request gets what: paths, methods, and every error as a problem. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge_cache import http
from edge_cache.errors import EdgeCacheError, MethodNotAllowed, NotFound
from edge_cache.http import Answer
from edge_cache.ports import Log, Refreshing
from edge_cache.reader import Conditions, Reader
from edge_cache.resources import TABLES, Resource, path_of, resource_at
from edge_cache.unexpected import reported

REVALIDATE_PATH = "/revalidate"
_REVALIDATE_METHODS = "GET, OPTIONS"


@dataclass(frozen=True, slots=True)
class Request:
    """A request: ``header`` returns one header's value by its lower-case name, or None."""

    method: str
    url: str
    header: Callable[[str], str | None]


class App:
    """Routes requests to the reader and the refresher."""

    def __init__(self, reader: Reader, refresher: Refreshing, log: Log) -> None:
        self._reader = reader
        self._refresher = refresher
        self._log = log

    async def answer(self, request: Request) -> Answer:
        """Answer a request. Raises EdgeCacheError."""
        path = path_of(request.url)
        if path == REVALIDATE_PATH:
            return await self._revalidate(request)
        resource = resource_at(path)
        if resource is None:
            raise NotFound(f"There is nothing at this path; try {_paths()}.")
        return await self._read(resource, request)

    async def _read(self, resource: Resource, request: Request) -> Answer:
        method = request.method
        if method in {"GET", "HEAD"}:
            conditions = Conditions(request.header("if-none-match"), head=method == "HEAD")
            return await self._reader.read(resource, conditions)
        if method == "OPTIONS":
            requested = request.header("access-control-request-headers")
            return http.options(http.READ_METHODS, requested, cors=True)
        raise MethodNotAllowed(method, http.READ_METHODS)

    async def _revalidate(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return http.options(_REVALIDATE_METHODS, None, cors=False)
        if request.method != "GET":
            raise MethodNotAllowed(request.method, _REVALIDATE_METHODS)
        for table in TABLES:
            await self._refresher.revalidate(Resource(table))
        self._log("revalidated", tables=[table.name for table in TABLES])
        return http.json_answer({"received": True})


async def answer(app: Callable[[], App], request: Request, log: Log) -> Answer:
    """Answer a request, errors as problems. ``app`` may raise ConfigurationError."""
    try:
        with reported(log):
            return await app().answer(request)
    except EdgeCacheError as error:
        path = path_of(request.url)
        log("refused", path=path, method=request.method, status=error.status, type=error.slug)
        return http.problem(error, cors=path != REVALIDATE_PATH, head=request.method == "HEAD")


def _paths() -> str:
    return " or ".join(f"/{table.name}" for table in TABLES)
