"""What an answer depends on, and how readers learn whether that changed.

The ledger gives each change the next number of the project. An answer carries the number that its
target knew when the read began, so the answer has every change up to that number. If a relation
that the answer depends on changed under a higher number, the answer is outdated.

If a query asks for single rows by key, the answer depends only on the changes of these keys. There
can be any number of keys, so each is hashed into one of `BUCKETS` buckets, and a change of a key
counts for its whole bucket.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

BUCKETS = 1024
"""One edit makes about this share of the rows' answers outdated besides its own row's."""

_REMEMBERED = 1000
"""At most this many relations' ids are kept."""

EVERYTHING = "*"
"""An answer with this dependency is outdated by every change. No relation has this id."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What an answer depends on.

    - If one of the ``relations`` (see `relation_id`) changes in any row, the answer is outdated.
    - ``keys`` are keys of the relation whose rows its target tells apart. If one of these rows
      changes, the answer is outdated.
    - ``is_shared`` is whether readers who are signed in get the same answer as all others.
    """

    relations: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    is_shared: bool = False

    @property
    def buckets(self) -> frozenset[int]:
        """The buckets of the keys."""
        return frozenset(map(bucket_of, self.keys))


ON_EVERYTHING = Dependencies(frozenset({EVERYTHING}))
"""The dependencies of an answer if nobody knows what it depends on."""


@lru_cache(_REMEMBERED)
def relation_id(schema: str, name: str) -> str:
    """Return a relation's name with its schema, as ASCII without spaces, such as ``public.a``."""
    return f"{_plain(schema)}.{_plain(name)}"


def bucket_of(key: str) -> int:
    """Return the bucket of a key, which is spelled as in Supabase's JSON."""
    return zlib.crc32(key.encode()) % BUCKETS


def _plain(name: str) -> str:
    return quote(name, safe="").replace(".", "%2E")
