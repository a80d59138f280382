"""What can go wrong, one class for each reaction.

    EdgeCacheError
    ├── ConfigurationError       the operator mends a variable or a binding
    ├── RequestError             the client asks for something else
    │   ├── BadPath              a path that could be read in two ways
    │   ├── BadPayload           a webhook that is not Supabase's
    │   ├── PayloadTooLarge
    │   ├── Unauthorized
    │   ├── ForeignOrigin        a browser sends it for a page of another site
    │   ├── NotFound
    │   │   └── SpelledOtherwise the row is there, under another spelling of its id
    │   ├── NotPassedOn          the cache does not answer it, and Supabase is not to be asked
    │   └── MethodNotAllowed
    ├── SecretNotConfigured      the operator sets REVALIDATE_SECRET
    ├── LookupsExhausted         too many requests for rows that do not exist
    ├── Overloaded               more queries are missed at once than are read side by side
    ├── StoreError               Workers KV failed; readers go on without it
    ├── RefresherUnavailable     the Durable Object did not answer
    └── UpstreamError            Supabase gave nothing that may be cached
        ├── TransientUpstreamError      worth another try, now or later
        │   ├── UpstreamUnreachable     no connection
        │   ├── UpstreamTimeout         no answer in time
        │   ├── UpstreamUnavailable     it says so itself: 425, 429 and 5xx
        │   ├── TornRead                the table changed while its pages were read
        │   ├── StillReading            no answer yet; the read goes on
        │   └── NotAsked                it failed a moment ago, so it was not asked again
        ├── UpstreamRejected     4xx: the key is wrong, or a gateway lets nothing through
        │   └── FinalAnswer      PostgREST's own answer to this very request, which is not kept
        └── InvalidAnswer        not what a PostgREST server sends
            └── AnotherRow       a row with another id than was asked for

Every class knows how it looks as a problem (RFC 9457): ``status``, ``slug`` (the last part of
``type``), ``title`` and, where waiting helps, ``retry_after_s``; the instance adds ``detail``.
``stale_if_error`` tells whether a reader may get an out-of-date entry instead (RFC 5861), ``hint``
what Supabase's clients are told as a way out. An error of a Durable Object reaches the Worker as
its own class (see `edge_cache.wire`). A detail never quotes Supabase's own text, which may hold row
content; ``code`` carries PostgREST's or Postgres's error code instead. What Supabase said in its
own words, for a client of its own, is an `UpstreamError`'s ``reply``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RETRY_AFTER_S = 5
"""Seconds that a client is asked to wait after a transient failure."""


class EdgeCacheError(Exception):
    """Base of all errors of this package; ``detail`` is a sentence for the person who reads it."""

    status = 500
    slug = "internal-error"
    title = "The Worker failed"
    retry_after_s: int | None = None
    stale_if_error = True
    hint: str | None = None

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def document(self) -> dict[str, object]:
        """Return the problem's JSON members (RFC 9457)."""
        return {
            "type": f"urn:supabase-edge-cache:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }


class ConfigurationError(EdgeCacheError):
    """Variables or bindings are missing or malformed; ``faults`` has one sentence for each."""

    slug = "configuration"
    title = "The Worker is not configured"

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


class RequestError(EdgeCacheError):
    """The client's request cannot be served as it is."""

    status = 400
    slug = "bad-request"
    title = "Bad request"
    stale_if_error = False


class BadPath(RequestError):
    """The path is not in its normal form, so another server may take it for another path."""

    slug = "bad-path"
    title = "The path is not in its normal form"


class BadPayload(RequestError):
    """The body is not what a Database Webhook sends."""

    slug = "bad-payload"
    title = "This is not a Database Webhook's payload"


class PayloadTooLarge(RequestError):
    """The body is larger than a payload may be."""

    status = 413
    slug = "payload-too-large"
    title = "The payload is too large"


class Unauthorized(RequestError):
    """The secret is missing or wrong."""

    status = 401
    slug = "unauthorized"
    title = "The secret is missing or wrong"

    def __init__(self, detail: str, *, token_was_sent: bool) -> None:
        super().__init__(detail)
        self.token_was_sent = token_was_sent


class ForeignOrigin(RequestError):
    """A browser sends the request for a page of another site."""

    status = 403
    slug = "foreign-origin"
    title = "A page of another site may not revalidate"


class NotFound(RequestError):
    """No such path, or no such row visible to the public key."""

    status = 404
    slug = "not-found"
    title = "Not found"


class SpelledOtherwise(NotFound):
    """The row's id was spelled otherwise than Supabase spells it."""


class NotPassedOn(RequestError):
    """The cache does not answer this request, and PASS_THROUGH keeps it from Supabase."""

    status = 403
    slug = "not-passed-on"
    title = "This Worker answers from its cache alone"
    hint = 'Ask Supabase itself, or set PASS_THROUGH to "rest".'


class MethodNotAllowed(RequestError):
    """The path exists, the method does not; ``allow`` lists those that do."""

    status = 405
    slug = "method-not-allowed"
    title = "Method not allowed"

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"{method} is not supported here; use {allow}.")
        self.allow = allow


