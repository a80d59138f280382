"""Reads: answer from the store, or ask the refresher to fill what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_cache import messages
from edge_cache.bodies import Body, release
from edge_cache.config import LogHits
from edge_cache.entries import Entry, foreign_entry, parse_metadata, shared_by
from edge_cache.errors import (
    EdgeCacheError,
    NotAsked,
    NotShared,
    Reply,
    StoreError,
    UpstreamError,
)
from edge_cache.freshness import Absent, Aged, Fresh, Outdated, Terms, worth_of
from edge_cache.ports import Background, Filled, Log, NowMs, ReadableStore, Refreshing, StoredValue
from edge_cache.resources import Resource
from edge_cache.supabase.rows import is_plausible
from edge_cache.traffic import Outcome
from edge_cache.worker.counting import Counting
from edge_cache.worker.unshared import Unshared

TELL_AFTER_S = 12 * 60 * 60
"""If the refresher has not heard for so long that readers want an entry, the next reader says so.
If nobody wants an entry for a day, it is no longer refreshed."""


_LOG_EVERY = {LogHits.ALL: 1, LogHits.SAMPLED: 100, LogHits.NONE: 0}
"""The log has one hit of so many. A line costs more than the rest of a hit's CPU time."""

_NOT_SHARED = "Signed-in readers may get another answer."


