"""A read of Supabase's own clients, spelled one way however the client spelled it. Pure.

The text of a query is a path and names everything that the answer depends on, so it is the entry's
key, and all that the refresher needs to ask: ``/rest/v1/articles;profile=public?select=%2A``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ROOT = "/rest/v1/"

_PATH = re.compile(
    r"/rest/v1/(?P<target>(?:rpc/)?[A-Za-z0-9_-]{1,63})"
    r"(?P<head>;head)?(?:;profile=(?P<profile>[\w$-]+))?(?:;accept=(?P<accept>[a-z-]+))?"
    r"(?:;count=(?P<count>[a-z]+))?(?:\?(?P<parameters>[^#]+))?",
    re.ASCII,
)

ACCEPTED: Mapping[str, str] = {
    "": "application/json",
    "any": "*/*",
    "object": "application/vnd.pgrst.object+json",
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "stripped": "application/vnd.pgrst.array+json;nulls=stripped",
    "stripped-object": "application/vnd.pgrst.object+json;nulls=stripped",
}
"""Media types by the word that a query has for them."""

_EMBEDDING = ("select=", "order=")
"""Parameters that name other tables, always in parentheses."""


@dataclass(frozen=True, slots=True)
class Query:
    """One read below ``/rest/v1/``.

    ``target`` is a relation's name or ``rpc/`` with a function's. ``parameters`` are sorted and
    encoded as `edge_cache.worker.canonical` does. ``profile``, ``accept`` and ``count`` are empty
    where the client leaves PostgREST's default. ``head`` is a HEAD that has an answer of its own.
    """

    target: str
    parameters: str = ""
    profile: str = ""
    accept: str = ""
    count: str = ""
    head: bool = False

    @property
    def path(self) -> str:
        """The query as a path."""
        named = (("profile", self.profile), ("accept", self.accept), ("count", self.count))
        variant = "".join(f";{name}={value}" for name, value in named if value)
        question = f"?{self.parameters}" if self.parameters else ""
        return f"{ROOT}{self.target}{';head' if self.head else ''}{variant}{question}"

    @property
    def embeds(self) -> bool:
        """Whether it may read other tables than its own.

        An aggregate has parentheses too; it counts as embedding, which is never too little.
        """
        parts = self.parameters.split("&")
        return any(part.startswith(_EMBEDDING) and "(" in part for part in parts)


def query_at(path: str) -> Query | None:
    """Return the query that a `Query.path` is of, or None if it is of none."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    texts = {name: match[name] or "" for name in ("parameters", "profile", "accept", "count")}
    return Query(match["target"], **texts, head=match["head"] is not None)
