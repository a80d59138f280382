"""What can be cached: a table, a row or a query, and the KV key of its entry.

The key of a table or a row is the URL's path (``/articles``, ``/articles/7``). The lesson's Worker
uses the same keys, so each can read the other's entries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, unquote_to_bytes

from edge_cache.queries import ROOT, Query, query_at
from edge_cache.tables import PUBLIC, Declared, Table, Target

MAX_PATH_BYTES = 2000
"""A row with a longer path is not served, because servers in front of PostgREST refuse URLs of some
kilobytes."""

MAX_KEY_BYTES = 512
"""Workers KV's limit for a key (https://developers.cloudflare.com/kv/platform/limits/)."""

_PATH_SAFE = "!$&'()*+,;=:@"
"""RFC 3986 allows these characters in a path segment besides the unreserved ones."""


_DOTS = frozenset({".", ".."})


@dataclass(frozen=True)
class Resource:
    """A whole table, one row of it (``row_id``), or a query.

    The object of its ``target`` reads and writes it.
    """

    target: Target
    row_id: str | None = None
    query: Query | None = None

    def __hash__(self) -> int:
        """Return the path's hash, which Python remembers."""
        return hash(self.path)

    @property
    def table(self) -> Table:
        """The table of a whole table or of a row. Raises TypeError for a query."""
        if not isinstance(self.target, Table) or self.query is not None:
            raise TypeError("a query has no single table")
        return self.target

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole table."""
        return self.row_id is None and self.query is None

    @cached_property
    def path(self) -> str:
        """The path, always spelled in the same way."""
        if self.query is not None:
            return self.query.path
        if self.row_id is None:
            return f"/{self.target.name}"
        return f"/{self.target.name}/{quote(self.row_id, safe=_PATH_SAFE)}"

    @property
    def is_served(self) -> bool:
        """Whether the path is short enough, and in its normal form (see `edge_cache.urls`)."""
        return len(self.path) <= MAX_PATH_BYTES and self.row_id not in _DOTS

    @cached_property
    def key(self) -> str:
        """The KV key: the path or, if that is longer than a key may be, a digest of it."""
        path = self.path
        if len(path) <= MAX_KEY_BYTES:
            return path
        digest = hashlib.sha256(path.encode()).hexdigest()
        if self.query is not None:
            return f"{ROOT}{self.query.target};sha256={digest}"
        return f"/{self.target.name}/?sha256={digest}"


def resource_at(path: str, tables: Iterable[Table]) -> Resource | None:
    """Return what lies at a `Url.route`, or None if nothing does.

    A row's id is percent-decoded. If it is not UTF-8, or too long, it names no row.
    """
    name, slash, segment = path[1:].partition("/")
    table = next((table for table in tables if table.name == name), None)
    if table is None or "/" in segment:
        return None
    if not slash:
        return Resource(table)
    try:
        resource = Resource(table, unquote_to_bytes(segment).decode())
    except UnicodeDecodeError:
        return None
    return resource if resource.is_served else None


def resource_of(query: Query, declared: Declared) -> Resource | None:
    """Return the resource of a query, or None if its target is not declared."""
    target = declared.target_of(query.target, query.profile or PUBLIC)
    return None if target is None else Resource(target, query=query)


def resource_from(path: str, declared: Declared) -> Resource | None:
    """Return the resource that has this `Resource.path`, or None if that is not served."""
    if path.startswith(ROOT):
        query = query_at(path)
        return resource_of(query, declared) if query else None
    return resource_at(path, declared.tables)
