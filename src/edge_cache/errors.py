"""What can go wrong, one class for each reaction.

    EdgeCacheError
    ├── ConfigurationError       the operator mends a variable or a binding
    ├── RequestError             the client must ask in another way
    │   ├── BadPath              the path can be read in two ways
    │   ├── BadPayload           the body is not what a webhook sends
    │   ├── PayloadTooLarge
    │   ├── Unauthorized
    │   ├── ForeignOrigin        a browser sends it for a page of another site
    │   ├── NotFound
    │   │   └── SpelledOtherwise the row exists, but its id is spelled in another way
    │   ├── NotPassedOn          the cache does not answer it, and nothing is passed on
    │   └── MethodNotAllowed
    ├── SecretNotConfigured      the operator sets REVALIDATE_SECRET
    ├── NotForTheCache           only Supabase itself may answer
    │   ├── Volatile             a function may write
    │   └── NotShared            signed-in readers may get another answer than everybody else
    │       └── TargetNotShared  so may they of everything that the target answers
    ├── LookupsExhausted         too many requests for rows that do not exist
    ├── Overloaded               too many misses wait for their turn already
    ├── StoreError               Workers KV failed; readers go on without it
    ├── RefresherUnavailable     the object did not answer
    └── UpstreamError            Supabase sent nothing that may be cached
        ├── TransientUpstreamError      worth another try, now or later
        │   ├── UpstreamUnreachable     no connection
        │   ├── UpstreamTimeout         no answer in time
        │   ├── UpstreamUnavailable     Supabase says so itself: 425, 429 and 5xx
        │   ├── TornRead                the table changed while its pages were read
        │   ├── StillReading            no answer yet; the read goes on
        │   └── NotAsked                Supabase failed a moment ago, so we do not ask it again
        ├── UpstreamRejected     4xx: the key is wrong, or a gateway lets nothing through
        │   └── FinalAnswer      PostgREST's own answer to this request, which may not be stored
        └── InvalidAnswer        not what a PostgREST server sends
            └── AnotherRow       a row with another id than we asked for

Each class has what its problem document needs (RFC 9457): ``status``, ``slug`` (the last part of
``type``) and ``title``. It has ``retry_after_s`` if waiting helps. The instance adds ``detail``.
If ``stale_if_error`` is true, a reader may get an outdated entry instead (RFC 5861). ``hint`` shows
Supabase's clients a way out.

If an object raises one of these errors, the Worker raises the same class (see `edge_cache.wire`).

A detail never quotes Supabase's own text, because that may have row content. ``code`` has
PostgREST's or Postgres's error code instead. An `UpstreamError`'s ``reply`` is Supabase's answer in
its own words, which only Supabase's clients get.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RETRY_AFTER_S = 5
"""After a transient failure we ask clients to wait for this many seconds."""


class EdgeCacheError(Exception):
    """Base of all errors of this package. ``detail`` is a sentence for the person who reads it."""

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
    """Variables or bindings are missing or malformed. ``faults`` has one sentence for each."""

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
    """There is no such path, or the public key can see no such row."""

    status = 404
    slug = "not-found"
    title = "Not found"


class SpelledOtherwise(NotFound):
    """The request spells the row's id in another way than Supabase does."""


class NotPassedOn(RequestError):
    """The cache does not answer this request, and because of PASS_THROUGH it is not passed on."""

    status = 403
    slug = "not-passed-on"
    title = "This Worker answers from its cache only"
    hint = 'Ask Supabase itself, or set PASS_THROUGH to "rest".'


class MethodNotAllowed(RequestError):
    """The path exists, but not with this method. ``allow`` lists its methods."""

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
    """Readers asked for too many rows that do not exist, so no more are looked up for a moment."""

    status = 503
    slug = "lookups-exhausted"
    title = "Too many rows that do not exist were asked for"
    retry_after_s = 1
    stale_if_error = False


class Overloaded(EdgeCacheError):
    """Too many misses of queries wait for their turn already."""

    status = 503
    slug = "overloaded"
    title = "Too many queries are missed at once"
    retry_after_s = 1


class NotForTheCache(EdgeCacheError):
    """Only Supabase itself may answer this request. An old answer may not, either."""

    status = 409
    stale_if_error = False


class Volatile(NotForTheCache):
    """A function may write, so that nothing but the client's own request may call it."""

    slug = "volatile"
    title = "The function may write"


class NotShared(NotForTheCache):
    """Nobody has proven that signed-in readers get the same answer as everybody else."""

    slug = "session"
    title = "Signed-in readers may get another answer"


class TargetNotShared(NotShared):
    """The same is true of every answer of the target."""


class StoreError(EdgeCacheError):
    """Workers KV failed to read or write."""

    status = 503
    slug = "kv-unavailable"
    title = "Workers KV failed"


class RefresherUnavailable(EdgeCacheError):
    """The object did not answer, so nobody can fill a miss."""

    status = 503
    slug = "refresher-unavailable"
    title = "The refresher did not answer"
    retry_after_s = RETRY_AFTER_S


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as Supabase sent it. The body is bytes, or a stream that nobody has read."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class UpstreamError(EdgeCacheError):
    """Supabase did not send a complete, valid answer.

    ``supabase_status`` is its HTTP status and ``code`` PostgREST's or Postgres's error code, if
    there was one. ``reply`` is its answer.
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
    """There is no connection, or it broke before the answer was complete."""

    slug = "supabase-unreachable"
    title = "Supabase cannot be reached"


class UpstreamTimeout(TransientUpstreamError):
    """Supabase sent no complete answer within the time limit."""

    status = 504
    slug = "supabase-timeout"
    title = "Supabase did not answer in time"


class UpstreamUnavailable(TransientUpstreamError):
    """Supabase answered that it cannot serve now."""

    slug = "supabase-unavailable"
    title = "Supabase is unavailable"


class TornRead(TransientUpstreamError):
    """The table changed during every attempt to read its pages, so no answer is consistent."""

    slug = "table-changing"
    title = "The table changed while it was read"


class StillReading(TransientUpstreamError):
    """Supabase has not answered yet. The reader gets an outdated entry, and the read goes on."""

    status = 504
    slug = "supabase-slow"
    title = "Supabase has not answered yet"


class NotAsked(TransientUpstreamError):
    """Supabase failed a moment ago, so a reader who has an entry does not make us ask again."""

    slug = "supabase-failed-just-now"
    title = "Supabase failed a moment ago"


class UpstreamRejected(UpstreamError):
    """Supabase, or a gateway in front of it, refused the Worker. The entry may still be right."""

    slug = "supabase-rejected"
    title = "Supabase refused the request"


class FinalAnswer(UpstreamRejected):
    """PostgREST's own answer to this request, which may not be stored.

    It is an error, such as "no such column", or a success that may not be stored. Supabase works,
    so what was read before is no longer true, and the cache removes it.
    """

    stale_if_error = False


class InvalidAnswer(UpstreamError):
    """The answer is not the JSON that a PostgREST server sends, or is only a part of it."""

    slug = "supabase-invalid-answer"
    title = "Supabase's answer is not usable"


class AnotherRow(InvalidAnswer):
    """The row that came has another id, or spells the id in another way."""
