"""What ``src/tables.toml`` declares under each name, and what is wrong with it.

Postgres allows almost any name. We refuse a name only if it must stand unchanged in a path or in a
header and cannot. Each fault says how to declare the same thing in another way.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge_cache.errors import ConfigurationError

_OPTIONS = ("name", "key", "schema", "view", "function", "watch", "reads", "signed_in")

SHARED = "public"
SIGNED_IN = (SHARED, "pass")
"""What readers who are signed in get: the same as everybody, or always Supabase's own answer."""

_KINDS = {"view": "a view", "function": "a function", "watch": "a watched table"}
"""By its option: what a declaration can be instead of a table with a path of its own."""

PUBLIC = "public"
"""If a request names no schema, it reads this one."""

_RESERVED = frozenset(
    {
        "revalidate",
        "health",
        "rest",
        "auth",
        "storage",
        "functions",
        "graphql",
        "realtime",
    }
)
"""The Worker's own routes, and the first segments of Supabase's own paths."""

MAX_NAME_BYTES = 63
"""Postgres's limit for an identifier, in UTF-8."""

_SEGMENT = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""A path can have this text unchanged."""

_SCHEMA = re.compile(r"[\w$-]{1,63}", re.ASCII)
"""The header that chooses a schema can have this text unchanged."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One line of the declaration. ``relation`` and ``schema`` are Postgres's own names for it.

    ``kind`` is the option of `_KINDS` that it has, or None for a table with a path of its own.
    ``reads`` has the relations, each with its schema, that a function says it reads. It is None if
    the function does not say. ``signed_in`` is one of `SIGNED_IN`, or None if the database decides.
    """

    name: str
    relation: str
    schema: str
    key: str
    kind: str | None
    reads: tuple[tuple[str, str], ...] | None = None
    signed_in: str | None = None


FILE = "src/tables.toml"
"""The file that says what is served, in every environment. Wrangler bundles it with the Worker."""

VARIABLE = "TABLES"
"""The variable that replaces the file, as in version 0.2.0: JSON, or a section [vars.TABLES]."""


def declarations_in(options: Mapping[str, object], place: str) -> list[Declaration]:
    """Return what these members declare. ``place`` is where they stand: `FILE` or `VARIABLE`.

    Raises ConfigurationError with every fault.
    """
    try:
        return _declarations_in(options)
    except ConfigurationError as error:
        raise _placed(error, place) from error


def options_in_toml(text: str) -> dict[str, object]:
    """Return the members of the file. Raises ConfigurationError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{FILE} is no TOML: {error}."]) from error


def options_in_json(text: str) -> dict[str, object]:
    """Return the members of the variable. Raises ConfigurationError."""
    twice: list[str] = []

    def noting_doubles(members: list[tuple[str, object]]) -> dict[str, object]:
        counts = Counter(name for name, _ in members)
        twice.extend(name for name, count in counts.items() if count > 1)
        return dict(members)

    try:
        options = json.loads(text, object_pairs_hook=noting_doubles)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise _placed(ConfigurationError([_NOTHING]), VARIABLE)
    if twice:
        way_out = f"leave one out, or declare one of the tables under another {_OTHER_NAME}."
        doubles = [f"{name!r} stands there twice: {way_out}" for name in twice]
        raise _placed(ConfigurationError(doubles), VARIABLE)
    return options


def _placed(error: ConfigurationError, place: str) -> ConfigurationError:
    """Return an error whose faults begin with the place of the declaration."""
    return ConfigurationError([f"{place}: {fault}" for fault in error.faults])


def _declarations_in(options: Mapping[str, object]) -> list[Declaration]:
    if not options:
        raise ConfigurationError([_NOTHING])
    faults, found = [], []
    for name, given in options.items():
        wrong = _option_faults(name, given)
        if not wrong and isinstance(given, dict):
            found.append(_declaration(name, given))
            wrong = [*_spelling_faults(found[-1])]
        faults += wrong
    if faults := faults or _doubles(found):
        raise ConfigurationError(faults)
    return found


def can_be_queried(relation: str, schema: str) -> bool:
    """Return whether a query below ``/rest/v1/`` can name a relation."""
    return bool(_SEGMENT.fullmatch(relation) and _SCHEMA.fullmatch(schema))


def _declaration(name: str, given: dict[str, Any]) -> Declaration:
    schema, reads = given.get("schema", PUBLIC), given.get("reads")
    return Declaration(
        name,
        relation=given.get("name", name),
        schema=schema,
        key=given.get("key", "id"),
        kind=next((kind for kind in _KINDS if kind in given), None),
        reads=None if reads is None else tuple(_with_schema(read, schema) for read in reads),
        signed_in=given.get("signed_in"),
    )


def _with_schema(read: str, schema: str) -> tuple[str, str]:
    """Return the schema and the name of a relation. Without a dot, it is in the given schema."""
    before, dot, after = read.partition(".")
    return (before, after) if dot else (schema, read)


