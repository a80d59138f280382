"""What the Worker and the object send each other through the object's ``fetch``.

A request's URL has a verb, a number (0 if the verb needs none) and the resource's path:
``/fill/5?/articles/7``. The path is the URL's query, because there nothing is folded. The project's
path is ``/``.

The answer is one of these: an entry's bytes with its metadata in a header; JSON; 204; or an error
in a header, with Supabase's own words as the body. It has as few headers and bodies as possible,
because each call between Python and JavaScript costs time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from edge_cache.bodies import Body
from edge_cache.entries import Entry, parse_metadata
from edge_cache.errors import (
    ConfigurationError,
    EdgeCacheError,
    MethodNotAllowed,
    RefresherUnavailable,
    Reply,
    Unauthorized,
    UpstreamError,
)
from edge_cache.http import Answer, json_answer
from edge_cache.ports import Filled, Missed
from edge_cache.tables import PROJECT, Declared, Scope
from edge_cache.urls import cut

FILL = "fill"
REFILL = "refill"
"""It is `FILL` for a reader who has an outdated entry. The number is the version that it sees."""
RENEW = "renew"
"""The number is the time when a reader was last known to want the entry."""
REVALIDATE = "revalidate"
CHECK = "check"
RECORD = "record"
"""The number is the change's own in the database."""
STATUS = "status"
MISSED = "missed"
CAUGHT_UP = "caught-up"

_PROJECTS_OBJECT = "*"
"""No table has this name."""

ERROR = "x-error"
"""JSON: the error's members, and the status and headers of Supabase's own answer."""

_ENTRY = "x-entry"
"""Two digits (whether KV has the entry, whether Supabase was asked), then the metadata."""


def filled_answer(filled: Filled) -> Answer:
    """Return the answer that carries an entry."""
    known = f"{filled.stored:d}{filled.asked:d}{filled.entry.metadata.to_json()}"
    return Answer(200, {_ENTRY: known}, filled.entry.body)


def filled_from(header: Callable[[str], str | None], body: Body) -> Filled:
    """Return the entry that an answer carries. Raises RefresherUnavailable if it carries none."""
    known = header(_ENTRY) or ""
    metadata = parse_metadata(known[2:])
    if metadata is None:
        raise RefresherUnavailable("The refresher's answer carries no entry.")
    return Filled(Entry(metadata, body), stored=known[0] == "1", asked=known[1] == "1")


def missed_answer(missed: Missed | None) -> Answer:
    """Return the answer that carries the changes that no webhook brought."""
    return json_answer(asdict(missed) if missed else None)


def missed_from(told: Any) -> Missed | None:
    """Return the missed changes that an answer carries."""
    return Missed(**told) if told else None


def object_of(scope: Scope) -> str:
    """Return the name of the object that reads and writes a scope's entries.

    Each key must have one object only. If a table ever has too many queries for one object, the
    query's key could choose one of several, but then each of them must get the table's changes.
    """
    return scope.name or _PROJECTS_OBJECT


def scope_of(name: str, declared: Declared) -> Scope | None:
    """Return the scope of the object with this name, or None if that is not declared."""
    scopes = (PROJECT, *declared.tables)
    return next((scope for scope in scopes if object_of(scope) == name), None)


def require_own(name: str, scope: Scope) -> None:
    """Raise EdgeCacheError unless the scope belongs to the object with this name."""
    if object_of(scope) != name:
        raise EdgeCacheError("The request is for another object.")


def url_of(verb: str, path: str, number: int = 0) -> str:
    """Return the URL of a request. Its host means nothing, because an object has a name."""
    return f"https://object/{verb}/{number}?{path}"


def request_in(url: str) -> tuple[str, int, str]:
    """Return a request's verb, number and path. Raises ValueError."""
    asked = cut(url)
    _, verb, number = asked.path.split("/")
    return verb, int(number), asked.query


def error_answer(error: EdgeCacheError, *, with_reply: bool = True) -> Answer:
    """Return the answer that carries an error and, ``with_reply``, Supabase's own answer."""
    told: dict[str, object] = {
        "kind": type(error).__name__,
        "detail": error.detail,
        "retry_after_s": error.retry_after_s,
    }
    reply: Reply | None = None
    if isinstance(error, UpstreamError):
        told |= {"supabase_status": error.supabase_status, "code": error.code}
        reply = error.reply if with_reply else None
    if reply:
        told["reply"] = {"status": reply.status, "headers": dict(reply.headers)}
    return Answer(error.status, {ERROR: json.dumps(told)}, reply.body if reply else None)


def error_from(told: str | None, body: Body) -> EdgeCacheError:
    """Return the error that an answer carries."""
    try:
        return _error_of(json.loads(told or ""), body)
    except (ValueError, TypeError, KeyError, AttributeError):
        return RefresherUnavailable("The refresher failed.")


def _error_of(members: dict[str, Any], body: Body) -> EdgeCacheError:
    kind, detail, reply = _KINDS[members["kind"]], members["detail"], members.get("reply")
    if issubclass(kind, UpstreamError):
        error: EdgeCacheError = kind(
            detail,
            supabase_status=members["supabase_status"],
            code=members["code"],
            reply=Reply(reply["status"], reply["headers"], body) if reply else None,
        )
    else:
        error = kind([detail]) if issubclass(kind, ConfigurationError) else kind(detail)
    error.retry_after_s = members["retry_after_s"]
    return error


def _kinds(base: type[EdgeCacheError]) -> Iterator[type[EdgeCacheError]]:
    """Return a class of errors and all its subclasses."""
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


_ONLY_OF_THE_WORKER = (Unauthorized, MethodNotAllowed)
_KINDS = {
    kind.__name__: kind
    for kind in _kinds(EdgeCacheError)
    if not issubclass(kind, _ONLY_OF_THE_WORKER)
}
"""Every error that an object can raise, by the name of its class."""
