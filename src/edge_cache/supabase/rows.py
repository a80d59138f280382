"""What a JSON text says about rows. Pure."""

from __future__ import annotations

import json

from edge_cache.entries import digest_of
from edge_cache.supabase.parsing import loads


def is_plausible(body: bytes, *, row: bool) -> bool:
    """Tell whether an entry without metadata can be what it should be.

    The lesson's Worker wrote ``null`` and error objects into the cache; those must count as absent.
    """
    try:
        value = loads(body)
    except ValueError:
        return False
    return isinstance(value, dict if row else list)


def row_digest(row: object) -> str:
    """Return a digest of a parsed row: equal for equal rows, whatever their spelling."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    return digest_of(text.encode(), 8)


def row_ids(table_body: bytes, key: str) -> frozenset[str]:
    """Return the key column's values of a table's JSON array."""
    return frozenset(str(row.get(key)) for row in _rows(table_body))


def row_digests(table_body: bytes, key: str) -> dict[str, str]:
    """Return the digest of each row of a table's JSON array, by its key column's value."""
    return {str(row.get(key)): row_digest(row) for row in _rows(table_body)}


def _rows(table_body: bytes) -> list[dict[str, object]]:
    rows = loads(table_body)
    if not isinstance(rows, list):
        raise TypeError("a table's body is an array")
    return rows
