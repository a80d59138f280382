"""What a write that passed through the Worker changed, as far as its request says."""

from __future__ import annotations

from urllib.parse import parse_qsl

from edge_cache.changes import ANYTHING, Change, Keys
from edge_cache.dependencies import relation_id
from edge_cache.messages import Request
from edge_cache.queries import ROOT
from edge_cache.tables import PUBLIC, Declared, Table

_FUNCTION = "rpc/"
_EQUALS = "eq."


def change_of_write(request: Request, declared: Declared) -> Change | None:
    """Return the change that an accepted POST, PATCH, PUT or DELETE made, or None.

    A function may have changed anything. If a function is declared, it only reads.
    """
    target = request.url.route.removeprefix(ROOT)
    schema = request.header("content-profile") or PUBLIC
    found = declared.target_of(target, schema)
    if target.startswith(_FUNCTION):
        return None if found else ANYTHING
    keys = _keys(request, found) if isinstance(found, Table) else None
    return Change(relation_id(schema, target), keys)


def _keys(request: Request, table: Table) -> Keys:
    """Return the key of the only row that can have changed. None: any row may have.

    A PATCH can change a row's key, so its filter does not name all rows that it touches.
    """
    if request.method != "DELETE":
        return None
    filters = [value for name, value in parse_qsl(request.url.query) if name == table.key]
    if len(filters) != 1 or not filters[0].startswith(_EQUALS):
        return None
    return (filters[0].removeprefix(_EQUALS),)
