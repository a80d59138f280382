"""What a JSON text says about rows."""

from __future__ import annotations

import json
from collections.abc import Iterator

from edge_cache.entries import digest_of
from edge_cache.supabase.parsing import MARK, loads, marked


def is_plausible(body: bytes, *, row: bool) -> bool:
    """Return whether a value without metadata can be a table's or a row's entry.

    The lesson's Worker also wrote ``null`` and error objects. Those must count as absent.
    """
    try:
        value = loads(body)
    except ValueError:
        return False
    return isinstance(value, dict if row else list)


def row_digest(body: bytes) -> str:
    """Return a digest of a row's JSON object. Equal rows have equal digests in any spelling."""
    return _digest(marked(body))


def row_ids(table_body: bytes, key: str) -> frozenset[str]:
    """Return the key column's values of a table's JSON array."""
    return frozenset(row_id for row_id, _ in _rows(table_body, key))


def row_digests(table_body: bytes, key: str) -> dict[str, str]:
    """Return the digest of each row of a table's JSON array, by its key column's value."""
    return {row_id: _digest(row) for row_id, row in _rows(table_body, key)}


def _digest(row: object) -> str:
    # It recurses. What `marked` accepts is not deep enough to make that dangerous.
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    return digest_of(text.encode(), 8)


def _rows(table_body: bytes, key: str) -> Iterator[tuple[str, object]]:
    """Return each row with its id, if it has one. Numbers in the row are marked."""
    rows = marked(table_body)
    if not isinstance(rows, list):
        raise TypeError("a table's body is an array")
    for row in rows:
        row_id = row.get(key)
        if isinstance(row_id, str):
            yield row_id.removeprefix(MARK), row
