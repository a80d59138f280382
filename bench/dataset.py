"""The rows that every Worker serves. A scenario uses the first rows of a table.

People write text with dashes and curly quotes. If a table has a single one of them, JavaScript
keeps the whole text as UTF-16, and parses and prints it more slowly. So there are also tables in
pure ASCII. Every row has the same length in bytes, so that the upstream can cut pages without
parsing.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROW_BYTES = 261
"""With its comma a row has 262 bytes: 3 rows are 0.8 KB, 20,000 rows 5 MiB."""

ROW_ID = 7
"""The row that single-row scenarios read."""

LISTED_ROWS, LISTED_ROW_BYTES = 25, 160
"""A page of a list, as a client reads it: 4 KB."""

LARGE_ID = 1_000_000
LARGE_ROW_BYTES = 100 * 1024

_PROSE = (
    "Readers wait for the network \u2013 not for the database \u2013 so the answer\u2019s kept "
    "close to them and made anew when somebody edits. "
)


@dataclass(frozen=True)
class Table:
    """A table's length, and whether its text is ASCII."""

    rows: int
    ascii_only: bool = False

    @property
    def body(self) -> bytes:
        """The table as one JSON array."""
        return _body(self)


TINY, SMALL, MEDIUM, LARGE = Table(3), Table(390), Table(4_000), Table(20_000)
"""Tables of 0.8 KB, 100 KB, 1 MB and 5 MB."""

ASCII_MEDIUM, ASCII_LARGE = Table(4_000, ascii_only=True), Table(20_000, ascii_only=True)

TABLES = (TINY, SMALL, MEDIUM, LARGE, ASCII_MEDIUM, ASCII_LARGE)


@dataclass(frozen=True)
class DataFiles:
    """The rows as files, for the upstream that serves them."""

    table: Path
    ascii_table: Path
    large_row: Path
    lists: tuple[Path, Path]


def row(row_id: int, *, ascii_only: bool = False) -> bytes:
    """Return a row as PostgREST sends it, without white space."""
    return _padded(row_id, ROW_BYTES, ascii_only=ascii_only)


@cache
def _body(table: Table) -> bytes:
    ids = range(1, table.rows + 1)
    return b"[" + b",".join(row(row_id, ascii_only=table.ascii_only) for row_id in ids) + b"]"


@cache
def large_row() -> bytes:
    """Return the row of 100 KB with the first fresh id. The others differ only in the id."""
    return _padded(LARGE_ID, LARGE_ROW_BYTES)


def large_row_of(row_id: int) -> bytes:
    """Return the row of a fresh id."""
    return large_row().replace(b'{"id":%d' % LARGE_ID, b'{"id":%d' % row_id, 1)


@cache
def listed(edition: int = 0) -> bytes:
    """Return the rows of a client's read, before (0) or after (1) an edit of all rows."""
    ids = range(1, LISTED_ROWS + 1)
    rows = (_padded(row_id, LISTED_ROW_BYTES, ascii_only=bool(edition)) for row_id in ids)
    return b"[" + b",".join(rows) + b"]"


def write(folder: Path) -> DataFiles:
    """Write the files that the upstream reads."""
    lists = folder / "list.json", folder / "edited-list.json"
    files = DataFiles(
        folder / "table.json", folder / "ascii-table.json", folder / "large-row.json", lists
    )
    files.table.write_bytes(LARGE.body)
    files.ascii_table.write_bytes(ASCII_LARGE.body)
    files.large_row.write_bytes(large_row())
    for edition, path in enumerate(lists):
        path.write_bytes(listed(edition))
    return files


def _padded(row_id: int, size: int, *, ascii_only: bool = False) -> bytes:
    fields = {"id": row_id, "title": f"Article number {row_id}", "body": "", "published": True}
    missing = size - len(_encoded(fields))
    return _encoded({**fields, "body": _text(missing, ascii_only=ascii_only)})


def _text(size: int, *, ascii_only: bool) -> str:
    """Return a text of this many bytes."""
    prose = _PROSE.replace("\u2013", "-").replace("\u2019", "'") if ascii_only else _PROSE
    begun = (prose * (size // len(prose) + 1)).encode()[:size].decode(errors="ignore")
    return begun + "." * (size - len(begun.encode()))


def _encoded(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
