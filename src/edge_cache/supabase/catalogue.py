"""What the database says of its own relations: the catalogue, as the SQL of `npm run sql` gives it.

It is parsed here and nowhere else. What follows from it is in `edge_cache.supabase.resolving`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from edge_cache.declaration import SHARED
from edge_cache.supabase.parsing import is_text, loads

Name = tuple[str, str]
"""A schema, and a name in it."""

Reads = frozenset[Name] | None
"""The relations that something reads. None if the database does not know."""

UNTOLD = "the script in the database does not say it"
"""Why readers may get different answers, if the script is of a version before `differs`."""

DECLARED = "src/tables.toml says so"
"""Why readers may get different answers, if the declaration passes them on."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Key:
    """A column whose value names one row of the table ``of``. ``type`` is Postgres's short name."""

    column: str
    type: str
    of: Name


@dataclass(frozen=True, slots=True)
class Computed:
    """A function of a relation's row, which can be selected as if it were a column.

    If it ``returns`` rows of a relation, it can be embedded. ``differs`` is as of a relation.
    """

    name: str
    reads: Reads
    returns: Name | None
    differs: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view. ``reads`` is what its answers depend on besides its own rows.

    A view has no rows of its own. Everything that lies below it is in ``reads``, except the table
    whose rows its ``key`` names.

    ``differs`` is None if the database proves that everybody who is signed in gets the same of it
    as everybody else. Otherwise it is a sentence that says why not. It speaks of the relation's own
    columns and rows. What is embedded in them, and computed columns, have a ``differs`` of their
    own. What ``reads`` names does not matter for it.
    """

    name: Name
    reads: Reads
    key: Key | None
    computed: tuple[Computed, ...]
    is_view: bool
    differs: str | None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key from the columns of one table to the columns of another, or of the same."""

    name: str
    source: Name
    columns: tuple[str, ...]
    target: Name
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """One overload of a function. ``volatility`` is Postgres's letter.

    ``differs`` is as of a relation. It is None only if the function is stable or immutable.
    """

    name: Name
    volatility: str
    reads: Reads
    returns: Name | None
    differs: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The whole catalogue. If the ``fingerprint`` is the same, everything else is.

    Functions of one name are overloads.
    """

    fingerprint: str
    relations: Mapping[Name, Relation]
    foreign_keys: tuple[ForeignKey, ...]
    functions: Mapping[Name, tuple[Function, ...]]


def catalogue_in(text: str) -> Catalogue:
    """Return the catalogue of a JSON text. Raises ValueError if it is not of its form."""
    given = _object(loads(text.encode()))
    relations = [_relation(one) for one in _list(given.get("relations"))]
    foreign_keys = [_foreign_key(one) for one in _list(given.get("foreign_keys"))]
    functions = [_function(one) for one in _list(given.get("functions"))]
    functions.sort(key=_name_of)
    return Catalogue(
        _text(given.get("fingerprint")),
        {relation.name: relation for relation in relations},
        tuple(foreign_keys),
        {name: tuple(same) for name, same in groupby(functions, _name_of)},
    )


def declaring(catalogue: Catalogue, signed_in: Mapping[Name, str]) -> Catalogue:
    """Return the catalogue with what is declared of readers who are signed in.

    A name is a schema, and a path below ``/rest/v1/``.
    """

    def differs(known: str | None, schema: str, path: str) -> str | None:
        said = signed_in.get((schema, path))
        return known if said is None else None if said == SHARED else DECLARED

    relations = {
        name: replace(one, differs=differs(one.differs, *name))
        for name, one in catalogue.relations.items()
    }
    functions = {
        name: tuple(
            replace(one, differs=differs(one.differs, name[0], f"rpc/{name[1]}"))
            for one in overloads
        )
        for name, overloads in catalogue.functions.items()
    }
    return replace(catalogue, relations=relations, functions=functions)


def _name_of(function: Function) -> Name:
    return function.name


def _relation(value: object) -> Relation:
    given = _object(value)
    name = _own_name(given)
    key = _or_none(given, "key", _key)
    has_rows_of_another = key is not None and key.of != name
    is_view = given.get("view", has_rows_of_another)
    if not isinstance(is_view, bool):
        raise _malformed(value)
    computed = tuple(_computed(one) for one in _list(given.get("computed")))
    reads = _or_none(given, "reads", _names)
    return Relation(name, reads, key, computed, is_view, _differs(given))


def _key(value: object) -> Key:
    given = _object(value)
    return Key(_text(given.get("column")), _text(given.get("type")), _name(given.get("of")))


def _computed(value: object) -> Computed:
    given = _object(value)
    reads, returns = _or_none(given, "reads", _names), _or_none(given, "returns", _name)
    return Computed(_text(given.get("name")), reads, returns, _differs(given))


def _foreign_key(value: object) -> ForeignKey:
    given = _object(value)
    return ForeignKey(
        _text(given.get("name")),
        _name(given.get("from")),
        _texts(given.get("columns")),
        _name(given.get("to")),
        _texts(given.get("to_columns")),
    )


def _function(value: object) -> Function:
    given = _object(value)
    volatility = _text(given.get("volatility"))
    if volatility not in {"i", "s", "v"}:
        raise _malformed(value)
    reads, returns = _or_none(given, "reads", _names), _or_none(given, "returns", _name)
    return Function(_own_name(given), volatility, reads, returns, _differs(given))


def _differs(given: Mapping[str, object]) -> str | None:
    """Return why readers may get different answers. A script of an earlier version does not say."""
    return _or_none({"differs": UNTOLD, **given}, "differs", _text)


def _own_name(given: Mapping[str, object]) -> Name:
    return _text(given.get("schema")), _text(given.get("name"))


def _or_none(given: Mapping[str, object], member: str, read: Callable[[object], T]) -> T | None:
    """Return what a member says, or None if it is null. It may not be left out."""
    if member not in given:
        raise ValueError(f"the catalogue lacks a member: {member}")
    return None if given[member] is None else read(given[member])


def _names(value: object) -> frozenset[Name]:
    return frozenset(map(_name, _list(value)))


def _name(value: object) -> Name:
    parts = _texts(value)
    if len(parts) != 2:  # noqa: PLR2004  a schema and a name
        raise _malformed(value)
    return parts[0], parts[1]


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _text(value: object) -> str:
    if not is_text(value):
        raise _malformed(value)
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _malformed(value)
    return value


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _malformed(value)
    return value


def _malformed(value: object) -> ValueError:
    return ValueError(f"not as the catalogue has it: {str(value)[:100]}")
