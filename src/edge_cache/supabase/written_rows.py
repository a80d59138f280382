"""Which rows a write through PostgREST can have changed, by their keys, as its request names them.

Nobody knows here how Postgres spells the keys, so whoever uses them has to look at that.
https://docs.postgrest.org/en/stable/references/api/tables_views.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_cache.changes import Keys
from edge_cache.supabase.changed_rows import distinct, key_of
from edge_cache.supabase.embedding import asked_in
from edge_cache.supabase.key_filters import keys_named
from edge_cache.supabase.parsing import loads

_UPSERT = "resolution="


@dataclass(frozen=True, slots=True)
class Write:
    """A request that writes a table.

    ``parameters`` are those of a `Query`. ``prefer`` is the header. ``body`` is None if nobody
    knows it.
    """

    method: str
    parameters: str
    prefer: str = ""
    body: bytes | None = None


def keys_written(write: Write, column: str) -> Keys:
    """Return the keys of all rows that a write can have changed. None: it can have been any row."""
    asked = asked_in(write.parameters)
    if asked is None:
        return None
    filtered = keys_named(asked.filters, column)
    if write.method == "POST":
        return _inserted(write, dict(asked.filters), column)
    if filtered is None or write.method == "DELETE":
        return None if filtered is None else distinct(filtered)
    rows = _rows(write.body)
    if rows is None:
        return None
    # The body can name another key, which the row has from then on.
    given = _keys([row for row in rows if column in row], column)
    return None if given is None else distinct([*filtered, *given])


def _inserted(write: Write, parameters: dict[str, str], column: str) -> Keys:
    """Return the keys of inserted rows.

    If a row exists, an upsert that finds it by another column can replace its key. So nobody knows
    which key the row had.
    """
    if _UPSERT in write.prefer and not _names(parameters.get("on_conflict"), [column]):
        return None
    if "columns" in parameters and column not in _listed(parameters["columns"]):
        return None
    rows = _rows(write.body)
    keys = None if rows is None else _keys(rows, column)
    return None if keys is None else distinct(keys)


def _names(text: str | None, columns: Sequence[str]) -> bool:
    return text is not None and _listed(text) == columns


def _listed(text: str) -> list[str]:
    return [name.strip().strip('"') for name in text.split(",")]


def _rows(body: bytes | None) -> list[dict[str, object]] | None:
    """Return the rows in a body. None if it is not known, or has another form."""
    try:
        value = None if body is None else loads(body)
    except ValueError:
        return None
    rows = value if isinstance(value, list) else [value]
    found = [row for row in rows if isinstance(row, dict)]
    return found if len(found) == len(rows) else None


def _keys(rows: Iterable[dict[str, object]], column: str) -> list[str] | None:
    """Return the key of each row, or None if a row has none."""
    keys = [key_of(row.get(column)) for row in rows]
    found = [key for key in keys if key is not None]
    return found if len(found) == len(keys) else None
