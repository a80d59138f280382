"""JSON that comes from outside, without the depth that kills a Python Worker. Pure.

In WebAssembly a parser that recurses some thousand levels deep overflows the engine's stack, which
no ``except`` catches: the whole isolate is lost. A few kilobytes of ``[`` would be enough.
"""

from __future__ import annotations

import json
from typing import TypeGuard

MAX_DEPTH = 500
"""So many levels are read, and never more than `_STEP` beyond.

Python 3.14 on Pyodide 314 survives reading 5,000 levels and writing 2,000; CPython 3.11 reads less
than 1,000.
"""

_STEP = 100
"""So many brackets are counted at once."""

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b'"[]{}'))


class TooDeep(ValueError):
    """The JSON may be valid, but it is nested more deeply than is read here."""


class Number(str):
    """A number as it was written; as a float, its text could not be told any more."""

    __slots__ = ()


class _Numbers(dict[str, Number]):
    """Numbers by their texts. Short ones are shared: each would take 50 bytes of memory."""

    __missing__ = Number


def loads(body: bytes) -> object:
    """Return the value of a JSON text in UTF-8, in which each number is a `Number`.

    Raises ValueError if it is anything else, or nested too deeply.
    """
    return _decoded(body, _DECODER)


def marked(body: bytes) -> object:
    """Return the value as `loads` does, but numbers as texts that begin with `MARK`."""
    return _decoded(body, _MARKING_DECODER)


def _decoded(body: bytes, decoder: json.JSONDecoder) -> object:
    # `json.loads` of bytes would guess UTF-16 and UTF-32, where brackets are not what they seem.
    text = body.decode()
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _require_shallow(body)
    try:
        return decoder.decode(text)
    except RecursionError as error:
        raise TooDeep(_TOO_DEEP) from error


def is_text(value: object) -> TypeGuard[str]:
    """Tell whether a value of `loads` is a JSON text, and not a number."""
    return isinstance(value, str) and not isinstance(value, Number)


def _require_shallow(body: bytes) -> None:
    """Refuse what is nested too deeply; every pass is one scan in C.

    Where the text is no JSON, this may count otherwise than the parser, but only behind the place
    at which the parser stops.
    """
    depth, brackets = 0, _brackets(body)
    for start in range(0, len(brackets), _STEP):
        step = brackets[start : start + _STEP]
        opened = step.count(b"[")
        if depth + opened > MAX_DEPTH + _STEP:
            raise TooDeep(_TOO_DEEP)
        depth += 2 * opened - len(step)


def _brackets(body: bytes) -> bytes:
    """Return the brackets outside of strings, braces as brackets.

    Quotes side by side have no bracket between them: taken away in pairs, which leaves inside and
    outside as they were, they leave few strings to split at.
    """
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    marks = unescaped.translate(_BRACKETS, _NOT_BRACKETS).replace(b'""', b"")
    return b"".join(marks.split(b'"')[::2])


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


_TOO_DEEP = "nested too deeply"
_NUMBERS = _Numbers((text, Number(text)) for text in map(str, range(-99, 1000)))
_DECODER = json.JSONDecoder(
    parse_int=_NUMBERS.__getitem__, parse_float=Number, parse_constant=_refuse
)

MARK = "\0"
"""No text that Postgres can hold begins so."""

_MARKING_DECODER = json.JSONDecoder(
    parse_int=MARK.__add__, parse_float=MARK.__add__, parse_constant=_refuse
)
