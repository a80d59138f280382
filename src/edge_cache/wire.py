"""What the Worker and the Durable Object say to each other over its ``fetch``. Pure.

A request's URL has the resource's path, and its query a verb: ``POST /articles/7?fill``. The answer
is the entry's bytes with its metadata in a header, JSON, 204, or a problem document.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from edge_cache.entries import parse_metadata
from edge_cache.errors import EdgeCacheError, NotFound, RefresherUnavailable, RelayedProblem
from edge_cache.host import Host
from edge_cache.http import Answer, Body, json_answer, problem
from edge_cache.ports import Filled, Log
from edge_cache.resources import Resource, Table, path_of, resource_at
from edge_cache.unexpected import reported

FILL = "fill"
REFILL = "refill"
RENEW = "renew"
REVALIDATE = "revalidate"
CHECK = "check"
RECORD = "record"
STATUS = "status"

_METADATA = "x-entry-metadata"
_STORED = "x-entry-stored"


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
    if verb in {FILL, REFILL}:
        return _filled_answer(await host.refresher.fill(resource, has_stale=verb == REFILL))
    if verb == STATUS:
        return json_answer(host.status())
    if verb == RENEW:
        await host.refresher.renew(resource, int(await text()))
    elif verb == RECORD:
        await host.backlog.record(json.loads(await text()))
    elif verb == CHECK:
        await host.refresher.check()
    else:
        await host.refresher.revalidate()
    return Answer(204)


def _filled_answer(filled: Filled) -> Answer:
    headers = {_METADATA: filled.metadata.to_json(), _STORED: str(int(filled.stored))}
    return Answer(200, headers, filled.body)


def filled_from(header: Callable[[str], str | None], body: Body) -> Filled:
    """Return the entry that an answer carries. Raises RefresherUnavailable if it carries none."""
    metadata = parse_metadata(header(_METADATA) or "")
    if metadata is None:
        raise RefresherUnavailable("The refresher's answer carries no entry.")
    return Filled(metadata, body, stored=header(_STORED) == "1")


def error_from(text: str, retry_after: str | None) -> EdgeCacheError:
    """Return the error that an answer carries."""
    try:
        document = json.loads(text)
        return RelayedProblem(document, int(retry_after) if retry_after else None)
    except (ValueError, AttributeError):
        return RefresherUnavailable("The refresher failed.")
