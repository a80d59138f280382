"""Which rows a change names, by their keys: in the outbox, and in a Database Webhook's payload."""

from __future__ import annotations

from collections.abc import Iterable

from edge_cache.changes import MAX_KEYS, Change, Keys
from edge_cache.dependencies import relation_id
from edge_cache.errors import BadPayload
from edge_cache.supabase.parsing import is_text
from edge_cache.tables import PUBLIC, Table


def change_of(told: dict[str, object], tables: tuple[Table, ...]) -> Change:
    """Return the change that the outbox announces. Raises BadPayload."""
    name, schema = told.get("table"), told.get("schema")
    if not (is_text(name) and is_text(schema)):
        raise BadPayload('It needs "table" and "schema", each a text.')
    table = table_of(name, schema, tables)
    keys = _keys(told.get("keys"), told.get("key"), table) if table else None
    return Change(relation_id(schema, name), keys)


def change_named(name: str, key: str | None, tables: tuple[Table, ...]) -> Change:
    """Return the change of a table that a person names, or of its row with a key.

    The name is the declared one, or that in Postgres. Another schema than ``public`` stands before
    it: ``shop.orders``.
    """
    table = next((table for table in tables if table.name == name), None)
    schema, _, relation = name.rpartition(".")
    names = (table.schema, table.relation) if table else (schema or PUBLIC, relation)
    return Change(relation_id(*names), None if key is None else (key,))


def table_of(name: str, schema: str, tables: tuple[Table, ...]) -> Table | None:
    """Return the declared table that has these names in Postgres, or None."""
    found = (table for table in tables if (table.relation, table.schema) == (name, schema))
    return next(found, None)


def key_of(value: object) -> str | None:
    """Return a key's value as text, or None if it is no key."""
    if not isinstance(value, str) or not _is_unicode(value):
        return None
    return str(value)


def distinct(keys: Iterable[str]) -> Keys:
    """Return each key once, or None if there are too many."""
    found = tuple(dict.fromkeys(keys))
    return found if len(found) <= MAX_KEYS else None


def _keys(told: object, column: object, table: Table) -> Keys:
    """Return the keys, or None if any row may have changed.

    If the keys are of another column, they name no row, because the triggers are older or newer
    than the declaration.
    """
    if told is None or column not in (None, table.key):
        return None
    keys = [key_of(key) for key in told] if isinstance(told, list) else [None]
    found = [key for key in keys if key is not None]
    if len(found) < len(keys):
        raise BadPayload('Its "keys" should be null or a list of numbers and texts.')
    return distinct(found)


def _is_unicode(text: str) -> bool:
    """Return whether the text can be sent. JSON can escape half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
