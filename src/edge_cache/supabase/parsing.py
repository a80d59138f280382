"""JSON that comes from outside. If it is nested too deeply, it could kill the Worker.

In WebAssembly, a parser that recurses some thousand levels deep overflows the engine's stack. No
``except`` catches that, and the whole isolate ends. A few kilobytes of ``[`` are enough. So we
refuse such JSON.
"""

from __future__ import annotations

import json
from typing import TypeGuard

MAX_DEPTH = 500
"""JSON with this many levels is read. JSON with `_STEP` levels more never is.

Python 3.14 on Pyodide 314 survives reading 5,000 levels and writing 2,000; CPython 3.11 reads less
than 1,000.
"""

_STEP = 100
"""This many brackets are counted at once."""

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b'"[]{}'))


class TooDeep(ValueError):
    """The JSON may be valid, but it is nested too deeply for us."""


class Number(str):
    """A number as it was written. A float would lose its text."""

    __slots__ = ()


class _Numbers(dict[str, Number]):
    """Numbers by their texts. Short ones are shared, because each takes 50 bytes of memory."""

    __missing__ = Number


def loads(body: bytes) -> object:
    """Return the value of a JSON text in UTF-8. Each number in it becomes a `Number`.

    Raises ValueError if the text is no JSON, or nested too deeply.
    """
    return _decoded(body, _DECODER)


def marked(body: bytes) -> object:
    """Return the value as `loads` does, but each number becomes a text that begins with `MARK`."""
    return _decoded(body, _MARKING_DECODER)


def _decoded(body: bytes, decoder: json.JSONDecoder) -> object:
    # `json.loads` of bytes also reads UTF-16 and UTF-32, in which we could not count brackets.
    text = body.decode()
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _require_shallow(body)
    try:
        return decoder.decode(text)
    except RecursionError as error:
        raise TooDeep(_TOO_DEEP) from error


def is_text(value: object) -> TypeGuard[str]:
    """Return whether a value of `loads` is a JSON text, and not a number."""
    return isinstance(value, str) and not isinstance(value, Number)


def _require_shallow(body: bytes) -> None:
    """Raise ValueError if JSON is nested too deeply. Every step is one scan in C.

    If the text is no JSON, this may count in another way than the parser. But it does so only after
    the place where the parser stops.
    """
    depth, brackets = 0, _brackets(body)
    for start in range(0, len(brackets), _STEP):
        step = brackets[start : start + _STEP]
        opened = step.count(b"[")
        if depth + opened > MAX_DEPTH + _STEP:
            raise TooDeep(_TOO_DEEP)
        depth += 2 * opened - len(step)


def _brackets(body: bytes) -> bytes:
    """Return the brackets outside of strings. Braces become brackets.

    Two quotes side by side have no bracket between them. If we take away such pairs, what is inside
    and outside of strings does not change, and few strings are left to split at.
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
"""Postgres can hold no text that begins with this."""

_MARKING_DECODER = json.JSONDecoder(
    parse_int=MARK.__add__, parse_float=MARK.__add__, parse_constant=_refuse
)
