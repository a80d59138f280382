"""HTTP's rules for this cache: conditional requests, response headers, problems.

RFC 9110 (validators, methods), 9111 (Age, Cache-Control), 9211 (Cache-Status), 9457 (problems) and
the Fetch standard (CORS).
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from edge_cache.bodies import Body, release
from edge_cache.entries import Entry
from edge_cache.errors import EdgeCacheError, MethodNotAllowed, Reply, Unauthorized
from edge_cache.resources import Resource
from edge_cache.urls import Url

READ_METHODS = "GET, HEAD, OPTIONS"
REST_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"
JSON_TYPE = "application/json; charset=utf-8"
PROBLEM_TYPE = "application/problem+json; charset=utf-8"

CACHE_NAME = "supabase-edge-cache"
"""Cache-Status names this cache so."""

_VARY = "Accept, Accept-Profile, Apikey, Authorization, Prefer, Range"
"""The request headers that decide whether the cache answers a query, and with what."""

_FIRST_ERROR = 400
_WITHOUT_BODY = frozenset({204, 205, 304})
"""Statuses whose answers have no body, not even an empty one (RFC 9110, section 15)."""

_PREFLIGHT_MAX_AGE_S = 86_400
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')

EXPOSED_HEADERS = (
    "Content-Range, Content-Location, Content-Profile, Content-Disposition, Preference-Applied, "
    "Location, Retry-After, Warning, ETag, Age, Cache-Status"
)
"""A page of another origin may read these. Without Content-Range, supabase-js has no count."""

CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": EXPOSED_HEADERS,
}


ReadBody = Callable[[int], Awaitable[bytes | None]]
"""Returns a request's whole body, or None if it has more bytes than the limit."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    ``header`` returns the value of a header by its lower-case name, or None. ``native`` is the
    runtime's own request, which can be passed on. Then its ``body`` is gone, but what ``copy``
    returned before can still be read.
    """

    method: str
    url: Url
    header: Callable[[str], str | None]
    body: ReadBody
    copy: Callable[[], ReadBody]
    native: object = None

    def short_copy(self, most_bytes: int) -> ReadBody | None:
        """Return a copy of the body, if Content-Length says that it has at most so many bytes."""
        length = self.header("content-length") or ""
        return self.copy() if length.isdecimal() and int(length) <= most_bytes else None


@dataclass(frozen=True, slots=True)
class Current:
    """What an answer shows, if the cache knows of no newer state.

    ``status`` is the entry's, also if the answer is a 304. The entry depends on the ``relations``.
    ``is_shared`` is whether readers who are signed in get the same answer as all others.
    """

    resource: Resource
    status: int = 200
    relations: tuple[str, ...] = ()
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before it becomes the runtime's object.

    If ``current`` is None, no shared cache may keep it.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = None
    current: Current | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """A response of Supabase. It is the runtime's object already."""

    response: object
    status: int

    @property
    def is_accepted(self) -> bool:
        """Whether the status is 2xx or 3xx. SQL can set any status of what it has done."""
        return HTTPStatus.OK <= self.status < HTTPStatus.BAD_REQUEST


def none_match(if_none_match: str | None, etag: str) -> bool:
    """Return whether If-None-Match names this entity-tag (RFC 9110, section 13.1.2).

    ``*`` names every tag. The comparison is weak, because a proxy that compresses makes a strong
    tag weak.
    """
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _ENTITY_TAG.findall(if_none_match)


def cache_status(*parts: str) -> str:
    """Return a Cache-Status value (RFC 9211) such as ``supabase-edge-cache; hit``."""
    return "; ".join((CACHE_NAME, *parts))


def entry_answer(  # noqa: PLR0913  all but one by name
    entry: Entry[Body],
    *,
    age: int | None,
    status: str,
    if_none_match: str | None,
    head: bool,
    current: Current | None = None,
) -> Answer:
    """Answer with an entry, or 304 if the client has the same already.

    ``age`` is in seconds; if it is None, the answer has no Age. ``status`` is the Cache-Status
    value. ``current`` is as in `Answer`. An answer to HEAD has GET's headers and no body.
    """
    metadata, body = entry.metadata, entry.body
    headers = {
        **CORS,
        "etag": metadata.etag,
        # A browser asks each time, so that an edit shows at once. A 304 makes that cheap.
        "cache-control": "no-cache",
        **metadata.headers,
        "cache-status": status,
    }
    if age is not None:
        headers["age"] = str(age)
    if metadata.headers:
        headers["vary"] = _VARY
    is_success = metadata.status < _FIRST_ERROR
    not_modified = is_success and none_match(if_none_match, metadata.etag)
    if head or not_modified:
        release(body)
        body = None
    if not_modified:
        return Answer(304, headers, current=current)
    headers.setdefault("content-type", JSON_TYPE)
    if metadata.size or not head:  # if HEAD is an entry of its own, nobody knows GET's length
        headers["content-length"] = str(metadata.size)
    return Answer(metadata.status, headers, body, current)


