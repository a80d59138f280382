"""The arguments of a function that is called by POST, always spelled in the same way.

They are the members of a JSON object. Their order has no meaning, so they are sorted. Each value
stays as it came, because a function can see how a number or a text in its JSON is spelled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from edge_cache.supabase.parsing import loads

MAX_BYTES = 8 * 1024
"""Longer arguments are passed on."""

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def arguments_in(body: bytes) -> str | None:
    """Return the text of a JSON object with its members sorted by name.

    Return None if the body is anything else, or names a member twice.
    """
    try:
        if not isinstance(loads(body), dict):
            return None
    except ValueError:
        return None
    members = sorted(_members(body.decode()))
    names = {name for name, _ in members}
    if len(names) < len(members):
        return None
    spelled = (f"{json.dumps(name)}:{value}" for name, value in members)
    return f"{{{','.join(spelled)}}}"


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Return the names and the spelled values of an object. The text must be valid JSON."""
    at = _after_blank(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _after_blank(text, _after_blank(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield name, text[start:end]
        at = _after_blank(text, end)
        if text[at] == ",":
            at = _after_blank(text, at + 1)


def _after_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at
