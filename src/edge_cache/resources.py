"""What is cached: a table, a row or a query, and under which KV key it lies.

A key of the first two is the URL's path (``/articles``, ``/articles/7``), as in the lesson's
Worker, so that both read each other's entries. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from edge_cache.entries import Versions
from edge_cache.queries import ROOT, Query, query_at
from edge_cache.tables import PROJECT, PUBLIC, Declared, Scope, Table

MAX_PATH_BYTES = 2000
"""Rows with longer paths are not served; servers before PostgREST refuse URLs of some kilobytes."""

MAX_KEY_BYTES = 512
"""Workers KV's limit for a key (https://developers.cloudflare.com/kv/platform/limits/)."""

_PATH_SAFE = "!$&'()*+,;=:@"
"""Characters that RFC 3986 allows in a path segment besides the unreserved ones."""


_DOTS = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class Resource:
    """A whole table, one row of it (``row_id``), or a query.

    ``scope`` has the version that it depends on, and the object that reads and writes it.
    """

    scope: Scope
    row_id: str | None = None
    query: Query | None = None

    @property
    def table(self) -> Table:
        """The table of a whole table or of a row. Raises TypeError for a query."""
        if not isinstance(self.scope, Table) or self.query is not None:
            raise TypeError("a query is of no single table")
        return self.scope

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole table."""
        return self.row_id is None and self.query is None

    @property
    def path(self) -> str:
        """The path, spelled one way however the client spelled it."""
        if self.query is not None:
            return self.query.path
        if self.row_id is None:
            return f"/{self.scope.name}"
        return f"/{self.scope.name}/{quote(self.row_id, safe=_PATH_SAFE)}"

    @property
    def is_served(self) -> bool:
        """Whether the path is short enough, and in its normal form (see `edge_cache.urls`)."""
        return len(self.path) <= MAX_PATH_BYTES and self.row_id not in _DOTS

    @property
    def key(self) -> str:
        """The KV key: the path, or a digest where that is longer than a key may be."""
        path = self.path
        if len(path) <= MAX_KEY_BYTES:
            return path
        digest = hashlib.sha256(path.encode()).hexdigest()
        if self.query is not None:
            return f"{ROOT}{self.query.target};sha256={digest}"
        return f"/{self.scope.name}/?sha256={digest}"

    def needed_of(self, versions: Versions) -> int:
        """Return the published version below which its entry is stale; 0 for a whole table."""
        if self.is_whole:
            return 0
        return versions.rows if self.query is None else versions.queries


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a table: its kind, where that is told, and the ids of the rows that it touches.

    An UPDATE that changes the id touches two. Where ``row_ids`` is None, any row may have changed.
    ``table`` is None for one that is not declared. ``number`` is the database's own, 0 if it gave
    none.
    """

    table: Table | None
    kind: str = ""
    row_ids: tuple[str, ...] | None = ()
    number: int = 0


def resource_at(path: str, tables: Iterable[Table]) -> Resource | None:
    """Return what lies at a `Url.route`, or None if nothing does.

    A row's id is percent-decoded; one that is not UTF-8, or too long, names no row.
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
    """Return a query with what it belongs to, or None if its target is not declared.

    A query of one declared table depends on that table. Which tables one reads that embeds, nobody
    can tell: a junction table need not be named. It belongs to the project.
    """
    scope = declared.scope_of(query.target, query.profile or PUBLIC)
    if scope is None:
        return None
    return Resource(PROJECT if query.embeds else scope, query=query)


def resource_from(path: str, declared: Declared) -> Resource | None:
    """Return what a `Resource.path` is of, or None where that is not served.

    ``/`` is the project's, of which there is nothing to read but queries.
    """
    if path == "/":
        return Resource(PROJECT)
    if path.startswith(ROOT):
        query = query_at(path)
        return resource_of(query, declared) if query else None
    return resource_at(path, declared.tables)


def loggable(key: str) -> str:
    """Return a KV key as the log has it: a query's values, which a person may have typed, digested.

    Equal queries stay recognisable.
    """
    if not key.startswith(ROOT) or "?" not in key:
        return key
    shown, _, parameters = key.partition("?")
    return f"{shown}?{hashlib.sha256(parameters.encode()).hexdigest()[:12]}"