def problem(error: EdgeCacheError) -> Answer:
    """Answer with an error as a problem document (RFC 9457) that no cache may keep.

    A page of any origin may read it, because it has nothing that its reader could not ask for.
    """
    body = json.dumps(error.document(), ensure_ascii=False).encode()
    headers = {
        **CORS,
        "content-type": PROBLEM_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",
    }
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = error.allow
    if isinstance(error, Unauthorized):
        headers["www-authenticate"] = _challenge(error)
    return Answer(error.status, headers, body)


def relayed(reply: Reply, status: str) -> Answer:
    """Hand on Supabase's answer as it came. ``status`` is the Cache-Status value.

    No cache may keep it. This one does not, so nobody would purge it from another one.
    """
    theirs = reply.headers
    headers = {
        "cache-control": "no-store",
        "access-control-allow-origin": "*",
        **theirs,
        "access-control-expose-headers": _exposed(theirs.get("access-control-expose-headers", "")),
        "cdn-cache-control": "no-store",
        "cache-status": ", ".join(filter(None, (theirs.get("cache-status"), status))),
    }
    answer = Answer(reply.status, headers, reply.body)
    return for_head(answer) if reply.status in _WITHOUT_BODY else answer


def _exposed(theirs: str) -> str:
    """Return the headers that pages may read: those that Supabase names, and this cache's."""
    names = (name.strip() for name in f"{theirs},{EXPOSED_HEADERS}".split(","))
    return ", ".join(dict.fromkeys(filter(None, names)))


def _challenge(error: Unauthorized) -> str:
    """Return the challenge of RFC 6750. It names an error only if the client sent a token."""
    realm = 'Bearer realm="revalidate"'
    return f'{realm}, error="invalid_token"' if error.token_was_sent else realm


def for_head(answer: Answer) -> Answer:
    """Return the answer to HEAD: GET's without the body."""
    release(answer.body)
    return replace(answer, body=None)


def for_post(answer: Answer) -> Answer:
    """Return the answer to a POST: GET's, but no cache may keep it, and nobody revalidates it."""
    headers = {name: value for name, value in answer.headers.items() if name != "etag"}
    return replace(answer, headers={**headers, "cache-control": "no-store"}, current=None)


def for_one_reader(answer: Answer) -> Answer:
    """Return the answer to a reader who is signed in: no shared cache may keep it."""
    headers = {**answer.headers, "cdn-cache-control": "no-store"}
    return replace(answer, headers=headers, current=None)


def json_answer(value: object, status: int = 200) -> Answer:
    """Answer with a small JSON value that no cache may keep."""
    body = json.dumps(value).encode()
    headers = {
        **CORS,
        "content-type": JSON_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",
    }
    return Answer(status, headers, body)


def preflight(request: Request, allow: str) -> Answer | None:
    """Return the answer to OPTIONS, or None for the methods that ``allow`` lists.

    Raises MethodNotAllowed for all others.
    """
    if request.method == "OPTIONS":
        return options(request, allow)
    if request.method not in allow.split(", "):
        raise MethodNotAllowed(request.method, allow)
    return None


def options(request: Request, allow: str) -> Answer:
    """Answer OPTIONS with the allowed methods and the CORS preflight.

    It succeeds for every path, so that a page can read the answer to its request, even a 404. A
    page may send any header, because a secret guards `/revalidate`, and no browser adds that by
    itself.
    """
    headers = {
        **CORS,
        "allow": allow,
        "access-control-allow-methods": allow,
        "access-control-max-age": str(_PREFLIGHT_MAX_AGE_S),
        "vary": "Access-Control-Request-Headers",
    }
    if requested := request.header("access-control-request-headers"):
        headers["access-control-allow-headers"] = requested
    return Answer(204, headers)
