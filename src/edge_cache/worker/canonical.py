"""Which reads of Supabase's own clients are the same read.

If we cannot be sure, the request is `PassedOn` and reaches Supabase as it came. PostgREST sorts
parameters by name, and those of one name stay in order. It decodes ``+`` and ``%``. It also splits
at a raw ``;``. https://docs.postgrest.org/en/stable/references/api/url_grammar.html
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
"""A media range with the only parameter that matters. PostgREST accepts spaces, but no tab."""

_NOT_ALWAYS_THERE = "geojson"
"""Only a database with PostGIS has it. Without PostGIS, PostgREST takes the next of the list."""

_COUNTS = frozenset({"exact", "planned", "estimated"})
_WITHOUT_EFFECT = ("return=", "resolution=", "missing=")
"""These preferences do not change the answer to a read.
https://docs.postgrest.org/en/stable/references/api/preferences.html"""

_PROFILE = re.compile(r"[\w$-]{1,63}", re.ASCII)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLAIN = "*,.():!~$"
"""Not encoded, as letters, digits, ``-``, ``.`` and ``_``. So a URL is short and readable."""

_IS_PLAIN = re.compile(rf"[\w\-{re.escape(_PLAIN)}]*", re.ASCII).fullmatch
"""Most names and values are spelled in one way only, so there is nothing to decode or encode."""


@dataclass(frozen=True, slots=True)
class Variant:
    """The headers of a request that change its answer, as they came. None means absent."""

    accept: str | None = None
    profile: str | None = None
    prefer: str | None = None

    @property
    def chars(self) -> int:
        """The length of all headers together."""
        return sum(map(len, filter(None, (self.accept, self.profile, self.prefer))))


def query_in(
    method: str, target: str, raw: str, variant: Variant, arguments: str = ""
) -> Query | PassedOn:
    """Return the query of a GET or HEAD, or of a POST that calls a function with ``arguments``.

    ``target`` is the path below ``/rest/v1/``. ``raw`` is what follows ``?``.
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
    # HEAD gets GET's headers. But HEAD with a count has its own entry, because it reads no rows.
    head = method == "HEAD" and bool(count)
    return Query(
        target, parameters, variant.profile or "", accept, count, head=head, arguments=arguments
    )


def canonical(raw: str) -> str | None:
    """Return a query string sorted by name and encoded in one way. None if that is not safe."""
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
    # The gateway in front of PostgREST also accepts a key here.
    if any(name.casefold() == "apikey" for name, _ in decoded):
        return None
    decoded.sort(key=lambda pair: pair[0])
    encoded = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in decoded)
    return encoded if len(encoded) <= MAX_QUERY_CHARS else None


def _decoded(text: str) -> str:
    return text if _IS_PLAIN(text) else unquote_to_bytes(text.replace("+", " ")).decode()


def _encoded(text: str) -> str:
    return text if _IS_PLAIN(text) else quote(text, _PLAIN)


def _accept(accept: str | None, *, is_function: bool) -> str | None:
    """Return the word for the media type that Supabase would choose. None if we cannot be sure.

    If a client accepts anything, a table answers with JSON. A function may have another media type.
    """
    if accept and len(accept) > MAX_HEADER_CHARS:
        return None
    ranges = [_media_range(text) for text in (accept or "*/*").split(",")]
    word = _WORDS.get(ranges[0] or "") if len(ranges) == 1 else _first_of(ranges)
    return "" if word == "any" and not is_function else word


def _media_range(text: str) -> str | None:
    """Return a media range as `ACCEPTED` spells it. None if it is malformed or has parameters."""
    match = _MEDIA_RANGE.fullmatch(text)
    if match is None:
        return None
    return ";".join(filter(None, (match[1], match[2]))).lower()


def _first_of(ranges: list[str | None]) -> str | None:
    """Return the word for a list. PostgREST takes the first, and ranges with ``*`` last."""
    if any(one is None or ";" in one for one in ranges):
        return None
    named = (one for one in ranges if one and "*" not in one)
    word = _WORDS.get(next(named, ""))
    return None if word == _NOT_ALWAYS_THERE else word


def _count(prefer: str | None) -> str | None:
    """Return the preferred count, or "" for none. None if we do not understand every preference."""
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
