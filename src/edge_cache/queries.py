"""A read of Supabase's own clients, always spelled in the same way.

The text of a query is a path: ``/rest/v1/articles;profile=public?select=%2A``. It names everything
in a request that can change the answer. So it is the entry's key, and the refresher needs nothing
else to ask Supabase.
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
"""Media types by the word that a query's text has for them."""


@dataclass(frozen=True, slots=True)
class Query:
    """One read below ``/rest/v1/``.

    ``target`` is a relation's name, or ``rpc/`` and a function's name. ``parameters`` are sorted
    and encoded by `edge_cache.worker.canonical`. ``profile``, ``accept`` and ``count`` are empty if
    the client accepts PostgREST's default. ``head`` is true for a HEAD with an entry of its own.
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


def query_at(path: str) -> Query | None:
    """Return the query that has this `Query.path`, or None if no query has it."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    texts = {name: match[name] or "" for name in ("parameters", "profile", "accept", "count")}
    return Query(match["target"], **texts, head=match["head"] is not None)