class SecretNotConfigured(EdgeCacheError):
    """No secret is set, and the request does not come from this machine."""

    status = 503
    slug = "secret-not-configured"
    title = "Revalidation is not configured"


class LookupsExhausted(EdgeCacheError):
    """So many rows were asked for in vain that no more are looked up for the moment."""

    status = 503
    slug = "lookups-exhausted"
    title = "Too many rows that do not exist were asked for"
    retry_after_s = 1
    stale_if_error = False


class Overloaded(EdgeCacheError):
    """So many queries are missed at once that no more wait for their turn."""

    status = 503
    slug = "overloaded"
    title = "Too many queries are missed at once"
    retry_after_s = 1


class StoreError(EdgeCacheError):
    """Workers KV did not do what it was asked."""

    status = 503
    slug = "kv-unavailable"
    title = "Workers KV failed"


class RefresherUnavailable(EdgeCacheError):
    """The Durable Object could not be reached, so a miss cannot be filled."""

    status = 503
    slug = "refresher-unavailable"
    title = "The refresher did not answer"
    retry_after_s = RETRY_AFTER_S


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as Supabase sent it; the body is bytes, or a stream that nobody has read."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class UpstreamError(EdgeCacheError):
    """Supabase did not give a complete, valid answer.

    ``supabase_status`` is its HTTP status and ``code`` PostgREST's or Postgres's error code, where
    there was one; ``reply`` is what it said.
    """

    status = 502
    slug = "supabase-error"
    title = "Supabase failed"

    def __init__(
        self,
        detail: str,
        *,
        supabase_status: int | None = None,
        code: str | None = None,
        reply: Reply | None = None,
    ) -> None:
        super().__init__(detail)
        self.supabase_status = supabase_status
        self.code = code
        self.reply = reply

    def document(self) -> dict[str, object]:
        """Return the problem, with ``supabase_status`` and ``code`` as extension members."""
        document = super().document()
        if self.supabase_status is not None:
            document["supabase_status"] = self.supabase_status
        if self.code is not None:
            document["code"] = self.code
        return document


class TransientUpstreamError(UpstreamError):
    """The same request may succeed a moment later."""

    retry_after_s = RETRY_AFTER_S


class UpstreamUnreachable(TransientUpstreamError):
    """No connection, or one that broke before the answer was complete."""

    slug = "supabase-unreachable"
    title = "Supabase cannot be reached"


class UpstreamTimeout(TransientUpstreamError):
    """No complete answer within the time limit."""

    status = 504
    slug = "supabase-timeout"
    title = "Supabase did not answer in time"


class UpstreamUnavailable(TransientUpstreamError):
    """Supabase answered that it cannot serve just now."""

    slug = "supabase-unavailable"
    title = "Supabase is unavailable"


class TornRead(TransientUpstreamError):
    """The table kept changing while its pages were read, so no consistent answer was seen."""

    slug = "table-changing"
    title = "The table changed while it was read"


class StillReading(TransientUpstreamError):
    """Supabase has not answered yet; the read goes on without the reader, who has an entry."""

    status = 504
    slug = "supabase-slow"
    title = "Supabase has not answered yet"


class NotAsked(TransientUpstreamError):
    """Supabase failed a moment ago, so it was not asked again for a reader who has an entry."""

    slug = "supabase-failed-just-now"
    title = "Supabase failed a moment ago"


class UpstreamRejected(UpstreamError):
    """Supabase, or a gateway before it, refused the Worker: that says nothing of what is cached."""

    slug = "supabase-rejected"
    title = "Supabase refused the request"


class FinalAnswer(UpstreamRejected):
    """PostgREST's own answer to this very request, which may not be kept.

    It is a verdict, such as that there is no such column, or a success that may not be stored.
    Supabase is well, and what was read before is not true any more: it goes from the cache.
    """

    stale_if_error = False


class InvalidAnswer(UpstreamError):
    """The answer is not the JSON that a PostgREST server sends, or not all of it."""

    slug = "supabase-invalid-answer"
    title = "Supabase's answer is not usable"


class AnotherRow(InvalidAnswer):
    """The row that came has another id than was asked for, perhaps in another spelling."""
