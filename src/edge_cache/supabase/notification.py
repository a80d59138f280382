"""The notification that `npm run sql`'s triggers send: which keys of a table changed.

It has no row. The database's outbox has the same, so that a lost notification can be made up for.
"""

from __future__ import annotations

from edge_cache.errors import BadPayload
from edge_cache.resources import Change, Resource
from edge_cache.supabase.parsing import Number, is_text
from edge_cache.tables import Table

KINDS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")

_MAX_DIGITS = 15
"""If the number of a change has more digits, it is refused."""


def change_of(told: dict[str, object], tables: tuple[Table, ...]) -> Change:
    """Return the change that a notification or the outbox names. Raises BadPayload."""
    name, schema, number = told.get("table"), told.get("schema"), told.get("id")
    if not (is_text(name) and is_text(schema)):
        raise BadPayload('It needs "table" and "schema", each a text.')
    table = table_of(name, schema, tables)
    row_ids = _row_ids(told.get("keys"), told.get("key"), table) if table else ()
    return Change(table, "", row_ids, _number(number))


def table_of(name: str, schema: str, tables: tuple[Table, ...]) -> Table | None:
    """Return the declared table that has these names in Postgres, or None."""
    found = (table for table in tables if (table.relation, table.schema) == (name, schema))
    return next(found, None)


def row_id_of(value: object) -> str | None:
    """Return a key's value as the id of its row, or None if it is no id."""
    if not isinstance(value, str) or not _is_unicode(value):
        return None
    return str(value)


def served(row_ids: list[str], table: Table) -> tuple[str, ...]:
    """Return the ids that readers can ask for. Each is there once."""
    ids = dict.fromkeys(row_ids)
    return tuple(row_id for row_id in ids if Resource(table, row_id).is_served)


def _row_ids(keys: object, column: object, table: Table) -> tuple[str, ...] | None:
    """Return the ids, or None if any row may have changed.

    If the keys are of another column, they name no row, because the triggers are older or newer
    than the declaration.
    """
    if keys is None or column not in (None, table.key):
        return None
    ids = [row_id_of(key) for key in keys] if isinstance(keys, list) else [None]
    found = [row_id for row_id in ids if row_id is not None]
    if len(found) < len(ids):
        raise BadPayload('Its "keys" should be null or a list of numbers and texts.')
    return served(found, table)


def _number(told: object) -> int:
    if told is None:
        return 0
    if not isinstance(told, Number) or not told.isdecimal() or len(told) > _MAX_DIGITS:
        raise BadPayload('Its "id" should be a whole number.')
    return int(told)


def _is_unicode(text: str) -> bool:
    """Return whether the text can be sent. JSON can escape half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
