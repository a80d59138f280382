"""A cached entry: the JSON text as KV's value, and what is known about it as KV's metadata.

The value is the JSON text alone, so that a Worker which knows no metadata can read it. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

_FORMAT = 2

MAX_NUMBER = 10**15
"""Above every time in milliseconds, and still exact in JavaScript."""

_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,100}"')
"""It goes into a header as it is (RFC 9110, section 8.8.3)."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is stored beside an entry's bytes.

    ``etag`` is a strong entity-tag with its quotes and ``size`` the value's length in bytes.
    ``version`` is the table's when the read from Supabase *began*: every change up to it is in the
    entry. ``read_at_ms``, the Unix time in milliseconds of that moment, tells an age and nothing
    else. ``row`` is a row's digest, however it is spelled; empty for a table.
    """

    etag: str
    size: int
    read_at_ms: int
    version: int
    row: str = ""

    def to_json(self) -> str:
        """Return the text that KV keeps (its limit is 1,024 bytes)."""
        return json.dumps(
            {
                "v": _FORMAT,
                "etag": self.etag,
                "size": self.size,
                "readAt": self.read_at_ms,
                "version": self.version,
                "row": self.row,
            }
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A complete, valid answer of Supabase."""

    body: bytes
    metadata: Metadata


def parse_metadata(text: str) -> Metadata | None:
    """Return the metadata, or None if it is not of this package's making."""
    try:
        fields = json.loads(text)
        if fields["v"] != _FORMAT:
            return None
        metadata = Metadata(
            fields["etag"], fields["size"], fields["readAt"], fields["version"], fields["row"]
        )
    except (ValueError, TypeError, KeyError):
        return None
    numbers = (metadata.size, metadata.read_at_ms, metadata.version)
    well_formed = (
        isinstance(metadata.etag, str)
        and _ETAG.fullmatch(metadata.etag)
        and all(type(number) is int and 0 <= number < MAX_NUMBER for number in numbers)
        and isinstance(metadata.row, str)
    )
    return metadata if well_formed else None


def etag_of(body: bytes) -> str:
    """Return a strong entity-tag: equal exactly when the bytes are."""
    return f'"{digest_of(body, 16)}"'


def digest_of(content: bytes, size: int) -> str:
    """Return a digest of so many bytes, as hexadecimal digits."""
    # BLAKE2b takes 0.15 ms for 100 KB in WebAssembly, SHA-256 0.41 ms.
    return hashlib.blake2b(content, digest_size=size).hexdigest()


def snapshot_of(body: bytes, read_at_ms: int, version: int) -> Snapshot:
    """Return the body with the metadata that belongs to it."""
    return Snapshot(body, Metadata(etag_of(body), len(body), read_at_ms, version))


def age_s(read_at_ms: int, now_ms: int) -> int:
    """Return the entry's age in whole seconds, never negative (clocks differ between machines)."""
    return max(0, (now_ms - read_at_ms) // 1000)
