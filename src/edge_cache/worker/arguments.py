"""The arguments of a function that is called by POST: the members of a JSON object.

They stay as they came. If a function has a single parameter without a name, PostgREST hands it the
whole body, so it can see the order of the members and how each is spelled.
https://docs.postgrest.org/en/stable/references/api/functions.html#functions-with-a-single-unnamed-parameter
"""

from __future__ import annotations

import json

from edge_cache.supabase.parsing import loads

MAX_BYTES = 8 * 1024
"""Longer arguments are passed on."""


class _Twice(ValueError):
    """An object has a member twice, and not everybody takes the last one."""


def arguments_in(body: bytes) -> str | None:
    """Return a body's text if it is a JSON object that everybody reads in the same way, or None."""
    try:
        loads(body)
        value = json.loads(body.decode(), object_pairs_hook=_members)
    except ValueError:
        return None
    return body.decode() if isinstance(value, dict) else None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Twice
    return members
