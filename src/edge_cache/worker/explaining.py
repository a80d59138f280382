"""Says what a reader of a path would get, and why, for who has the secret.

`GET /entry/rest/v1/articles?select=title` looks where a reader's request would look, and asks
nobody else. It refreshes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from edge_cache.bodies import Body, release
from edge_cache.dependencies import EVERYTHING
from edge_cache.entries import Entry, Metadata
from edge_cache.freshness import Absent, Aged, Fresh, Outdated, Terms, worth_of
from edge_cache.logged import digested
from edge_cache.messages import Request
from edge_cache.ports import NowMs, ReadableStore
from edge_cache.resources import Resource
from edge_cache.times import rfc3339
from edge_cache.versions import Published
from edge_cache.worker.reader import MaxAges, entry_in

PATH = "/entry"

_WORDS = {Fresh: "fresh", Aged: "aged", Outdated: "outdated", Absent: "absent"}


def asked_about(request: Request, public_key: str) -> Request | None:
    """Return the request that is to be explained, or None if this is none.

    It has the headers of this one, without the secret. Without ``apikey``, it has the public key.
    """
    url = request.url.below(PATH)
    if url is None:
        return None
    own = {"authorization": None, "apikey": request.header("apikey") or public_key}

    def header(name: str) -> str | None:
        return own[name] if name in own else request.header(name)

    return replace(request, url=url, header=header)


class Explainer:
    """Looks into Workers KV as a reader does. Every method raises StoreError."""

    def __init__(
        self,
        store: ReadableStore,
        project: str,
        max_ages: MaxAges,
        now_ms: NowMs,
        *,
        logs_queries: bool,
    ) -> None:
        self._store = store
        self._project = project
        self._max_ages = max_ages
        self._now_ms = now_ms
        self._logged = str if logs_queries else digested

    async def told(self, resource: Resource) -> dict[str, object]:
        """Return what the cache has for a resource, as JSON members."""
        value, published = await self._store.open_versioned(
            resource.key, resource.target.versions_key
        )
        entry = await entry_in(resource, value) if value else None
        members: dict[str, object] = {
            "target": resource.target.name,
            "key": resource.key,
            "logged_as": self._logged(resource.key),
            "latest_change": published.highest,
        }
        if entry is None:
            detail = "malformed-entry" if value else None
            return {**members, "worth": "absent", "detail": detail, "entry": None}
        release(entry.body)
        max_age_s = self._max_ages.of(resource)
        worth = worth_of(entry, Terms(self._project, published, max_age_s, self._now_ms()))
        members["worth"] = _WORDS[type(worth)]
        members["detail"] = worth.detail if isinstance(worth, Absent) else None
        members["outdated_by"] = _outdating(entry.metadata, published)
        return {**members, "entry": self._described(entry, max_age_s)}

    def _described(self, entry: Entry[Body], max_age_s: int | None) -> dict[str, object]:
        metadata = entry.metadata
        return {
            "version": metadata.version,
            "read_at": rfc3339(metadata.read_at_ms),
            "age": entry.age_s(self._now_ms()),
            "maximum_age": max_age_s,
            "bytes": metadata.size,
            "status": metadata.status,
            "depends_on": _named(metadata),
            "is_shared": bool(metadata.shared),
        }


def _named(metadata: Metadata) -> list[str]:
    """Return what an answer depends on, in words."""
    relations = ["everything" if one == EVERYTHING else one for one in metadata.relations]
    keys = [f"rows with a key in bucket {bucket:x}" for bucket in metadata.buckets]
    return [*relations, *keys]


def _outdating(metadata: Metadata, published: Published) -> dict[str, int]:
    """Return the changes that make an answer outdated: their numbers, by what changed."""
    found = published.numbers(metadata.relations, metadata.buckets)
    return {name: number for name, number in found.items() if number > metadata.version}
