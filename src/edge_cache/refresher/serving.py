"""The Durable Object's side of `edge_cache.wire`: carries out what the Worker asks for. Pure."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable

from edge_cache import wire
from edge_cache.errors import EdgeCacheError, NotFound
from edge_cache.http import Answer, json_answer, problem
from edge_cache.ports import Log
from edge_cache.refresher.host import Host
from edge_cache.resources import Resource, path_of, resource_at
from edge_cache.tables import Table
from edge_cache.unexpected import reported

HostOf = Callable[[Table], Awaitable[Host]]
"""Returns the parts that serve a table."""


async def serve(
    url: str,
    text: Callable[[], Awaitable[str]],
    tables: Callable[[], Iterable[Table]],
    host_of: HostOf,
    log: Log,
) -> Answer:
    """Carry out one request inside the Durable Object; errors become problems."""
    try:
        with reported(log):
            resource = resource_at(path_of(url), tables())
            if resource is None:
                raise NotFound("The refresher knows no such table.")
            verb, _, number = url.rpartition("?")[2].partition("=")
            host = await host_of(resource.table)
            return await _carry_out(verb, int(number or 0), resource, host, text)
    except EdgeCacheError as error:
        return problem(error)


async def _carry_out(
    verb: str, number: int, resource: Resource, host: Host, text: Callable[[], Awaitable[str]]
) -> Answer:
    if verb in {wire.FILL, wire.REFILL}:
        filled = await host.fills.fill(resource, version=number, has_stale=verb == wire.REFILL)
        return wire.filled_answer(filled)
    if verb == wire.STATUS:
        return json_answer(host.status())
    if verb == wire.RENEW:
        await host.fills.renew(resource, number)
    elif verb == wire.RECORD:
        await host.backlog.record(json.loads(await text()))
    elif verb == wire.CHECK:
        await host.revalidation.check()
    else:
        await host.revalidation.revalidate()
    return Answer(204)
