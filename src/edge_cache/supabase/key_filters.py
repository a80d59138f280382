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
    named = _all_named(filters, key.column)
    return _fewest(keys for keys in named if are_certain(keys, key.type))


def keys_named(filters: Iterable[tuple[str, str]], column: str) -> frozenset[str] | None:
    """Return the same for a column of a type that nobody knows. So the keys may not be certain."""
    return _fewest(_all_named(filters, column))


def are_certain(keys: Iterable[str], type_: str) -> bool:
    """Return whether a type has values that Postgres spells so in JSON."""
    return all(_is_canonical(key, type_) for key in keys)


def _fewest(named: Iterable[frozenset[str]]) -> frozenset[str] | None:
    return min((keys for keys in named if len(keys) <= MAX_KEYS), key=len, default=None)


def _all_named(filters: Iterable[tuple[str, str]], column: str) -> list[frozenset[str]]:
    """Return the keys that each filter of a column allows, if the filter lists them."""
    spelled = _parameter(column)
    asked = (_keys_of(value) for name, value in filters if name == spelled)
    return [keys for keys in asked if keys is not None]


def _parameter(column: str) -> str:
    """Return the name of the parameter that filters by a column."""
    return unquote(equals(column, "").partition("=")[0])


def _keys_of(condition: str) -> frozenset[str] | None:
    """Return the keys that a condition allows. None if it does not list them."""
    if condition.startswith('eq."'):
        return None  # PostgREST takes the quotes as they are, but not every server does
    if condition.startswith("eq."):
        return frozenset({condition.removeprefix("eq.")})
    if (listed := _LIST.fullmatch(condition)) and all(
        _ITEM.fullmatch(item) for item in listed[1].split(",")
    ):
        return frozenset(listed[1].split(","))
    return None


def _is_canonical(text: str, type_: str) -> bool:
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
