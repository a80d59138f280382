"""The rows that everybody serves: one table, of which a scenario takes the first so many rows.

The text is ASCII and needs no escapes, which is the lesson's best case: JSON is parsed and printed
fastest so. Every row has the same length, so that the upstream can cut pages without parsing.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROW_BYTES = 261
"""With its comma a row has 262 bytes: 3 rows are 0.8 KB, 20,000 rows 5 MiB."""

TINY, SMALL, MEDIUM, LARGE = 3, 390, 4_000, 20_000
"""Rows in a table of 0.8 KB, 100 KB, 1 MB and 5 MB."""

ROW_ID = 7
"""The row that single-row scenarios read."""

LARGE_ID = 1_000_000
LARGE_ROW_BYTES = 100 * 1024

_PROSE = (
    "Readers wait for the network, not for the database, so the answer is kept close to them and "
    "made anew when somebody edits. "
)


@dataclass(frozen=True)
class DataFiles:
    """The rows as files, for the upstream that serves them."""

    table: Path
    large_row: Path


def row(row_id: int) -> bytes:
    """Return a row as PostgREST sends it, without white space."""
    return _padded(row_id, ROW_BYTES)


@cache
def table(rows: int) -> bytes:
    """Return a table of so many rows, as one JSON array."""
    return b"[" + b",".join(row(row_id) for row_id in range(1, rows + 1)) + b"]"


@cache
def large_row() -> bytes:
    """Return the row of 100 KB that a fresh id names; the others differ in the id only."""
    return _padded(LARGE_ID, LARGE_ROW_BYTES)


def large_row_of(row_id: int) -> bytes:
    """Return the row of a fresh id."""
    return large_row().replace(b'{"id":%d' % LARGE_ID, b'{"id":%d' % row_id, 1)


def write(folder: Path) -> DataFiles:
    """Write the files that the upstream reads."""
    files = DataFiles(folder / "table.json", folder / "large-row.json")
    files.table.write_bytes(table(LARGE))
    files.large_row.write_bytes(large_row())
    return files


def _padded(row_id: int, size: int) -> bytes:
    fields = {"id": row_id, "title": f"Article number {row_id}", "body": "", "published": True}
    missing = size - len(_encoded(fields))
    text = _PROSE * (missing // len(_PROSE) + 1)
    return _encoded({**fields, "body": text[:missing]})


def _encoded(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
