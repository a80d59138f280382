"""Which rows a query can only be about, because it filters by their keys.

A filter counts only if its value is spelled as Postgres spells it in JSON. Postgres reads ``07`` as
7, but a change of that row is announced as a change of ``7``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from urllib.parse import unquote

from edge_cache.supabase.catalogue import Key
from edge_cache.supabase.columns import equals

MAX_KEYS = 100
"""A query of more rows depends on all rows."""

_BITS = {"int2": 16, "int4": 32, "int8": 64}
_TEXTS = frozenset({"text", "varchar"})

_NUMBER = re.compile("0|-?[1-9][0-9]{0,18}")
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")

_LIST = re.compile(r"in\.\((.*)\)", re.DOTALL)
_ITEM = re.compile(r"""[^\s"'(),\\{}]+""")
"""An item of a list that nobody can read in two ways."""


def keys_asked(filters: Iterable[tuple[str, str]], key: Key) -> frozenset[str] | None:
    """Return the keys of all rows that a query can be about. None if it can be about any row.

    If there are several filters, each of them must hold, so the one with the fewest keys counts.
    """
    spelled = _parameter(key.column)
    asked = [_keys_of(value, key.type) for name, value in filters if name == spelled]
    certain = [keys for keys in asked if keys is not None and len(keys) <= MAX_KEYS]
    return min(certain, key=len, default=None)


def _parameter(column: str) -> str:
    """Return the name of the parameter that filters by a column."""
    return unquote(equals(column, "").partition("=")[0])


def _keys_of(condition: str, type_: str) -> frozenset[str] | None:
    """Return the keys that a condition allows. None if that is not certain."""
    if condition.startswith('eq."'):
        return None  # PostgREST takes the quotes as they are, but not every server does
    if condition.startswith("eq."):
        items = [condition.removeprefix("eq.")]
    elif (listed := _LIST.fullmatch(condition)) and all(
        _ITEM.fullmatch(item) for item in listed[1].split(",")
    ):
        items = listed[1].split(",")
    else:
        return None
    return frozenset(items) if all(_is_canonical(item, type_) for item in items) else None


def _is_canonical(text: str, type_: str) -> bool:
    """Return whether a type has a value that Postgres spells so in JSON."""
    if bits := _BITS.get(type_):
        is_number = _NUMBER.fullmatch(text) is not None
        return is_number and -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1)
    if type_ == "uuid":
        return _UUID.fullmatch(text) is not None
    if type_ == "date":
        return _is_date(text)
    return type_ in _TEXTS


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None