@dataclass(frozen=True, slots=True)
class MaxAges:
    """Seconds after which entries are aged: of tables and rows (None: never), of queries."""

    tables: int | None = None
    queries: int = 300

    def of(self, resource: Resource) -> int | None:
        """Return the maximum age of a resource's entry."""
        return self.tables if resource.query is None else self.queries


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a reader asks for besides the resource.

    ``has_session``: the reader is signed in. ``trace`` reads its traceparent, if Supabase may have
    it. Only a miss needs that, and each header costs time.
    """

    if_none_match: str | None = None
    head: bool = False
    has_session: bool = False
    trace: Callable[[], str] = str


class Reader:
    """Serves reads. It never writes.

    If an entry is aged, the reader gets it, and it is renewed in the background (RFC 5861's
    stale-while-revalidate). If it is outdated, the reader gets it only if Supabase fails or is slow
    (stale-if-error).
    """

    def __init__(  # noqa: PLR0913  its collaborators, nothing else
        self,
        store: ReadableStore,
        refresher: Refreshing,
        *,
        project: str,
        signed_in: Mapping[tuple[str, str], str],
        max_ages: MaxAges,
        counting: Counting,
        log_hits: LogHits,
        background: Background,
        now_ms: NowMs,
        log: Log,
    ) -> None:
        self._store = store
        self._refresher = refresher
        self._project = project
        self._max_ages = max_ages
        self._counting = counting
        self._background = background
        self._now_ms = now_ms
        self._log = log
        self._hits = 0
        self._log_every = _LOG_EVERY[log_hits]
        self._shared_by = shared_by(signed_in)
        self._unshared = Unshared(now_ms)

    async def read(self, resource: Resource, conditions: Conditions) -> messages.Answer:
        """Answer a read. Raises EdgeCacheError if there is no answer.

        If the reader is signed in, this raises NotShared unless the answer is the same for
        everybody.
        """
        if conditions.has_session:
            self._unshared.require_unknown(resource)
        worth, seen = await self._look_up(resource)
        if conditions.has_session:
            worth = self._shared(resource, worth)
        if isinstance(worth, Fresh | Aged):
            return self._serve(resource, conditions, worth)
        return await self._forward(resource, conditions, worth, seen)

    async def _look_up(self, resource: Resource) -> tuple[Fresh | Aged | Outdated | Absent, int]:
        """Return what there is, and the highest number that the published versions name."""
        try:
            value, published = await self._store.open_versioned(
                resource.key, resource.target.versions_key
            )
            entry = await entry_in(resource, value) if value else None
        except StoreError as error:
            self._log("read_failed", key=resource.key, detail=error.detail)
            return Absent("miss", "kv-read-failed"), 0
        if value is None:
            return Absent(), published.highest
        if entry is None:
            self._log("malformed", key=resource.key)
            return Absent(detail="malformed-entry"), published.highest
        max_age_s = self._max_ages.of(resource)
        worth = worth_of(entry, Terms(self._project, published, max_age_s, self._now_ms()))
        if isinstance(worth, Absent):
            release(entry.body)
        return worth, published.highest

    def _shared(
        self, resource: Resource, worth: Fresh | Aged | Outdated | Absent
    ) -> Fresh | Aged | Outdated | Absent:
        """Return what an entry is worth to a reader who is signed in. Raises NotShared."""
        if isinstance(worth, Absent) or worth.entry.metadata.shared == self._shared_by:
            return worth
        release(worth.entry.body)
        if isinstance(worth, Outdated) or worth.entry.metadata.shared:
            return Absent("stale")  # by now, the answer may be shared
        error = NotShared(_NOT_SHARED)
        self._unshared.note(error, resource)
        raise error

    def _serve(
        self, resource: Resource, conditions: Conditions, worth: Fresh | Aged
    ) -> messages.Answer:
        aged, entry = isinstance(worth, Aged), worth.entry
        parts = ["hit"] if worth.ttl_s is None else ["hit", f"ttl={worth.ttl_s}"]
        if aged or self._is_to_be_told(resource, entry):
            self._background(self._renew(resource, entry.metadata.asked_at_ms))
        answer = self._answer(conditions, entry, parts, resource)
        age = entry.age_s(self._now_ms())
        self._count(resource, conditions, Outcome.AGED if aged else Outcome.HIT, entry)
        if aged or self._is_to_be_logged():
            event = "aged" if aged else "hit"
            self._log(
                event,
                key=resource.key,
                status=answer.status,
                age_s=age,
                **_who(conditions),
            )
        return answer

    def _is_to_be_logged(self) -> bool:
        """Return whether the log has this hit. The first one of an isolate is always there."""
        self._hits += 1
        return bool(self._log_every) and self._hits % self._log_every == 1 % self._log_every

    def _is_to_be_told(self, resource: Resource, entry: Entry[Body]) -> bool:
        """Return whether the refresher could think that nobody wants an entry any more.

        A reader says more often that it wants a query, because only the latest ones are popular.
        """
        metadata, max_age_s = entry.metadata, self._max_ages.of(resource)
        if not metadata.read_at_ms:
            return False
        asked_s = (self._now_ms() - metadata.asked_at_ms) // 1000
        return asked_s > min(TELL_AFTER_S, max_age_s or TELL_AFTER_S)

    async def _renew(self, resource: Resource, asked_at_ms: int) -> None:
        try:
            await self._refresher.renew(resource, asked_at_ms)
        except EdgeCacheError as error:
            _release_reply(error)
            self._log("renew_failed", key=resource.key, type=error.slug)

    async def _forward(
        self, resource: Resource, conditions: Conditions, worth: Outdated | Absent, seen: int
    ) -> messages.Answer:
        old = worth.entry if isinstance(worth, Outdated) else None
        began_ms = self._now_ms()
        try:
            filled = await self._refresher.fill(
                resource,
                version=seen,
                has_stale=old is not None,
                has_session=conditions.has_session,
                trace=conditions.trace(),
            )
        except EdgeCacheError as error:
            self._log_miss(resource, conditions, worth, began_ms)
            if old is not None and error.stale_if_error:
                return self._serve_instead(resource, conditions, old, error)
            _release(old)
            if isinstance(error, NotShared):
                self._unshared.note(error, resource)
            elif conditions.has_session and _reply_of(error):
                # PostgREST's errors say who asked: 401 without a session, and 403 with one.
                _release_reply(error)
                raise NotShared(_NOT_SHARED) from error
            return self._relay(resource, worth, error, began_ms)
        _release(old)
        self._log_miss(resource, conditions, worth, began_ms, filled.entry)
        if conditions.has_session and filled.entry.metadata.shared != self._shared_by:
            release(filled.entry.body)
            raise NotShared(_NOT_SHARED)
        self._count(resource, conditions, _outcome_of(worth, filled), filled.entry, began_ms)
        return self._answer(conditions, filled.entry, _filled_parts(worth, filled), resource)

    def _log_miss(
        self,
        resource: Resource,
        conditions: Conditions,
        worth: Outdated | Absent,
        began_ms: int,
        entry: Entry[Body] | None = None,
    ) -> None:
        fwd, detail = _missed(worth)
        self._log(
            "miss",
            key=resource.key,
            fwd=fwd,
            detail=detail,
            bytes=entry.metadata.size if entry else None,
            ms=self._now_ms() - began_ms,
            **_who(conditions),
        )

    def _serve_instead(
        self, resource: Resource, conditions: Conditions, entry: Entry[Body], error: EdgeCacheError
    ) -> messages.Answer:
        """Answer with an outdated entry instead of an error (stale-if-error)."""
        _release_reply(error)
        self._count(resource, conditions, Outcome.STALE_IF_ERROR, entry)
        age = entry.age_s(self._now_ms())
        self._log("stale_if_error", key=resource.key, type=error.slug, age_s=age)
        return self._answer(conditions, entry, _stale_parts(error))

    def _relay(
        self, resource: Resource, worth: Outdated | Absent, error: EdgeCacheError, began_ms: int
    ) -> messages.Answer:
        """Hand on Supabase's own answer. If there is none, raise the error."""
        reply = _reply_of(error)
        if reply is None:
            raise error
        ms = self._now_ms() - began_ms
        name = resource.target.name
        self._counting.count(name, Outcome.RELAYED, asked=resource, detail=error.slug, ms=ms)
        self._log("relayed", key=resource.key, status=reply.status, type=error.slug)
        return messages.relayed(
            reply, messages.cache_status(*_forwarded_parts(worth, reply.status))
        )

    def _count(
        self,
        resource: Resource,
        conditions: Conditions,
        outcome: Outcome,
        entry: Entry[Body],
        began_ms: int | None = None,
    ) -> None:
        """Count an answer. ``began_ms`` is when Supabase was asked for it.

        Of a 304 all bytes count, because Supabase would have sent them.
        """
        ms = 0 if began_ms is None else self._now_ms() - began_ms
        name, size = resource.target.name, 0 if conditions.head else entry.metadata.size
        self._counting.count(name, outcome, asked=resource, size=size, ms=ms)

    def _answer(
        self,
        conditions: Conditions,
        entry: Entry[Body],
        parts: list[str],
        current: Resource | None = None,
    ) -> messages.Answer:
        return messages.entry_answer(
            entry,
            age=entry.age_s(self._now_ms()),
            status=messages.cache_status(*parts),
            if_none_match=conditions.if_none_match,
            head=conditions.head,
            current=self._current(current, entry) if current else None,
        )

    def _current(self, resource: Resource, entry: Entry[Body]) -> messages.Current:
        metadata = entry.metadata
        is_shared = metadata.shared == self._shared_by
        return messages.Current(resource, metadata.status, metadata.relations, is_shared)


