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
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def loads(text: bytes) -> object:
    """Return the JSON text's value. Raises ValueError if it is none, or nested too deeply."""
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _is_deep(text):
        raise ValueError("nested too deeply")
    return json.loads(text)


def _is_deep(text: bytes) -> bool:
    """Tell whether brackets are left after all innermost pairs were removed `MAX_DEPTH` times.

    Every round is a few scans in C, so that a table of megabytes costs milliseconds.
    """
    brackets = _STRING.sub(b"", text).translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return True
