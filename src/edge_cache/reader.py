"""The read path: answer from the store, or have the refresher fill what is missing. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edge_cache import http
from edge_cache.entries import Metadata, age_s, etag_of, is_plausible, parse_metadata
from edge_cache.errors import StoreError
from edge_cache.ports import Log, NowMs, ReadableStore, Refreshing, StoredValue
from edge_cache.resources import Resource


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a read request asks for besides the resource."""

    if_none_match: str | None = None
    head: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """A usable entry; ``read_at_ms`` is None where it was written without metadata."""

    metadata: Metadata
    body: http.Body
    read_at_ms: int | None


@dataclass(frozen=True, slots=True)
class _Miss:
    """Why the store cannot answer: RFC 9211's ``fwd`` value and, where it helps, a detail."""

    fwd: str
    detail: str | None = None


class Reader:
    """Serves reads; never writes."""

    def __init__(
        self, store: ReadableStore, refresher: Refreshing, *, now_ms: NowMs, log: Log
    ) -> None:
        self._store = store
        self._refresher = refresher
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
            if resource.row_id is None:
                value, epoch_ms = await self._store.open(resource.key), 0
            else:
                value, epoch_ms = await self._store.open_row(resource.key, resource.table.epoch_key)
            entry = await self._check(resource, value) if value else None
        except StoreError as error:
            self._log("read_failed", key=resource.key, detail=error.detail)
            return _Miss("miss", "kv-read-failed")
        if value is None:
            return _Miss("uri-miss")
        if entry is None:
            self._log("malformed", key=resource.key)
            return _Miss("uri-miss", "malformed-entry")
        if (entry.read_at_ms or 0) < epoch_ms:
            http.release(entry.body)
            return _Miss("stale")
        return entry

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
        if not is_plausible(body, row=resource.row_id is not None):
            return None
        return _Entry(Metadata(etag_of(body), len(body), 0), body, None)

    def _serve(self, resource: Resource, conditions: Conditions, entry: _Entry) -> http.Answer:
        age = None if entry.read_at_ms is None else age_s(entry.read_at_ms, self._now_ms())
        answer = http.representation(
            entry.metadata,
            entry.body,
            age=age,
            status=http.cache_status("hit"),
            if_none_match=conditions.if_none_match,
            head=conditions.head,
        )
        self._log("hit", key=resource.key, status=answer.status, age_s=age)
        return answer

    async def _forward(
        self, resource: Resource, conditions: Conditions, miss: _Miss
    ) -> http.Answer:
        self._log("stale" if miss.fwd == "stale" else "miss", key=resource.key, detail=miss.detail)
        filled = await self._refresher.fill(resource)
        parts = [f"fwd={miss.fwd}", "fwd-status=200"]
        if filled.stored:
            parts.append("stored")
        if miss.detail:
            parts.append(f"detail={miss.detail}")
        return http.representation(
            filled.metadata,
            filled.body,
            age=age_s(filled.metadata.read_at_ms, self._now_ms()),
            status=http.cache_status(*parts),
            if_none_match=conditions.if_none_match,
            head=conditions.head,
        )