async def entry_in(resource: Resource, value: StoredValue) -> Entry[Body] | None:
    """Return the entry in a value, or None if the value is no entry."""
    if value.metadata is not None:
        metadata = parse_metadata(value.metadata)
        if metadata is None:
            release(value.stream)
            return None
        return Entry(metadata, value.stream)
    # Another Worker wrote it, so only the value itself shows what it is.
    body = await value.read()
    if resource.query is not None or not is_plausible(body, row=resource.row_id is not None):
        return None
    return foreign_entry(body)


def _who(conditions: Conditions) -> dict[str, str]:
    """Return what the log says of a reader who is signed in."""
    return {"reader": "session"} if conditions.has_session else {}


def _reply_of(error: EdgeCacheError) -> Reply | None:
    return error.reply if isinstance(error, UpstreamError) else None


def _release_reply(error: EdgeCacheError) -> None:
    if reply := _reply_of(error):
        release(reply.body)


def _release(old: Entry[Body] | None) -> None:
    if old:
        release(old.body)


def _missed(worth: Outdated | Absent) -> tuple[str, str | None]:
    """Return why the store could not answer: RFC 9211's ``fwd`` value, and a detail."""
    return ("stale", None) if isinstance(worth, Outdated) else (worth.fwd, worth.detail)


def _outcome_of(worth: Outdated | Absent, filled: Filled) -> Outcome:
    """Return how an entry from the refresher is counted."""
    if not filled.asked:
        return Outcome.MEMORY
    return Outcome.OUTDATED if isinstance(worth, Outdated) else Outcome.MISS


def _filled_parts(worth: Outdated | Absent, filled: Filled) -> list[str]:
    """Return Cache-Status's parameters for an entry from the refresher."""
    if not filled.asked:
        return ["hit", f"detail={_missed(worth)[1] or 'memory'}"]
    return _forwarded_parts(worth, filled.entry.metadata.status, stored=filled.stored)


def _forwarded_parts(worth: Outdated | Absent, status: int, *, stored: bool = False) -> list[str]:
    """Return Cache-Status's parameters for Supabase's answer."""
    fwd, detail = _missed(worth)
    parts = [f"fwd={fwd}", f"fwd-status={status}"]
    if stored:
        parts.append("stored")
    if detail:
        parts.append(f"detail={detail}")
    return parts


def _stale_parts(error: EdgeCacheError) -> list[str]:
    """Return Cache-Status's parameters for an outdated entry.

    They name a status only if Supabase sent one.
    """
    if isinstance(error, NotAsked):
        return ["hit", f"detail={error.slug}"]
    status = error.supabase_status if isinstance(error, UpstreamError) else None
    arrived = [] if status is None else [f"fwd-status={status}"]
    return ["fwd=stale", *arrived, f"detail={error.slug}"]
