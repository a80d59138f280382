"""What the Worker and the Durable Object say to each other over its ``fetch``. Pure.

A request's URL has the resource's path, and its query a verb with a number where it needs one:
``/articles/7?fill=5``. The answer is the entry's bytes with what is known of it in a header,
JSON, 204, or a problem document. Each crossing between Python and JavaScript takes its time, so
there are as few headers and bodies as possible.
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
"""As `FILL`, for a reader who has a stale entry. The number is the version that it sees."""
RENEW = "renew"
"""The number is the time at which the entry was read."""
REVALIDATE = "revalidate"
CHECK = "check"
RECORD = "record"
STATUS = "status"

_ENTRY = "x-entry"
"""Whether KV has it and whether Supabase was asked, as two digits, then the metadata."""


def filled_answer(filled: Filled) -> Answer:
    """Return the answer that carries an entry."""
    known = f"{filled.stored:d}{filled.asked:d}{filled.metadata.to_json()}"
    return Answer(200, {_ENTRY: known}, filled.body)


def filled_from(header: Callable[[str], str | None], body: Body) -> Filled:
    """Return the entry that an answer carries. Raises RefresherUnavailable if it carries none."""
    known = header(_ENTRY) or ""
    metadata = parse_metadata(known[2:])
    if metadata is None:
        raise RefresherUnavailable("The refresher's answer carries no entry.")
    return Filled(metadata, body, stored=known[0] == "1", asked=known[1] == "1")


def error_from(text: str, retry_after: str | None) -> EdgeCacheError:
    """Return the error that an answer carries."""
    try:
        document = json.loads(text)
        return RelayedProblem(document, int(retry_after) if retry_after else None)
    except (ValueError, AttributeError):
        return RefresherUnavailable("The refresher failed.")
