"""The tables that the Worker serves, as ``TABLES`` in wrangler.toml declares them. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from edge_cache.errors import ConfigurationError

_OPTIONS = ("key", "schema")

_RESERVED = frozenset(
    {"revalidate", "health", "rest", "auth", "storage", "functions", "graphql", "realtime"}
)
"""This Worker's routes, and the first segments of Supabase's own paths."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""Names stand in a path as they are. 63 bytes is Postgres's limit for an identifier."""

_IDENTIFIER = re.compile(r"[\w$-]{1,63}")
_SCHEMA = re.compile(r"[\w$-]{1,63}", re.ASCII)  # it travels in a header


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is served under ``/{name}``, its rows under ``/{name}/{key column's value}``.

    ``key`` must be unique: it orders the pages and names the rows.
    """

    name: str
    key: str = "id"
    schema: str = "public"

    @property
    def version_key(self) -> str:
        """The KV key of the version below which the table's row entries are stale.

        ``?`` never occurs in a row's key, where it is percent-encoded.
        """
        return f"/{self.name}?version"


DEFAULT = (Table("articles"),)
"""What is served where nothing is declared."""


def tables_from(declared: str | None) -> tuple[Table, ...]:
    """Return the tables that a JSON object declares: ``{"products": {"key": "sku"}}``.

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
    return tuple(Table(name, **given) for name, given in options.items())


_NO_TABLES = (
    "TABLES declares no table: it should be a section [vars.TABLES] in wrangler.toml with a line "
    'for each, such as articles = {} or products = { key = "sku" }, or the same as a JSON object.'
)


def _faults(name: str, given: object) -> list[str]:
    """Return what is wrong with one table's declaration."""
    if not _NAME.fullmatch(name):
        return [_bad_name(name)]
    if name in _RESERVED:
        return [f"TABLES declares {name!r}, but /{name} is a route: serve it through a view."]
    if not isinstance(given, dict):
        return [f'TABLES.{name} should be a table of options, such as {{}} or {{ key = "id" }}.']
    unknown = [
        f"TABLES.{name} has no option {option!r}: it knows {' and '.join(_OPTIONS)}."
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
    return [*unknown, *malformed]


def _is_match(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _bad_name(name: str) -> str:
    return (
        f"TABLES declares {name!r}: a name stands in the path, so it may have letters, digits, _ "
        "and - only, and 63 of them; serve such a table through a view."
    )
