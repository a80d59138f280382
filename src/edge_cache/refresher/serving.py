"""The Durable Object's side of `edge_cache.wire`: carries out what the Worker asks for. Pure."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from edge_cache import wire
from edge_cache.errors import EdgeCacheError, NotFound
from edge_cache.http import Answer, json_answer, problem
from edge_cache.ports import Log
from edge_cache.refresher.host import Host
from edge_cache.resources import Resource, Table, path_of, resource_at
from edge_cache.unexpected import reported


async def serve(
    url: str, text: Callable[[], Awaitable[str]], host_of: Callable[[Table], Host], log: Log
) -> Answer:
    """Carry out one request inside the Durable Object; errors become problems."""
    try:
        with reported(log):
            resource = resource_at(path_of(url))
            if resource is None:
                raise NotFound("The refresher knows no such table.")
            verb = url.rpartition("?")[2]
            return await _carry_out(verb, resource, host_of(resource.table), text)
    except EdgeCacheError as error:
        return problem(error, cors=False)


async def _carry_out(
    verb: str, resource: Resource, host: Host, text: Callable[[], Awaitable[str]]
) -> Answer:
    if verb in {wire.FILL, wire.REFILL}:
        return wire.filled_answer(
            await host.refresher.fill(resource, has_stale=verb == wire.REFILL)
        )
    if verb == wire.STATUS:
        return json_answer(host.status())
    if verb == wire.RENEW:
        await host.refresher.renew(resource, int(await text()))
    elif verb == wire.RECORD:
        await host.backlog.record(json.loads(await text()))
    elif verb == wire.CHECK:
        await host.refresher.check()
    else:
        await host.refresher.revalidate()
    return Answer(204)
