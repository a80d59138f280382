"""JSON that comes from outside, without the depth that kills a Python Worker. Pure.

In WebAssembly a parser that recurses some thousand levels deep overflows the engine's stack, which
no ``except`` catches: the whole isolate is lost. A few kilobytes of ``[`` would be enough.
"""

from __future__ import annotations

import json
import re

MAX_DEPTH = 500
"""Deeper nesting is refused. Python 3.14 on Pyodide 314 survives 5,000 levels and not 9,000."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TOO_MANY_OPEN = re.compile(rb"[\[{]{%d}" % (MAX_DEPTH + 1))
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def loads(text: bytes) -> object:
    """Return the JSON text's value, in which numbers are the texts that they were written as.

    As a float, a number's text could not be told any more, and ids are compared as texts. Raises
    ValueError if it is no JSON, or nested too deeply.
    """
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _is_deep(text):
        raise ValueError("nested too deeply")
    return json.loads(text, parse_int=str, parse_float=str)


def _is_deep(text: bytes) -> bool:
    """Tell whether brackets are left after all innermost pairs were removed `MAX_DEPTH` times.

    Every round is a few scans in C, so that a table of megabytes costs milliseconds; a row of
    opening brackets ends it at once.
    """
    brackets = _STRING.sub(b"", text).translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        if _TOO_MANY_OPEN.search(brackets):
            return True
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return True
