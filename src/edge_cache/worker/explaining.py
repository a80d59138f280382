"""Says what a reader of a path would get, and why, for who has the secret.

`GET /entry/rest/v1/articles?select=title` looks where a reader's request would look, and asks
nobody else. It refreshes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from edge_cache.bodies import Body, release
from edge_cache.dependencies import EVERYTHING
from edge_cache.entries import Entry, Metadata, shared_by
from edge_cache.freshness import Absent, Aged, Fresh, Outdated, Terms, worth_of
from edge_cache.logged import digested
from edge_cache.messages import Request
from edge_cache.ports import NowMs, ReadableStore
from edge_cache.queries import query_at
from edge_cache.resources import Resource, resource_of
from edge_cache.tables import Declared
from edge_cache.times import rfc3339
from edge_cache.versions import ROWS, Published
from edge_cache.worker.arguments import arguments_in
from edge_cache.worker.canonical import canonical
from edge_cache.worker.reader import MaxAges, entry_in

PATH = "/entry"

METHOD = "explain-method"
"""This header says that the reader sends HEAD."""
BODY = "explain-body"
"""This header has the percent-encoded body of a call by POST."""

_BUCKET = "rows with a key in bucket {}"

_WORDS = {Fresh: "fresh", Aged: "aged", Outdated: "outdated", Absent: "absent"}


def asked_about(request: Request, public_key: str) -> Request | None:
    """Return the request that is to be explained, or None if this is none.

    It has the headers of this one, without the secret. Without ``apikey``, it has the public key.
    `METHOD` and `BODY` say more of it.
    """
    url = request.url.below(PATH)
    if url is None:
        return None
    key, body = request.header("apikey"), unquote_to_bytes(request.header(BODY) or "")
    own = {"authorization": None, "apikey": public_key if key is None else key}
    if body:
        type_ = request.header("content-type") or "application/json"
        own |= {"content-length": str(len(body)), "content-type": type_}

    def header(name: str) -> str | None:
        return own[name] if name in own else request.header(name)

    async def read(limit: int) -> bytes | None:
        return body if len(body) <= limit else None

    method = "POST" if body else request.header(METHOD) or "GET"
    return replace(request, method=method, url=url, header=header, body=read, copy=lambda: read)


def resource_with(key: str, declared: Declared) -> Resource | None:
    """Return what has a key, as `/touches`, `/queries` and the log name it, or None.

    The key may also be a `Resource.path` that is too long for a key. If something stands for the
    query, as in the log, nobody knows the query.
    """
    query = query_at(key)
    if query is None or canonical(query.parameters) != query.parameters:
        return None
    if query.arguments and arguments_in(query.arguments.encode()) is None:
        return None
    return resource_of(query, declared)


class Explainer:
    """Looks into Workers KV as a reader does. Every method raises StoreError."""

    def __init__(  # noqa: PLR0913  its collaborators, nothing else
        self,
        store: ReadableStore,
        project: str,
        max_ages: MaxAges,
        now_ms: NowMs,
        *,
        signed_in: Mapping[tuple[str, str], str],
        logs_queries: bool,
    ) -> None:
        self._store = store
        self._project = project
        self._max_ages = max_ages
        self._now_ms = now_ms
        self._shared_by = shared_by(signed_in)
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
            members["signed_in"] = self._signed_in(resource, Absent())
            return {**members, "worth": "absent", "detail": detail, "entry": None}
        release(entry.body)
        max_age_s = self._max_ages.of(resource)
        worth = worth_of(entry, Terms(self._project, published, max_age_s, self._now_ms()))
        members["worth"] = _WORDS[type(worth)]
        members["signed_in"] = self._signed_in(resource, worth)
        members["detail"] = worth.detail if isinstance(worth, Absent) else None
        members["outdated_by"] = _outdating(entry.metadata, published)
        return {**members, "entry": self._described(entry, max_age_s)}

    def _signed_in(self, resource: Resource, worth: Fresh | Aged | Outdated | Absent) -> str:
        """Return what a reader gets who is signed in, as the `Reader` decides.

        It is the ``same`` as what others get, or ``passed on``. If the answer has to be read first,
        it is ``undecided``.
        """
        if resource.query is None:
            return "same"
        if isinstance(worth, Absent):
            return "undecided"
        shared = worth.entry.metadata.shared
        if shared == self._shared_by:
            return "same"
        return "undecided" if shared or isinstance(worth, Outdated) else "passed on"

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
        }


def _named(metadata: Metadata) -> list[str]:
    """Return what an answer depends on, in words."""
    relations = ["everything" if one == EVERYTHING else one for one in metadata.relations]
    keys = [_BUCKET.format(f"{bucket:x}") for bucket in metadata.buckets]
    return [*relations, *keys]


def _outdating(metadata: Metadata, published: Published) -> dict[str, int]:
    """Return the changes that make an answer outdated: their numbers, by what changed."""
    found = published.numbers(metadata.relations, metadata.buckets)
    if metadata.version < published.floor:
        return {"everything": published.floor}
    return {_in_words(name): number for name, number in found.items() if number > metadata.version}


def _in_words(name: str) -> str:
    """Return a name of `Published.numbers` in words."""
    if name == ROWS:
        return "every row"
    return _BUCKET.format(name[len(ROWS) :]) if name.startswith(ROWS) else name
