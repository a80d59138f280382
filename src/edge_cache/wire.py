"""What the Worker and the objects send each other through an object's ``fetch``.

There is an object for each target, which has the target's name, and one for the `LEDGER`. A
request's URL has a verb, a number (0 if the verb needs none) and, if it is about one resource, that
one's path: ``/fill/5?/articles/7``. The path is the URL's query, because there nothing is folded.
A reader's trace (see `edge_cache.tracing`) may stand behind the number.

The answer is one of these: an entry's bytes with its metadata in a header; JSON; 204; or an error
in a header, with Supabase's own words as the body. It has as few headers and bodies as possible,
because each call between Python and JavaScript costs time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from edge_cache.bodies import Body
from edge_cache.changes import Change, keys_in
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
from edge_cache.messages import Answer
from edge_cache.ports import CallObject, Filled, ObjectAnswer
from edge_cache.tables import Declared, Target
from edge_cache.urls import cut

LEDGER = "*"
"""The ledger's name. No table has this name, and the names of other targets have slashes."""

# What a target is asked for. A resource of the target stands in the URL.

FILL = "fill"
REFILL = "refill"
"""It is `FILL` for a reader who has an outdated entry. The number is the version that it sees."""
SHARED = "-shared"
"""Behind `FILL` or `REFILL`: the reader is signed in (see `edge_cache.errors.NotShared`)."""
REMOVE = "remove"
RENEW = "renew"
"""The number is the time when a reader was last known to want the entry."""

# What a target is told or asked as a whole.

CHANGED = "changed"
"""The body is a `Notice`, the answer what was `Heard`."""
RENEW_ALL = "renew-all"
"""The body is a `Notice`. A table's entry is read again before the answer."""
CHECK = "check"
REMOVE_ALL = "remove-all"
"""The body is the key after which to go on, and the answer the keys that were removed."""

# What the ledger is told or asked.

RECORD = "record"
"""The body has changes. If the number is 1, the database's outbox may have them too."""
POKE = "poke"
COUNT = "count"
"""The body has what was counted (see `edge_cache.traffic`)."""
TRAFFIC = "traffic"
QUERIES = "queries"
"""The answers have what is kept of these: sums, and what is asked for most."""
CATCH_UP = "catch-up"
REVALIDATE = "revalidate"
SUBSCRIBE = "subscribe"
"""The body is a `Subscription`, the answer what was `Subscribed`."""

# What both are asked.

STATUS = "status"
TOUCHES = "touches"
"""The body has one change that does not happen. The ledger says which targets would hear it, and a
target, which popular answers it would make outdated."""

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


def target_of(name: str, declared: Declared) -> Target | None:
    """Return the target of the object with this name, or None if it is not declared."""
    return next((target for target in declared.targets if target.name == name), None)


async def ask(  # noqa: PLR0913  the parts of a request
    call: CallObject,
    name: str,
    verb: str,
    *,
    path: str = "",
    number: int = 0,
    trace: str = "",
    body: str = "",
) -> ObjectAnswer:
    """Send a request to the object with this name, and return its answer if that is a success.

    Raises the error that the answer carries, or RefresherUnavailable.
    """
    answer = await call(name, url_of(verb, path, number, trace), body)
    if answer.is_ok:
        return answer
    raise error_from(answer.header(ERROR), answer.body)


async def value_of(answer: ObjectAnswer) -> Any:
    """Return the JSON value of an answer. Raises RefresherUnavailable."""
    try:
        return json.loads(await answer.text())
    except ValueError as error:
        raise RefresherUnavailable("The Durable Object's answer is broken.") from error


def changes_text(changes: Iterable[Change]) -> str:
    """Return the body that carries changes."""
    return json.dumps([[change.relation, change.keys] for change in changes])


def changes_in(text: str) -> list[Change]:
    """Return the changes that a body carries. Raises ValueError."""
    return [Change(relation, keys_in(keys)) for relation, keys in json.loads(text)]


def url_of(verb: str, path: str = "", number: int = 0, trace: str = "") -> str:
    """Return the URL of a request. Its host means nothing, because an object has a name."""
    return f"https://object/{verb}/{number}{trace and '/'}{trace}?{path}"


def request_in(url: str) -> tuple[str, int, str, str]:
    """Return a request's verb, number, path and trace. Raises ValueError."""
    asked = cut(url)
    _, verb, number, *trace = asked.path.split("/")
    return verb, int(number), asked.query, "".join(trace)


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
