"""What the Worker serves, as ``TABLES`` in wrangler.toml declares it. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from edge_cache.errors import ConfigurationError

_OPTIONS = ("key", "schema", "view", "function", "watch")

_KINDS = {"view": "a view", "function": "a function", "watch": "watched only"}
"""What may be declared instead of a table that is served, by its option."""

PUBLIC = "public"
"""The schema that is read where a request names none."""

_RESERVED = frozenset(
    {"revalidate", "health", "rest", "auth", "storage", "functions", "graphql", "realtime"}
)
"""This Worker's routes, and the first segments of Supabase's own paths."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""Names stand in a path as they are. 63 bytes is Postgres's limit for an identifier."""

_IDENTIFIER = re.compile(r"[\w$-]{1,63}")
_SCHEMA = re.compile(r"[\w$-]{1,63}", re.ASCII)  # it travels in a header


@dataclass(frozen=True, slots=True)
class Scope:
    """What has a version of its own, and an object that keeps it: a table, or the project."""

    name: str

    @property
    def version_key(self) -> str:
        """The KV key of the versions below which entries are stale.

        ``?`` never occurs in a row's key, where it is percent-encoded.
        """
        return f"/{self.name}?version"


PROJECT = Scope("")
"""All tables together, declared or not: a change of any of them is a change of the project."""


@dataclass(frozen=True, slots=True)
class Table(Scope):
    """A table that is served under ``/{name}``, its rows under ``/{name}/{key column's value}``.

    ``key`` must be unique: it orders the pages and names the rows.
    """

    key: str = "id"
    schema: str = PUBLIC


@dataclass(frozen=True, slots=True)
class Declared:
    """What may be read from the cache, and whose changes are to be told of.

    ``others`` are views and functions: the path below ``/rest/v1/`` and the schema of each.
    ``watched`` are tables that are not served, but read by what is: name and schema of each.
    """

    tables: tuple[Table, ...] = (Table("articles"),)
    others: frozenset[tuple[str, str]] = frozenset()
    watched: tuple[tuple[str, str], ...] = ()

    @property
    def targets(self) -> list[str]:
        """The views and functions, functions behind them, each as its path below ``/rest/v1/``."""
        targets = {target for target, _ in self.others}
        return sorted(targets, key=lambda target: (target.startswith("rpc/"), target))

    def scope_of(self, target: str, schema: str) -> Scope | None:
        """Return what a relation or function below ``/rest/v1/`` belongs to, if it is declared.

        Which tables a view or a function reads, nobody can tell: it belongs to the project.
        """
        for table in self.tables:
            if (table.name, table.schema) == (target, schema):
                return table
        return PROJECT if (target, schema) in self.others else None


DEFAULT = Declared()
"""What is served where nothing is declared."""


def declared_in(declared: str | None) -> Declared:
    """Return what a JSON object declares: ``{"products": {"key": "sku"}}``.

    None declares the default. Raises ConfigurationError with every fault.
    """
    if declared is None:
        return DEFAULT
    try:
        options = json.loads(declared)
    except ValueError:
        options = None
    if not isinstance(options, dict) or not options:
        raise ConfigurationError([_NO_TABLES])
    faults = [fault for name, given in options.items() for fault in _faults(name, given)]
    if faults:
        raise ConfigurationError(faults)
    return Declared(
        tuple(Table(name, **given) for name, given in options.items() if not _kinds(given)),
        frozenset(
            (_target(name, given), _schema(given))
            for name, given in options.items()
            if {"view", "function"} & given.keys()
        ),
        tuple((name, _schema(given)) for name, given in options.items() if "watch" in given),
    )


def _kinds(given: dict[str, Any]) -> list[str]:
    return [kind for kind in _KINDS if kind in given]


def _target(name: str, given: dict[str, Any]) -> str:
    return f"rpc/{name}" if "function" in given else name


def _schema(given: dict[str, Any]) -> str:
    return str(given.get("schema", PUBLIC))


_NO_TABLES = (
    "TABLES declares no table: it should be a section [vars.TABLES] in wrangler.toml with a line "
    'for each, such as articles = {} or products = { key = "sku" }, or the same as a JSON object.'
)


def _faults(name: str, given: object) -> list[str]:
    """Return what is wrong with one table's declaration."""
    if not _NAME.fullmatch(name):
        return [_bad_name(name)]
    if not isinstance(given, dict):
        return [f'TABLES.{name} should be a table of options, such as {{}} or {{ key = "id" }}.']
    if name in _RESERVED and not _kinds(given):
        return [f"TABLES declares {name!r}, but /{name} is a route: serve it through a view."]
    unknown = [
        f"TABLES.{name} has no option {option!r}: it knows {', '.join(_OPTIONS)}."
        for option in given
        if option not in _OPTIONS
    ]
    malformed = [
        f"TABLES.{name}.{option} should be {what}."
        for option, pattern, what in (
            ("key", _IDENTIFIER, "the name of a column, such as 'id'"),
            ("schema", _SCHEMA, "the name of a schema, such as 'public'"),
        )
        if option in given and not _is_match(pattern, given[option])
    ]
    return [*unknown, *malformed, *_kind_faults(name, given)]


def _kind_faults(name: str, given: dict[str, object]) -> list[str]:
    """Return what is wrong with saying that it is no table."""
    kinds = _kinds(given)
    faults = [
        f"TABLES.{name}.{kind} should be true, or left out."
        for kind in kinds
        if given[kind] is not True
    ]
    if len(kinds) > 1:
        faults.append(f"TABLES.{name} is either {' or '.join(map(_KINDS.__getitem__, kinds))}.")
    if kinds and "key" in given:
        faults.append(f"TABLES.{name} has no key: only tables have rows with a path of their own.")
    return faults


def _is_match(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _bad_name(name: str) -> str:
    return (
        f"TABLES declares {name!r}: a name stands in the path, so it may have letters, digits, _ "
        "and - only, and 63 of them; serve such a table through a view."
    )
