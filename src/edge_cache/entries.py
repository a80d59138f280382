"""A cached entry: the JSON text is KV's value, and what we know about it is KV's metadata.

The value is the JSON text alone, so that a Worker that knows no metadata can read it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from edge_cache.bodies import Body
from edge_cache.dependencies import BUCKETS, EVERYTHING, Dependencies
from edge_cache.versions import MAX_NUMBER

_FORMAT = 3
_EARLIER_FORMAT = 2
"""Releases 0.1.0 and 0.2.0 wrote this. They numbered changes in another way, so nobody can know
whether such an entry is outdated, and it counts as that. They cannot read format 3."""

_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,100}"')
"""A header can have this text unchanged (RFC 9110, section 8.8.3)."""

REPLAYED = (
    "content-type",
    "content-range",
    "content-profile",
    "preference-applied",
    "content-location",
    "content-disposition",
    "content-language",
    "warning",
)
"""Headers of Supabase's answer to a query that are stored with it. Only SQL sets the last three,
but PostgREST 16 sends warnings too."""

REPLAYABLE = frozenset({200, 206, 406})
"""Statuses that are stored. A 406 means that a client asked for one row, and there is no row or
there are several."""

MAX_METADATA_BYTES = 1024
"""Workers KV's limit (https://developers.cloudflare.com/kv/platform/limits/)."""

_REMEMBERED = 500
"""At most this many texts of KV, about 1 MB, stay parsed, because most hits need few entries."""

