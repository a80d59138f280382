"""Which other relations a query names, as its text says, before anybody knows what the names mean.

A query embeds a relation by naming it in ``select``, such as
``title,author:authors!author_id(name,...cities(country))``. Other parameters name only what
``select`` has embedded. An aggregate such as ``count()`` embeds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from edge_cache.supabase.grammar import (
    BUILT_IN,
    EMBED,
    FIELD,
    named,
    ordered_by,
    parameters_in,
    path_in,
    unescaped,
)

MAX_DEPTH = 16
"""If a query nests more deeply, we do not try to understand it."""

MAX_EMBEDS = 64
"""If a query embeds more relations, we do not try to understand it."""

_REMEMBERED = 8
"""A query is looked at several times in a row."""

_JOINS = frozenset({"inner", "left"})


@dataclass(frozen=True, slots=True)
class Embed:
    """A relation that a query embeds. ``hint`` is empty if the query has none.

    ``target`` is the name of a relation, or of something that leads to it.
    """

    target: str
    alias: str = ""
    hint: str = ""
    inner: tuple[Embed, ...] = ()

    def is_called(self, name: str) -> bool:
        """Return whether other parameters can mean it by a name."""
        return name in (self.alias, self.target)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query names. ``text`` has every name in it, spelled as the database spells it."""

    embeds: tuple[Embed, ...]
    filters: tuple[tuple[str, str], ...]
    text: str

    def mentions(self, name: str) -> bool:
        """Return whether the query can name a column so."""
        return name in self.text


@lru_cache(_REMEMBERED)
def asked_in(parameters: str) -> Asked | None:
    """Return what a query's parameters name. None if we do not understand all of them for sure."""
    pairs = parameters_in(parameters)
    selects = [value for name, value in pairs if name == "select"]
    embeds = _embeds_in(selects[0]) if selects else ()
    if embeds is None or len(selects) > 1:
        return None
    for name, value in pairs:
        more = _named_by(name, value, embeds)
        if more is None:
            return None
        embeds += more
    return Asked(embeds, tuple(pairs), _text_of(pairs))


def _text_of(pairs: Iterable[tuple[str, str]]) -> str:
    """Return all names and values, as they are, and without what only the spelling needs."""
    text = "\n".join(part for pair in pairs for part in pair)
    return "\n".join((text, unescaped(text), _joined(text)))


def _joined(text: str) -> str:
    """Return a text without spaces around dashes, which PostgREST ignores in names."""
    return "-".join(part.strip(" ") for part in text.split("-"))


def _named_by(name: str, value: str, embeds: tuple[Embed, ...]) -> tuple[Embed, ...] | None:
    """Return what a parameter embeds itself. None if it names a path that nothing has embedded."""
    if name.isidentifier() and name != "order":
        return ()  # it has no path, as most have none
    path = path_in(name)
    if path is None:
        return None
    *above, last = path
    if last in {"and", "or"} and above[-1:] == ["not"]:
        above.pop()
    level = _level(embeds, above)
    if last != "order" or level is None:
        return None if level is None else ()
    relations = ordered_by(value)
    if relations is None:
        return None
    missing = [name for name in relations if not any(one.is_called(name) for one in level)]
    if above and missing:
        return None
    return tuple(map(Embed, sorted(missing)))


def _level(embeds: tuple[Embed, ...], path: Iterable[str]) -> tuple[Embed, ...] | None:
    """Return what is embedded at the end of a path. None if the path leads nowhere."""
    level = embeds
    for name in path:
        found = [one for one in level if one.is_called(name)]
        if not found:
            return None
        level = tuple(inner for one in found for inner in one.inner)
    return level


def _embeds_in(select: str) -> tuple[Embed, ...] | None:
    """Return what a ``select`` embeds. None if it has another form."""
    try:
        return _Select(select).embeds()
    except ValueError:
        return None


class _Select:
    """Reads a ``select`` from left to right. Raises ValueError if it has another form.

    It keeps what is open in a list. If it called itself instead, many parentheses could kill the
    Worker.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._left = MAX_EMBEDS
        self._opened: list[re.Match[str]] = []
        self._levels: list[list[Embed]] = [[]]

    def embeds(self) -> tuple[Embed, ...]:
        while not self._is_at_end():
            self._member()
            while self._takes(")"):
                self._close()
            if not self._is_at_end() and not self._takes(","):
                raise ValueError("something else than a member of select")
        if self._opened or self._text.endswith(","):
            raise ValueError("a select that does not end")
        return tuple(self._levels[0])

    def _is_at_end(self) -> bool:
        return self._at == len(self._text)

    def _takes(self, character: str) -> bool:
        takes = self._text.startswith(character, self._at)
        self._at += takes
        return takes

    def _member(self) -> None:
        """Pass one member of a level. Whatever an embedded relation begins with is passed too."""
        while opening := EMBED.match(self._text, self._at):
            if named(opening["target"]) == "count":
                break
            self._open(opening)
            if self._text.startswith(")", self._at):
                return
        field = FIELD.match(self._text, self._at)
        if field is None or not _reads_no_table(field):
            raise ValueError("no field")
        self._at = field.end()

    def _open(self, opening: re.Match[str]) -> None:
        if len(self._opened) == MAX_DEPTH or not self._left:
            raise ValueError("nested too deeply, or too many")
        self._left -= 1
        self._at = opening.end()
        self._opened.append(opening)
        self._levels.append([])

    def _close(self) -> None:
        if not self._opened:
            raise ValueError("closes what was not opened")
        opening, inner = self._opened.pop(), tuple(self._levels.pop())
        alias = named(opening["alias"]) if opening["alias"] else ""
        self._levels[-1].append(Embed(named(opening["target"]), alias, _hint_of(opening), inner))
        while self._takes(" ") or self._takes("\t"):
            pass


def _hint_of(opening: re.Match[str]) -> str:
    """Return the hint, or "" if there is none. Raises ValueError if it is not sure what is one."""
    given = [spelled for spelled in opening.group("first", "second") if spelled]
    hints = [spelled for spelled in given if spelled not in _JOINS]
    # PostgREST reads `!leftover` as `!left` and something else.
    if len(hints) > 1 or any(hint.startswith(tuple(_JOINS)) for hint in hints):
        raise ValueError("no certain hint")
    return named(hints[0]) if hints else ""


def _reads_no_table(field: re.Match[str]) -> bool:
    """Return whether its casts, if it has any, are to types that every database has."""
    casts: Iterator[str | None] = iter(field.group("count", "cast", "sum"))
    return all(cast is None or cast.strip() in BUILT_IN for cast in casts)
