"""Supabase's Database Webhook payload. We take from it only *what* changed.

It has the row with every column, even if row level security hides that, so the row is never stored,
cached or logged. https://supabase.com/docs/guides/database/webhooks#payload
"""

from __future__ import annotations

import re

from edge_cache.changes import Change, Keys
from edge_cache.dependencies import relation_id
from edge_cache.errors import BadPayload
from edge_cache.supabase.changed_rows import distinct, key_of, table_of
from edge_cache.supabase.parsing import is_text, loads
from edge_cache.tables import Table

MAX_BYTES = 10 * 1024 * 1024
"""A larger payload is refused. A payload may have a whole row twice, the old and the new one."""

_VARIES = re.compile(r"[T ][0-9]{2}:[0-9]{2}|\.|[0-9][Ee]")
"""Perhaps an instant or a float. The session of whoever writes decides how Postgres spells it."""

_RECORDS = {
    "INSERT": ("record",),
    "UPDATE": ("record", "old_record"),
    "DELETE": ("old_record",),
    "TRUNCATE": (),
}
"""By the payload's ``type``: the members that are rows."""


def change_in(payload: dict[str, object], tables: tuple[Table, ...]) -> Change:
    """Return the change that a payload names. Raises BadPayload if it is not Supabase's."""
    kind, name, schema = (payload.get(member) for member in ("type", "table", "schema"))
    if not (is_text(kind) and is_text(name) and is_text(schema)):
        raise BadPayload('It needs "type", "table" and "schema", each a text.')
    if kind not in _RECORDS:
        raise BadPayload(f'Its "type" should be one of {", ".join(_RECORDS)}.')
    table = table_of(name, schema, tables)
    keys = _keys(payload, kind, table) if table else None
    return Change(relation_id(schema, name), keys)


def payload_in(body: bytes) -> dict[str, object]:
    """Return a body's JSON object. Raises BadPayload."""
    try:
        payload = loads(body)
    except ValueError as error:
        raise BadPayload("It is not JSON, or nested too deeply.") from error
    if not isinstance(payload, dict):
        raise BadPayload("It is not a JSON object.")
    return payload


def _keys(payload: dict[str, object], kind: str, table: Table) -> Keys:
    """Return the keys, or None if a row has no key. Then any row may have changed."""
    records = [payload.get(member) for member in _RECORDS[kind]]
    keys = [key_of(row.get(table.key)) for row in records if isinstance(row, dict)]
    found = [key for key in keys if key is not None]
    is_certain = len(found) == len(records) and not any(map(_VARIES.search, found))
    return distinct(found) if records and is_certain else None
