"""What the Worker and the Durable Object say to each other over its ``fetch``. Pure.

A request's URL has the resource's path: ``POST /articles/7`` fills that entry, and
``POST /articles?revalidate`` refreshes the table. The answer is the entry's bytes with its metadata
in a header, 204, or a problem document.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from edge_cache.entries import Metadata, parse_metadata
from edge_cache.errors import EdgeCacheError, NotFound, RefresherUnavailable, RelayedProblem
from edge_cache.http import Answer, Body, problem
from edge_cache.ports import Filled, Log
from edge_cache.refresher import Refresher
from edge_cache.resources import Table, path_of, resource_at
from edge_cache.unexpected import reported

REVALIDATE = "revalidate"
"""The query that asks for a whole table's refresh."""

_METADATA = "x-entry-metadata"
_STORED = "x-entry-stored"


async def serve(url: str, refresher_of: Callable[[Table], Refresher], log: Log) -> Answer:
    """Carry out one request inside the Durable Object; errors become problems."""
    try:
        with reported(log):
            resource = resource_at(path_of(url))
            if resource is None:
                raise NotFound("The refresher knows no such table.")
            refresher = refresher_of(resource.table)
            if url.endswith(f"?{REVALIDATE}"):
                await refresher.revalidate()
                return Answer(204)
            return _filled_answer(await refresher.fill(resource))
    except EdgeCacheError as error:
        return problem(error, cors=False)


def _filled_answer(filled: Filled) -> Answer:
    headers = {_METADATA: filled.metadata.to_json(), _STORED: str(int(filled.stored))}
    return Answer(200, headers, filled.body)


def filled_from(header: Callable[[str], str | None], body: Body) -> Filled:
    """Return the entry that an answer carries. Raises RefresherUnavailable if it carries none."""
    metadata: Metadata | None = parse_metadata(header(_METADATA) or "")
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
