"""Supabase's Database Webhook payload: only *what* changed is taken from it. Pure.

The row in it has every column, whatever row level security says, so it is never stored, cached or
logged. https://supabase.com/docs/guides/database/webhooks#payload
"""

from __future__ import annotations

from dataclasses import replace

from edge_cache.errors import BadPayload
from edge_cache.resources import Change
from edge_cache.supabase.notification import KINDS, change_of, row_id_of, served, table_of
from edge_cache.supabase.parsing import is_text, loads
from edge_cache.tables import Table

MAX_BYTES = 10 * 1024 * 1024
"""A larger payload is refused. It may hold a whole row twice, as it was and as it is."""

_RECORDS = {"INSERT": ("record",), "UPDATE": ("record", "old_record"), "DELETE": ("old_record",)}
"""Which members of the payload are rows, by its ``type``."""


def change_in(body: bytes, tables: tuple[Table, ...]) -> Change:
    """Return the change that a payload tells of.

    Raises BadPayload if it is neither Supabase's JSON nor that of the project's own triggers.
    """
    payload = _object(body)
    kind, name, schema = (payload.get(member) for member in ("type", "table", "schema"))
    if not (is_text(kind) and is_text(name) and is_text(schema)):
        raise BadPayload('It needs "type", "table" and "schema", each a text.')
    if "keys" in payload:
        if kind not in KINDS:
            raise BadPayload(f'Its "type" should be one of {", ".join(KINDS)}.')
        return replace(change_of(payload, tables), kind=kind)
    if kind not in _RECORDS:
        raise BadPayload('Its "type" should be INSERT, UPDATE or DELETE.')
    table = table_of(name, schema, tables)
    if table is None:
        return Change(None, kind)
    ids = [_row_id(payload, member, table.key) for member in _RECORDS[kind]]
    return Change(table, kind, served(ids, table))


def _object(body: bytes) -> dict[str, object]:
    try:
        payload = loads(body)
    except ValueError as error:
        raise BadPayload("It is not JSON, or nested too deeply.") from error
    if not isinstance(payload, dict):
        raise BadPayload("It is not a JSON object.")
    return payload


def _row_id(payload: dict[str, object], member: str, key: str) -> str:
    record = payload.get(member)
    row_id = row_id_of(record.get(key)) if isinstance(record, dict) else None
    if row_id is None:
        raise BadPayload(f'It needs "{member}" with the row\'s "{key}", a number or a text.')
    return row_id
