"""A read of Supabase's own clients, always spelled in the same way.

The text of a query is a path: ``/rest/v1/articles;profile=public?select=%2A``. It names everything
in a request that can change the answer. So it is the entry's key, and the refresher needs nothing
else to ask Supabase.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, unquote

ROOT = "/rest/v1/"

_PATH = re.compile(
    r"/rest/v1/(?P<target>(?:rpc/)?[A-Za-z0-9_-]{1,63})"
    r"(?P<head>;head)?(?:;profile=(?P<profile>[\w$-]+))?(?:;accept=(?P<accept>[a-z-]+))?"
    r"(?:;count=(?P<count>[a-z]+))?(?P<call>;call)?(?:\?(?P<parameters>[^#]+))?",
    re.ASCII,
)

_PLAIN = "*,.():!~$"
"""Not encoded in arguments, as letters, digits, ``-``, ``.`` and ``_``."""

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


@dataclass(frozen=True)
class Query:
    """One read below ``/rest/v1/``.

    ``target`` is a relation's name, or ``rpc/`` and a function's name. ``parameters`` are sorted
    and encoded by `edge_cache.worker.canonical`. ``profile``, ``accept`` and ``count`` are empty if
    the client accepts PostgREST's default. ``head`` is true for a HEAD with an entry of its own.
    ``arguments`` is the body of a POST that calls a function, or empty for a GET
    (see `edge_cache.worker.arguments`).
    """

    target: str
    parameters: str = ""
    profile: str = ""
    accept: str = ""
    count: str = ""
    head: bool = False
    arguments: str = ""

    @cached_property
    def path(self) -> str:
        """The query as a path."""
        named = (("profile", self.profile), ("accept", self.accept), ("count", self.count))
        variant = "".join(f";{name}={value}" for name, value in named if value)
        asked = [quote(self.arguments, _PLAIN)] if self.arguments else []
        question = "&".join([*asked, *filter(None, [self.parameters])])
        marks = f"{';head' if self.head else ''}{variant}{';call' if self.arguments else ''}"
        return f"{ROOT}{self.target}{marks}{'?' if question else ''}{question}"


def query_at(path: str) -> Query | None:
    """Return the query that has this `Query.path`, or None if no query has it."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    texts = {name: match[name] or "" for name in ("profile", "accept", "count")}
    parameters, arguments = match["parameters"] or "", ""
    if match["call"]:
        spelled, _, parameters = parameters.partition("&")
        arguments = unquote(spelled)
    head = match["head"] is not None
    query = Query(match["target"], parameters, **texts, head=head, arguments=arguments)
    return query if query.path == path else None
