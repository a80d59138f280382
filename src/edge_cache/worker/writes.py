"""What a write that passed through the Worker changed, as far as its request says."""

from __future__ import annotations

from urllib.parse import unquote

from edge_cache.changes import ANYTHING, Change, Keys
from edge_cache.dependencies import relation_id
from edge_cache.messages import ReadBody, Request
from edge_cache.queries import ROOT
from edge_cache.supabase.written_rows import Write, keys_written
from edge_cache.tables import PUBLIC, Declared, Table, Target
from edge_cache.worker.canonical import canonical

MAX_BODY_BYTES = 64 * 1024
"""If a body is larger, nobody looks for keys in it."""

_FUNCTION = "rpc/"


def kept_body(request: Request, declared: Declared) -> ReadBody | None:
    """Return a copy of a write's body if its keys matter, because the write takes the body away."""
    _, _, found = _written(request, declared)
    return request.short_copy(MAX_BODY_BYTES) if isinstance(found, Table) else None


def change_of_write(request: Request, declared: Declared, body: bytes | None) -> Change | None:
    """Return the change that an accepted POST, PATCH, PUT or DELETE made, or None.

    A function may have changed anything. If a function is declared, it only reads. The change names
    keys as the request spells them.
    """
    name, schema, found = _written(request, declared)
    if name.startswith(_FUNCTION):
        return None if found else ANYTHING
    keys = _keys(request, found, body) if isinstance(found, Table) else None
    return Change(relation_id(schema, name), keys)


def _written(request: Request, declared: Declared) -> tuple[str, str, Target | None]:
    """Return the path below ``/rest/v1/``, the schema, and what is declared there."""
    name = unquote(request.url.route.removeprefix(ROOT))
    schema = request.header("content-profile") or PUBLIC
    return name, schema, declared.target_of(name, schema)


def _keys(request: Request, table: Table, body: bytes | None) -> Keys:
    parameters = canonical(request.url.query)
    if parameters is None:
        return None
    prefer = request.header("prefer") or ""
    return keys_written(Write(request.method, parameters, prefer, body), table.key)