_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,1000}")
"""KV's metadata are sent in a header, and only ASCII is safe there."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is stored beside an entry's bytes.

    - ``etag`` is a strong entity-tag with its quotes, ``size`` the value's length in bytes.
    - ``version`` is the number of the latest change that the target knew when the read *began*. So
      the entry has every change up to that one.
    - ``relations`` and ``buckets`` say what the answer depends on (see `edge_cache.dependencies`).
    - ``read_at_ms`` is the Unix time in milliseconds of that moment. Only ages are counted from it.
      It is 0 if another Worker wrote the entry.
    - ``asked_at_ms`` is when a reader was last known to want the entry.
    - ``row`` is a row's digest. It does not depend on how the row is spelled.
    - ``status`` and ``headers`` are replayed for a query. A table and a row have no headers.
    - ``rows`` is the number of a whole table's rows. Entries of release 0.1.0 do not have it.
    - ``project`` is the digest of the Supabase project that was read. Entries of release 0.2.0 and
      before have none.
    - ``shared`` is not empty if readers who are signed in get the same answer as all others. It is
      `shared_by` what was declared then, so that an entry does not outlive a declaration.
    - ``is_earlier`` is whether release 0.2.0 or an earlier one wrote it.
    """

    etag: str
    size: int
    read_at_ms: int
    version: int
    row: str = ""
    asked_at_ms: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    project: str = ""
    relations: tuple[str, ...] = ()
    buckets: tuple[int, ...] = ()
    shared: str = ""
    is_earlier: bool = False

    def is_of(self, project: str) -> bool:
        """Return whether it was read from this project, or nobody knows from which."""
        return self.project in {"", project}

    def to_json(self) -> str:
        """Return the text that KV keeps (`MAX_METADATA_BYTES`)."""
        fields: dict[str, object] = {
            "v": _FORMAT,
            "etag": self.etag,
            "size": self.size,
            "readAt": self.read_at_ms,
            "version": self.version,
            "row": self.row,
            "askedAt": self.asked_at_ms,
            "project": self.project,
            "on": depends_text(self.relations, self.buckets),
        }
        if self.headers:
            fields |= {"status": self.status, "headers": dict(self.headers)}
        if self.rows is not None:
            fields["rows"] = self.rows
        if self.shared:
            fields["shared"] = self.shared
        return json.dumps(fields, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Representation:
    """A complete, valid answer of Supabase.

    ``headers`` are those that are replayed, by lower-case name. ``rows`` is the number of a whole
    table's rows.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None


B_co = TypeVar("B_co", bound=Body, covariant=True)


@dataclass(frozen=True, slots=True)
class Entry(Generic[B_co]):
    """An answer that is kept: what we know about it, and its bytes or a stream of them."""

    metadata: Metadata
    body: B_co

    def age_s(self, now_ms: int) -> int | None:
        """Return its age in whole seconds, at least 0. None if another Worker wrote it."""
        read_at_ms = self.metadata.read_at_ms
        return max(0, (now_ms - read_at_ms) // 1000) if read_at_ms else None


@lru_cache(_REMEMBERED)
def parse_metadata(text: str) -> Metadata | None:
    """Return the metadata, or None if this package cannot have written the text."""
    try:
        fields = json.loads(text)
        if fields["v"] not in {_FORMAT, _EARLIER_FORMAT}:
            return None
        relations, buckets = _dependencies_in(fields.get("on", EVERYTHING))
        metadata = Metadata(
            fields["etag"],
            fields["size"],
            fields["readAt"],
            fields["version"],
            fields["row"],
            fields.get("askedAt", fields["readAt"]),  # an entry of release 0.1 has none
            fields.get("status", 200),
            fields.get("headers", {}),
            fields.get("rows"),
            fields.get("project", ""),
            relations,
            buckets,
            shared=fields.get("shared", ""),
            is_earlier=fields["v"] == _EARLIER_FORMAT,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return metadata if _is_well_formed(metadata) else None


def depends_text(relations: Sequence[str], buckets: Sequence[int]) -> str:
    """Return the text that an entry's metadata have for its dependencies."""
    return " ".join([*relations, *(f"#{bucket:x}" for bucket in buckets)])


def _dependencies_in(text: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the relations and the buckets of a text. Raises ValueError."""
    if not isinstance(text, str):
        raise TypeError(text)
    names = text.split(" ") if text else []
    buckets = tuple(int(name[1:], 16) for name in names if name.startswith("#"))
    if not all(0 <= bucket < BUCKETS for bucket in buckets):
        raise ValueError(text)
    return tuple(name for name in names if not name.startswith("#")), buckets


def _is_well_formed(metadata: Metadata) -> bool:
    rows = 0 if metadata.rows is None else metadata.rows
    numbers = (metadata.size, metadata.read_at_ms, metadata.version, metadata.asked_at_ms, rows)
    return bool(
        isinstance(metadata.etag, str)
        and _ETAG.fullmatch(metadata.etag)
        and all(type(number) is int and 0 <= number < MAX_NUMBER for number in numbers)
        and isinstance(metadata.row, str)
        and isinstance(metadata.project, str)
        and isinstance(metadata.shared, str)
        and type(metadata.status) is int
        and metadata.status in REPLAYABLE
        and isinstance(metadata.headers, dict)
        and all(_is_header(*header) for header in metadata.headers.items())
    )


def _is_header(name: object, value: object) -> bool:
    return name in REPLAYED and isinstance(value, str) and is_storable_header(value)


def is_storable_header(value: str) -> bool:
    """Return whether KV's metadata may have a header's value."""
    return _HEADER_VALUE.fullmatch(value) is not None


def etag_of(body: bytes) -> str:
    """Return a strong entity-tag. Two are equal if the bytes are, and only then."""
    return f'"{digest_of(body, 16)}"'


def digest_of(content: bytes, size: int) -> str:
    """Return a digest of ``size`` bytes, as hexadecimal digits."""
    # BLAKE2b takes 0.15 ms for 100 KB in WebAssembly, SHA-256 0.41 ms.
    return hashlib.blake2b(content, digest_size=size).hexdigest()


def entry_of(  # noqa: PLR0913  what is known about an answer
    answered: Representation,
    project: str,
    depends: Dependencies,
    *,
    read_at_ms: int,
    version: int,
    asked_at_ms: int,
    shared: str = "",
) -> Entry[bytes]:
    """Return an answer with its metadata. ``shared`` counts only if the answer is shared.

    A query's entity-tag depends on the headers too, because the same rows may have another count.
    """
    body, headers = answered.body, answered.headers
    told = json.dumps([answered.status, *headers.items()]).encode() if headers else b""
    metadata = Metadata(
        etag_of(told + body),
        len(body),
        read_at_ms,
        version,
        asked_at_ms=asked_at_ms,
        status=answered.status,
        headers=headers,
        rows=answered.rows,
        project=project,
        relations=tuple(sorted(depends.relations)),
        buckets=tuple(sorted(depends.buckets)),
        shared=shared if depends.is_shared else "",
    )
    return Entry(metadata, body)


def shared_by(declared: Mapping[tuple[str, str], str]) -> str:
    """Return a short text for what is declared of signed-in readers."""
    return digest_of(json.dumps(sorted(declared.items())).encode(), 4)


def foreign_entry(body: bytes) -> Entry[bytes]:
    """Return an entry that another Worker wrote. Nothing is known about it but its bytes."""
    return Entry(Metadata(etag_of(body), len(body), read_at_ms=0, version=0), body)
