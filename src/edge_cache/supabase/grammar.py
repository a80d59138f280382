"""How PostgREST spells names and fields in ``select``, ``order`` and the names of parameters.

https://docs.postgrest.org/en/stable/references/api/url_grammar.html
"""

from __future__ import annotations

import re
from urllib.parse import unquote

# No quantifier here gives back what it took, so that no text makes the parser slow.
_SPACE = r"[ \t]*+"
_WORDS = r"[\w$ ]++(?:-(?!>)[\w$ ]++)*+"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
NAME = rf"(?:{_QUOTED}|{_WORDS})"
"""A name in double quotes, in which a backslash escapes, or words with ``-`` between them."""

_JSON_KEY = rf"(?:{_QUOTED}|-?[^-:.,>()\"][^-:.,>()]*+(?:-(?!>)[^-:.,>()]++)*+)"
JSON_PATH = rf"(?:->>?{_JSON_KEY})*+"

_CAST = r"(?:::(?P<{}>[\w$ ]++))?"
_ALIAS = rf"(?:{NAME}:(?!:))?"
_END = rf"{_SPACE}(?=[,)]|\Z)"

FIELD = re.compile(
    rf"{_SPACE}(?:\*|{_ALIAS}count\(\){_CAST.format('count')}"
    rf"|{_ALIAS}{NAME}{JSON_PATH}{_CAST.format('cast')}"
    rf"(?:\.(?:sum|avg|count|max|min)\(\){_CAST.format('sum')})?){_END}",
    re.DOTALL,
)
"""A member of ``select`` that embeds nothing: a column, a JSON path, an aggregate."""

EMBED = re.compile(
    rf"{_SPACE}(?:\.\.\.|(?:(?P<alias>{NAME}):(?!:))?)(?P<target>{NAME})"
    rf"(?:!(?P<first>{NAME}))?(?:!(?P<second>{NAME}))?\(",
    re.DOTALL,
)
"""The beginning of an embedded relation. Its own members follow, and a parenthesis closes it."""

_ORDERING = r"(?:\.(?:asc|desc))?(?:\.(?:nullsfirst|nullslast))?"
_ORDER_TERM = re.compile(
    rf"{_SPACE}(?:(?P<relation>{NAME})\({NAME}{JSON_PATH}{_SPACE}\)|{NAME}{JSON_PATH}){_ORDERING}"
    rf"{_SPACE}(?:(?P<comma>,)|\Z)",
    re.DOTALL,
)

_PATH = re.compile(rf"(?P<path>{NAME}(?:\.{NAME})*+){_SPACE}{JSON_PATH}", re.DOTALL)
_ONE_NAME = re.compile(NAME, re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

BUILT_IN = frozenset(
    {"text", "varchar", "bpchar", "name", "int", "int2", "int4", "int8", "integer", "smallint"}
    | {"bigint", "numeric", "decimal", "real", "float4", "float8", "bool", "boolean", "json"}
    | {"jsonb", "uuid", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "bytea"}
)
"""A cast to one of these types reads no table. Another type may have a cast of its own."""


def parameters_in(text: str) -> list[tuple[str, str]]:
    """Return the decoded names and values of `Query.parameters`."""
    pairs = [part.partition("=") for part in text.split("&")] if text else []
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def named(spelled: str) -> str:
    """Return the name that a match of `NAME` spells."""
    if spelled.startswith('"'):
        return unescaped(spelled[1:-1])
    return "-".join(word.strip() for word in spelled.split("-"))


def unescaped(text: str) -> str:
    """Return a text without the backslashes that escape."""
    return _ESCAPED.sub(r"\1", text)


def path_in(parameter: str) -> tuple[str, ...] | None:
    """Return the names in a parameter's name such as ``authors.name``. None in another form."""
    match = _PATH.fullmatch(parameter)
    return tuple(map(named, _ONE_NAME.findall(match["path"]))) if match else None


def ordered_by(order: str) -> frozenset[str] | None:
    """Return the relations that an ``order`` names. None if it has another form."""
    relations = set()
    at = 0
    while term := _ORDER_TERM.match(order, at):
        if term["relation"]:
            relations.add(named(term["relation"]))
        if not term["comma"]:
            return frozenset(relations)
        at = term.end()
    return None
