"""Catalogues as the database would give them, in few words.

A relation's name is ``articles``, or ``schema.name`` in another schema than ``public``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from edge_cache.supabase.catalogue import Catalogue, catalogue_in

Json = dict[str, Any]

WHY = "nobody has looked"
"""Why readers may get different answers, if a test does not say that they do not."""


def catalogue_of(*members: Json) -> Catalogue:
    """Return the catalogue of some relations, foreign keys and functions."""
    return catalogue_in(text_of(*members))


def text_of(*members: Json) -> str:
    """Return the same as the database's JSON."""
    whole: Json = {"fingerprint": "f1"}
    for kind in ("relations", "foreign_keys", "functions"):
        whole[kind] = [one["is"] for one in members if one["kind"] == kind]
    return json.dumps(whole)


def table(
    name: str,
    *,
    key: str | None = "id int8",
    reads: Iterable[str] | None = (),
    computed: Iterable[Json] = (),
    differs: str | None = WHY,
) -> Json:
    """Return a table; its key is a column and a type."""
    made = _relation(name, key and f"{key} {name}", reads, computed)
    return {**made, "is": {**made["is"], "view": False, "differs": differs}}


def view(
    name: str,
    *,
    key: str | None = None,
    reads: Iterable[str] | None = (),
    computed: Iterable[Json] = (),
    differs: str | None = WHY,
) -> Json:
    """Return a view; its key is a column, a type, and the table whose rows it names."""
    made = _relation(name, key, reads, computed)
    return {**made, "is": {**made["is"], "view": True, "differs": differs}}


def computed(
    name: str,
    *,
    reads: Iterable[str] | None = (),
    returns: str | None = None,
    differs: str | None = WHY,
) -> Json:
    """Return a computed column, or a computed relationship."""
    given: Json = {"name": name, "reads": _names(reads), "returns": returns and _name(returns)}
    return {**given, "differs": differs}


def foreign_key(name: str, start: str, end: str) -> Json:
    """Return a foreign key, such as ``articles(author_id)`` to ``authors(id)``."""
    (source, columns), (target, target_columns) = _columns(start), _columns(end)
    return {
        "kind": "foreign_keys",
        "is": {
            "name": name,
            "from": source,
            "columns": columns,
            "to": target,
            "to_columns": target_columns,
        },
    }


def function(
    name: str,
    *,
    reads: Iterable[str] | None = (),
    returns: str | None = None,
    volatility: str = "s",
    differs: str | None = WHY,
) -> Json:
    """Return a function."""
    schema, own = _name(name)
    given: Json = {"schema": schema, "name": own, "volatility": volatility, "differs": differs}
    more = {"reads": _names(reads), "returns": returns and _name(returns)}
    return {"kind": "functions", "is": {**given, **more}}


def _relation(
    name: str, key: str | None, reads: Iterable[str] | None, computed: Iterable[Json]
) -> Json:
    schema, own = _name(name)
    given: Json = {"schema": schema, "name": own, "reads": _names(reads)}
    if key:
        column, type_, of = key.split()
        given["key"] = {"column": column, "type": type_, "of": _name(of)}
    return {"kind": "relations", "is": {"key": None, **given, "computed": list(computed)}}


def _columns(text: str) -> tuple[list[str], list[str]]:
    name, _, columns = text.removesuffix(")").partition("(")
    return _name(name), columns.split(",")


def _names(names: Iterable[str] | None) -> list[list[str]] | None:
    return None if names is None else [_name(name) for name in names]


def _name(name: str) -> list[str]:
    schema, dot, own = name.rpartition(".")
    return [schema if dot else "public", own]
