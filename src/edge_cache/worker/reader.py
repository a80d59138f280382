"""The read path: answer from the store, or have the refresher fill what is missing. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edge_cache import http
from edge_cache.entries import Metadata, age_s, etag_of, parse_metadata
from edge_cache.errors import EdgeCacheError, NotAsked, Reply, StoreError, UpstreamError
from edge_cache.ports import Filled, Log, NowMs, ReadableStore, Refreshing, StoredValue
from edge_cache.resources import Resource, loggable
from edge_cache.supabase.rows import is_plausible

Background = Callable[[Awaitable[None]], None]
"""Has something done after the answer was sent."""

TELL_AFTER_S = 12 * 60 * 60
"""Who finds an entry that the refresher has known for so long to be wanted tells it that it still
is; one that nobody wants for a day is not refreshed any more."""


@dataclass(frozen=True, slots=True)
class MaxAges:
    """Seconds after which entries are renewed: of tables and rows (None: never), of queries."""

    tables: int | None = None
    queries: int = 300

    def of(self, resource: Resource) -> int | None:
        """Return that of a resource."""
        return self.tables if resource.query is None else self.queries


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a read request asks for besides the resource."""

    if_none_match: str | None = None
    head: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """A usable entry; it is of another Worker's making where it has no time of reading."""

    metadata: Metadata
    body: http.Body
    read_at_ms: int | None


@dataclass(frozen=True, slots=True)
class _Miss:
    """Why the store cannot answer: RFC 9211's ``fwd`` value and, where it helps, a detail.

    ``version`` is the one in KV that the entry depends on. ``stale`` is an entry that is out of
    date, and better than an error.
    """

    fwd: str
    detail: str | None = None
    version: int = 0
    stale: _Entry | None = None


