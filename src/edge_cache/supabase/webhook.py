"""Supabase's Database Webhook payload. We take from it only *what* changed.

It has the row with every column, even if row level security hides that, so the row is never stored,
cached or logged. https://supabase.com/docs/guides/database/webhooks#payload
"""

from __future__ import annotations

from dataclasses import replace

from edge_cache.errors import BadPayload
from edge_cache.resources import Change
from edge_cache.supabase.notification import KINDS, change_of, row_id_of, served, table_of
from edge_cache.supabase.parsing import is_text, loads
from edge_cache.tables import Table

MAX_BYTES = 10 * 1024 * 1024
"""A larger payload is refused. A payload may have a whole row twice, the old and the new one."""

_RECORDS = {"INSERT": ("record",), "UPDATE": ("record", "old_record"), "DELETE": ("old_record",)}
"""By the payload's ``type``: the members that are rows. A TRUNCATE has none."""


def change_in(body: bytes, tables: tuple[Table, ...]) -> Change:
    """Return the change that a payload names.

    Raises BadPayload if it is neither Supabase's JSON nor that of the project's own triggers.
    """
    payload = _object(body)
    kind, name, schema = (payload.get(member) for member in ("type", "table", "schema"))
    if not (is_text(kind) and is_text(name) and is_text(schema)):
        raise BadPayload('It needs "type", "table" and "schema", each a text.')
    if kind not in KINDS:
        raise BadPayload(f'Its "type" should be one of {", ".join(KINDS)}.')
    if "keys" in payload:
        return replace(change_of(payload, tables), kind=kind)
    table = table_of(name, schema, tables)
    if table is None:
        return Change(None, kind)
    return Change(table, kind, _row_ids(payload, kind, table))


def _object(body: bytes) -> dict[str, object]:
    try:
        payload = loads(body)
    except ValueError as error:
        raise BadPayload("It is not JSON, or nested too deeply.") from error
    if not isinstance(payload, dict):
        raise BadPayload("It is not a JSON object.")
    return payload


def _row_ids(payload: dict[str, object], kind: str, table: Table) -> tuple[str, ...] | None:
    """Return the ids, or None if a row has no id. Then any row may have changed."""
    records = [payload.get(member) for member in _RECORDS.get(kind, ())]
    ids = [row_id_of(row.get(table.key)) for row in records if isinstance(row, dict)]
    found = [row_id for row_id in ids if row_id is not None]
    return served(found, table) if records and len(found) == len(records) else None