_NOTHING = (
    "nothing is declared: write a line for each table, such as articles = {} or "
    'products = { key = "sku" }.'
)

_OTHER_NAME = 'name, and its own name as an option, such as my_table = { name = "its own" }'
"""The way out if a table cannot be declared by its own name."""


def _option_faults(name: str, given: object) -> list[str]:
    """Return the faults of one name and its options."""
    if not _is_identifier(name):
        return [f"{name!r} is no name: {_NO_IDENTIFIER}."]
    if not isinstance(given, dict):
        return [f'{name} should be a table of options, such as {{}} or {{ key = "id" }}.']
    unknown = [
        f"{name} has no option {option!r}: the options are {', '.join(_OPTIONS)}."
        for option in given
        if option not in _OPTIONS
    ]
    malformed = [
        f"{name}.{option} should be the name of a {what}: {_NO_IDENTIFIER}."
        for option, what in (("name", "relation"), ("key", "column"), ("schema", "schema"))
        if option in given and not _is_identifier(given[option])
    ]
    if given.get("signed_in", "pass") not in SIGNED_IN:
        malformed.append(f'{name}.signed_in should be "public" or "pass", or left out.')
    return [*unknown, *malformed, *_kind_faults(name, given), *_reads_faults(name, given)]


_NO_IDENTIFIER = (
    f"Postgres's names are texts of 1 to {MAX_NAME_BYTES} bytes of UTF-8, without U+0000"
)


def _is_identifier(value: object) -> bool:
    """Return whether Postgres accepts a value as a quoted name."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        return 0 < len(value.encode()) <= MAX_NAME_BYTES
    except UnicodeEncodeError:  # JSON can escape half a character
        return False


def _kind_faults(name: str, given: dict[str, object]) -> list[str]:
    """Return the faults of the options that declare no table with a path of its own."""
    kinds = [kind for kind in _KINDS if kind in given]
    faults = [
        f"{name}.{kind} should be true, or left out." for kind in kinds if given[kind] is not True
    ]
    if len(kinds) > 1:
        faults.append(f"{name} is either {' or '.join(map(_KINDS.__getitem__, kinds))}.")
    if kinds and "key" in given:
        faults.append(
            f"{name} has no key: {_KINDS[kinds[0]]} has no rows with a path of their own."
        )
    return faults


def _reads_faults(name: str, given: dict[str, object]) -> Iterator[str]:
    """Return the faults of the option that says which relations a function reads."""
    if "reads" not in given:
        return
    reads = given["reads"]
    if "function" not in given:
        yield f"{name}.reads is for a function only: the database knows what others read."
    if not isinstance(reads, list):
        yield f'{name}.reads should be a list of names, such as ["articles", "crm.towns"].'
        return
    for read in reads:
        names = _with_schema(read, PUBLIC) if isinstance(read, str) else (read,)
        if not all(map(_is_identifier, names)):
            yield (
                f"{name}.reads has {read!r}, which should be the name of a relation, or its"
                f" schema, a dot and its name: {_NO_IDENTIFIER}."
            )


_A_SEGMENT = "is part of the path, so it may have ASCII letters, digits, _ and - only"


def _spelling_faults(one: Declaration) -> Iterator[str]:
    """Return a fault for each name that cannot stand unchanged in a path or a header.

    The name of a table that is only watched stands in neither.
    """
    if one.kind == "watch":
        return
    if one.kind is None:
        yield from _path_faults(one.name)
    elif not _SEGMENT.fullmatch(one.relation):
        yield (
            f"{one.relation!r} is declared, but the name of {_KINDS[one.kind]} {_A_SEGMENT}: "
            "declare another one with such a name that reads this one."
        )
    if not _SCHEMA.fullmatch(one.schema):
        yield (
            f"{one.name}.schema is sent in a header, so it may have ASCII letters, digits, "
            "_, $ and - only: declare a view in a schema with such a name, with view = true, and "
            "watch the tables that it reads."
        )


def _path_faults(name: str) -> Iterator[str]:
    if name in _RESERVED:
        yield (
            f"{name!r} is declared, but /{name} is a route: declare the table under another "
            f"{_OTHER_NAME}."
        )
    elif not _SEGMENT.fullmatch(name):
        yield (
            f"{name!r} is declared, but a table's name here {_A_SEGMENT}: declare the table "
            f"under such a {_OTHER_NAME}."
        )


def _doubles(found: list[Declaration]) -> list[str]:
    """Return a fault for each relation or function that is declared more than once."""
    names: dict[tuple[bool, str, str], list[str]] = {}
    for one in found:
        identity = (one.kind == "function", one.schema, one.relation)
        names.setdefault(identity, []).append(one.name)
    return [
        f"{' and '.join(map(repr, same))} are both {schema}.{relation}: leave one of them out."
        for (_, schema, relation), same in names.items()
        if len(same) > 1
    ]