class Reader:
    """Serves reads; never writes.

    Entries older than their maximum age are served and renewed in the background (RFC 5861's
    stale-while-revalidate).
    """

    def __init__(  # noqa: PLR0913  its collaborators, nothing else
        self,
        store: ReadableStore,
        refresher: Refreshing,
        *,
        project: str,
        max_ages: MaxAges,
        background: Background,
        now_ms: NowMs,
        log: Log,
    ) -> None:
        self._store = store
        self._refresher = refresher
        self._project = project
        self._max_ages = max_ages
        self._background = background
        self._now_ms = now_ms
        self._log = log

    async def read(self, resource: Resource, conditions: Conditions) -> http.Answer:
        """Answer a GET or HEAD. Raises EdgeCacheError where there is nothing to answer with."""
        found = await self._look_up(resource)
        if isinstance(found, _Miss):
            return await self._forward(resource, conditions, found)
        return self._serve(resource, conditions, found)

    async def _look_up(self, resource: Resource) -> _Entry | _Miss:
        try:
            value, version = await self._open(resource)
            entry = await self._check(resource, value) if value else None
        except StoreError as error:
            self._log("read_failed", key=loggable(resource.key), detail=error.detail)
            return _Miss("miss", "kv-read-failed")
        if value is None:
            return _Miss("uri-miss", version=version)
        if entry is None:
            self._log("malformed", key=loggable(resource.key))
            return _Miss("uri-miss", "malformed-entry", version)
        if not entry.metadata.is_of(self._project):
            http.release(entry.body)
            return _Miss("uri-miss", "another-project", version)
        if entry.metadata.version < version:
            return _Miss("stale", version=version, stale=entry)
        return entry

    async def _open(self, resource: Resource) -> tuple[StoredValue | None, int]:
        """Return what KV has, and the version below which that is out of date."""
        if resource.is_whole:  # overwritten as soon as it changes
            return await self._store.open(resource.key), 0
        version_key = resource.scope.version_key
        value, versions = await self._store.open_versioned(resource.key, version_key)
        return value, resource.needed_of(versions)

    async def _check(self, resource: Resource, value: StoredValue) -> _Entry | None:
        """Return the entry, or None if it is not one."""
        if value.metadata is not None:
            metadata = parse_metadata(value.metadata)
            if metadata is None:
                http.release(value.stream)
                return None
            return _Entry(metadata, value.stream, metadata.read_at_ms)
        # Written by another Worker: what it is can only be told from the value itself.
        body = await value.read()
        if resource.query is not None or not is_plausible(body, row=resource.row_id is not None):
            return None
        return _Entry(Metadata(etag_of(body), len(body), read_at_ms=0, version=0), body, None)

    def _serve(self, resource: Resource, conditions: Conditions, entry: _Entry) -> http.Answer:
        age, max_age = self._age_s(entry), self._max_ages.of(resource)
        parts, aged = ["hit"], False
        if max_age is not None:
            aged = age is None or age > max_age
            if age is not None:
                parts.append(f"ttl={max_age - age}")
        if aged or self._is_to_be_told(resource, entry, max_age):
            self._background(self._renew(resource, entry.metadata.asked_at_ms))
        answer = self._answer(conditions, entry, age, parts, resource)
        event = "stale" if aged else "hit"
        self._log(event, key=loggable(resource.key), status=answer.status, age_s=age)
        return answer

    def _is_to_be_told(self, resource: Resource, entry: _Entry, max_age: int | None) -> bool:
        """Tell whether the refresher might take an entry for one that nobody wants any more.

        Of queries it keeps warm those that were asked for last, so it is told of them more often.
        Rows are refreshed whether anybody wants them or not.
        """
        if entry.read_at_ms is None or resource.row_id is not None:
            return False
        asked_s = age_s(entry.metadata.asked_at_ms, self._now_ms())
        return asked_s > min(TELL_AFTER_S, max_age or TELL_AFTER_S)

    async def _renew(self, resource: Resource, asked_at_ms: int) -> None:
        try:
            await self._refresher.renew(resource, asked_at_ms)
        except EdgeCacheError as error:
            self._log("renew_failed", key=loggable(resource.key), type=error.slug)

    async def _forward(
        self, resource: Resource, conditions: Conditions, miss: _Miss
    ) -> http.Answer:
        self._log("miss", key=loggable(resource.key), fwd=miss.fwd, detail=miss.detail)
        has_stale = miss.stale is not None
        try:
            filled = await self._refresher.fill(resource, version=miss.version, has_stale=has_stale)
        except EdgeCacheError as error:
            if miss.stale is not None and error.stale_if_error:
                return self._serve_instead(resource, conditions, miss.stale, error)
            _release_stale(miss)
            return self._relay(resource, miss, error)
        _release_stale(miss)
        entry = _Entry(filled.metadata, filled.body, filled.metadata.read_at_ms)
        parts = _filled_parts(miss, filled)
        return self._answer(conditions, entry, self._age_s(entry), parts, resource)

    def _serve_instead(
        self, resource: Resource, conditions: Conditions, entry: _Entry, error: EdgeCacheError
    ) -> http.Answer:
        """Answer with an entry that is out of date instead of an error (stale-if-error)."""
        if reply := _reply_of(error):
            http.release(reply.body)
        age = self._age_s(entry)
        self._log("stale_if_error", key=loggable(resource.key), type=error.slug, age_s=age)
        return self._answer(conditions, entry, age, _stale_parts(error))

    def _relay(self, resource: Resource, miss: _Miss, error: EdgeCacheError) -> http.Answer:
        """Answer with what Supabase said in its own words; else raise the error."""
        reply = _reply_of(error)
        if reply is None:
            raise error
        self._log("relayed", key=loggable(resource.key), status=reply.status, type=error.slug)
        return http.relayed(reply, http.cache_status(*_forwarded_parts(miss, reply.status)))

    def _answer(
        self,
        conditions: Conditions,
        entry: _Entry,
        age: int | None,
        parts: list[str],
        current: Resource | None = None,
    ) -> http.Answer:
        return http.representation(
            entry.metadata,
            entry.body,
            age=age,
            status=http.cache_status(*parts),
            if_none_match=conditions.if_none_match,
            head=conditions.head,
            current=current,
        )

    def _age_s(self, entry: _Entry) -> int | None:
        return None if entry.read_at_ms is None else age_s(entry.read_at_ms, self._now_ms())


def _reply_of(error: EdgeCacheError) -> Reply | None:
    return error.reply if isinstance(error, UpstreamError) else None


def _filled_parts(miss: _Miss, filled: Filled) -> list[str]:
    """Return Cache-Status's parameters for an entry that the refresher gave."""
    if not filled.asked:
        return ["hit", f"detail={miss.detail or 'memory'}"]
    return _forwarded_parts(miss, filled.metadata.status, stored=filled.stored)


def _forwarded_parts(miss: _Miss, status: int, *, stored: bool = False) -> list[str]:
    """Return Cache-Status's parameters for what Supabase answered."""
    parts = [f"fwd={miss.fwd}", f"fwd-status={status}"]
    if stored:
        parts.append("stored")
    if miss.detail:
        parts.append(f"detail={miss.detail}")
    return parts


def _release_stale(miss: _Miss) -> None:
    if miss.stale:
        http.release(miss.stale.body)


def _stale_parts(error: EdgeCacheError) -> list[str]:
    """Return Cache-Status's parameters for an entry that is out of date.

    A status is claimed only where one arrived.
    """
    if isinstance(error, NotAsked):
        return ["hit", f"detail={error.slug}"]
    status = error.supabase_status if isinstance(error, UpstreamError) else None
    arrived = [] if status is None else [f"fwd-status={status}"]
    return ["fwd=stale", *arrived, f"detail={error.slug}"]
