"""A Worker with a route of its own. The cache is below `/cache`."""

from pathlib import Path
from typing import Any

from workers import Request, Response, WorkerEntrypoint

from edge_cache.entrypoints import CacheObject, EdgeCache

cache = EdgeCache(Path(__file__).with_name("tables.toml"), prefix="/cache")


class Default(WorkerEntrypoint):
    """The cache answers what is below its prefix, and this Worker everything else."""

    async def fetch(self, request: Request) -> Any:
        """Answer a request."""
        return await cache.fetch(request) or Response("A page of my own.\n")

    async def scheduled(self, controller: Any, _env: Any, _ctx: Any) -> None:
        """Let the cache ask for changes that it was not told of."""
        await cache.scheduled(controller)


class Refresher(CacheObject):  # type: ignore[no-untyped-call]
    """The cache's Durable Objects."""

    cache = cache
