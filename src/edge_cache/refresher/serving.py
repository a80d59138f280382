"""The object's side of `edge_cache.wire`: it does what the Worker asks for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from edge_cache import wire
from edge_cache.errors import EdgeCacheError, NotFound
from edge_cache.http import Answer, json_answer
from edge_cache.ports import Log
from edge_cache.refresher.host import Host
from edge_cache.resources import Resource, resource_from
from edge_cache.tables import Declared, Scope
from edge_cache.unexpected import reported

HostOf = Callable[[Scope], Awaitable[Host]]
"""Returns the parts that serve a scope. Raises EdgeCacheError if another object has the scope."""


async def serve(
    url: str,
    text: Callable[[], Awaitable[str]],
    declared: Callable[[], Declared],
    host_of: HostOf,
    log: Log,
) -> Answer:
    """Carry out one request inside the object. An error becomes an answer that carries it."""
    resource: Resource | None = None
    try:
        with reported(log):
            verb, number, path = wire.request_in(url)
            resource = resource_from(path, declared())
            if resource is None:
                raise NotFound("The refresher knows no such table.")
            host = await host_of(resource.scope)
            return await _carry_out(verb, number, resource, host, text)
    except EdgeCacheError as error:
        is_query = resource is not None and resource.query is not None
        return wire.error_answer(error, with_reply=is_query)


async def _carry_out(
    verb: str, number: int, resource: Resource, host: Host, text: Callable[[], Awaitable[str]]
) -> Answer:
    if verb in {wire.FILL, wire.REFILL}:
        filled = await host.fills.fill(resource, version=number, has_stale=verb == wire.REFILL)
        return wire.filled_answer(filled)
    if verb == wire.STATUS:
        return json_answer(host.status())
    if verb == wire.MISSED:
        return wire.missed_answer(await host.catch_up.missed())
    if verb == wire.CHECK:
        return json_answer(await host.revalidation.check())
    if verb == wire.RENEW:
        await host.fills.renew(resource, number)
    elif verb == wire.RECORD:
        await host.backlog.record(json.loads(await text()))
        host.catch_up.note_carried_out(number)
    elif verb == wire.CAUGHT_UP:
        host.catch_up.note_cursor(await text())
    elif verb == wire.REVALIDATE:
        await host.revalidation.revalidate()
    else:
        raise EdgeCacheError("The refresher does not know this verb.")
    return Answer(204)
