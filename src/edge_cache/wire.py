"""What the Worker and the Durable Object say to each other over its ``fetch``. Pure.

A request's URL has the resource's path, and its query a verb: ``POST /articles/7?fill``. The answer
is the entry's bytes with its metadata in a header, JSON, 204, or a problem document.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from edge_cache.entries import parse_metadata
from edge_cache.errors import EdgeCacheError, RefresherUnavailable, RelayedProblem
from edge_cache.http import Answer, Body
from edge_cache.ports import Filled

FILL = "fill"
REFILL = "refill"
"""As `FILL`, for a reader who has a stale entry. The body of both is the version that it sees."""
RENEW = "renew"
REVALIDATE = "revalidate"
CHECK = "check"
RECORD = "record"
STATUS = "status"

_METADATA = "x-entry-metadata"
_STORED = "x-entry-stored"
_ASKED = "x-supabase-asked"


def filled_answer(filled: Filled) -> Answer:
    """Return the answer that carries an entry."""
    headers = {
        _METADATA: filled.metadata.to_json(),
        _STORED: str(int(filled.stored)),
        _ASKED: str(int(filled.asked)),
    }
    return Answer(200, headers, filled.body)


def filled_from(header: Callable[[str], str | None], body: Body) -> Filled:
    """Return the entry that an answer carries. Raises RefresherUnavailable if it carries none."""
    metadata = parse_metadata(header(_METADATA) or "")
    if metadata is None:
        raise RefresherUnavailable("The refresher's answer carries no entry.")
    return Filled(metadata, body, stored=header(_STORED) == "1", asked=header(_ASKED) == "1")


def error_from(text: str, retry_after: str | None) -> EdgeCacheError:
    """Return the error that an answer carries."""
    try:
        document = json.loads(text)
        return RelayedProblem(document, int(retry_after) if retry_after else None)
    except (ValueError, AttributeError):
        return RefresherUnavailable("The refresher failed.")
