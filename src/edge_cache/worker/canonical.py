"""Which reads of Supabase's own clients are the same read. Pure.

What cannot be told for sure is `PassedOn`: it reaches Supabase as it came. PostgREST's own rules:
it sorts parameters by name only and stably, decodes ``+`` and ``%``, and splits at a raw ``;`` too.
https://docs.postgrest.org/en/stable/references/api/url_grammar.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from edge_cache.queries import ACCEPTED, Query
from edge_cache.reasons import PassedOn, Reason

MAX_QUERY_CHARS = 16 * 1024
"""A longer query is passed on."""

MAX_HEADER_CHARS = 1000
"""A longer header is passed on. Supabase's clients send less than a tenth of that."""

_WORDS = {media_type: word for word, media_type in ACCEPTED.items()}

_MEDIA_RANGE = re.compile(
    r" *([A-Za-z*]+/[A-Za-z0-9*.+-]+)(?: *; *([Nn][Uu][Ll][Ll][Ss]=stripped))? *"
)
"""A media range, and the only parameter that matters. PostgREST takes spaces, but no tab."""

_NOT_ALWAYS_THERE = "geojson"
"""Only a database with PostGIS has it; without that, the next one of a list is taken."""

_COUNTS = frozenset({"exact", "planned", "estimated"})
_WITHOUT_EFFECT = ("return=", "resolution=", "missing=")
"""Preferences that change nothing of a read.
https://docs.postgrest.org/en/stable/references/api/preferences.html"""

_PROFILE = re.compile(r"[\w$-]{1,63}", re.ASCII)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLAIN = "*,.():!~$"
"""Left as they are beside letters, digits, ``-``, ``.``, ``_``: so a URL is short, and readable."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What of a request's headers changes its answer, as they came; None where one is absent."""

    accept: str | None = None
    profile: str | None = None
    prefer: str | None = None

    @property
    def chars(self) -> int:
        """How long the headers are together."""
        return sum(map(len, filter(None, (self.accept, self.profile, self.prefer))))


def query_in(method: str, target: str, raw: str, variant: Variant) -> Query | PassedOn:
    """Return the query of a GET or HEAD.

    ``target`` is the path below ``/rest/v1/``, ``raw`` what follows ``?``.
    """
    parameters = canonical(raw)
    count = _count(variant.prefer)
    accept = _accept(variant.accept, is_function=target.startswith("rpc/"))
    if parameters is None:
        return PassedOn(Reason.QUERY)
    if count is None:
        return PassedOn(Reason.PREFER)
    if accept is None:
        return PassedOn(Reason.ACCEPT)
    if variant.profile is not None and not _PROFILE.fullmatch(variant.profile):
        return PassedOn(Reason.PROFILE)
    # A HEAD is answered with the headers of GET, except that it may count rows without reading any.
    head = method == "HEAD" and bool(count)
    return Query(target, parameters, variant.profile or "", accept, count, head=head)


def canonical(raw: str) -> str | None:
    """Return a query string sorted by name and encoded one way; None if that is not safe."""
    if not raw:
        return ""
    if len(raw) > MAX_QUERY_CHARS or ";" in raw or _BROKEN_ESCAPE.search(raw):
        return None
    pairs = [part.partition("=") for part in raw.split("&")]
    if not all(equals for _, equals, _ in pairs):
        return None
    try:
        decoded = [(_decoded(name), _decoded(value)) for name, _, value in pairs]
    except UnicodeDecodeError:
        return None
    # The gateway in front of PostgREST takes a key from here, too.
    if any(name.casefold() == "apikey" for name, _ in decoded):
        return None
    decoded.sort(key=lambda pair: pair[0])
    encoded = "&".join(f"{quote(name, _PLAIN)}={quote(value, _PLAIN)}" for name, value in decoded)
    return encoded if len(encoded) <= MAX_QUERY_CHARS else None


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode()


def _accept(accept: str | None, *, is_function: bool) -> str | None:
    """Return the word for the media type that Supabase would choose; None if that is not certain.

    Whoever takes anything gets JSON from a table. A function may return another media type then.
    """
    if accept and len(accept) > MAX_HEADER_CHARS:
        return None
    ranges = [_media_range(text) for text in (accept or "*/*").split(",")]
    word = _WORDS.get(ranges[0] or "") if len(ranges) == 1 else _first_of(ranges)
    return "" if word == "any" and not is_function else word


def _media_range(text: str) -> str | None:
    """Return a media range as `ACCEPTED` spells it, or None if it is none, or has parameters."""
    match = _MEDIA_RANGE.fullmatch(text)
    if match is None:
        return None
    return ";".join(filter(None, (match[1], match[2]))).lower()


def _first_of(ranges: list[str | None]) -> str | None:
    """Return the word for a list. PostgREST takes the first, those with ``*`` last."""
    if any(one is None or ";" in one for one in ranges):
        return None
    named = (one for one in ranges if one and "*" not in one)
    word = _WORDS.get(next(named, ""))
    return None if word == _NOT_ALWAYS_THERE else word


def _count(prefer: str | None) -> str | None:
    """Return the count that is preferred, or ""; None if there is more than is understood."""
    if prefer and len(prefer) > MAX_HEADER_CHARS:
        return None
    counts = []
    for preference in (prefer or "").split(","):
        name, _, value = preference.strip().partition("=")
        if name == "count" and value in _COUNTS:
            counts.append(value)
        elif name and not preference.strip().startswith(_WITHOUT_EFFECT):
            return None
    if len(counts) > 1:
        return None
    return counts[0] if counts else ""
