"""What is cached: which URL path is which table or row, and under which KV key it lies.

A key is the URL's path (``/articles``, ``/articles/7``), as in the lesson's Worker, so that both
read each other's entries. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from edge_cache.tables import Table

MAX_PATH_BYTES = 2000
"""Rows with longer paths are not served; servers before PostgREST refuse URLs of some kilobytes."""

MAX_KEY_BYTES = 512
"""Workers KV's limit for a key (https://developers.cloudflare.com/kv/platform/limits/)."""

_PATH_SAFE = "!$&'()*+,;=:@"
"""Characters that RFC 3986 allows in a path segment besides the unreserved ones."""


@dataclass(frozen=True, slots=True)
class Resource:
    """The whole table (``row_id`` is None) or one row of it."""

    table: Table
    row_id: str | None = None

    @property
    def path(self) -> str:
        """The URL path, spelled one way however the client spelled it."""
        if self.row_id is None:
            return f"/{self.table.name}"
        return f"/{self.table.name}/{quote(self.row_id, safe=_PATH_SAFE)}"

    @property
    def is_served(self) -> bool:
        """Whether the path is short enough."""
        return len(self.path) <= MAX_PATH_BYTES

    @property
    def key(self) -> str:
        """The KV key: the path, or a digest where that is longer than a key may be."""
        path = self.path
        if len(path) <= MAX_KEY_BYTES:
            return path
        return f"/{self.table.name}/?sha256={hashlib.sha256(path.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a served table: its kind and the ids of the rows that it touches.

    An UPDATE that changes the id touches two.
    """

    table: Table
    kind: str
    row_ids: tuple[str, ...]


def path_of(url: str) -> str:
    """Return an absolute URL's path without query, fragment and trailing slashes.

    The query is dropped because it never makes another entry; ``/`` stays ``/``.
    """
    rest = url.partition("://")[2]
    path = "/" + rest.partition("/")[2]
    path = path.partition("?")[0].partition("#")[0]
    return path.rstrip("/") or "/"


def resource_at(path: str, tables: Iterable[Table]) -> Resource | None:
    """Return what lies at a path from `path_of`, or None where nothing does.

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
