"""How a key column is spelled in a URL, so that PostgREST cannot read something else.

PostgREST accepts each column in double quotes. In the quotes, a backslash escapes. Supabase Lite
accepts quotes in a filter, but not in ``order``. So a name has quotes only if it needs them.
https://docs.postgrest.org/en/stable/references/api/url_grammar.html
"""

from __future__ import annotations

import re
from urllib.parse import quote

_PARAMETERS = frozenset(
    {"select", "order", "limit", "offset", "columns", "on_conflict", "and", "or", "apikey"}
)
"""PostgREST's own parameters have these names. The last one belongs to the gateway in front."""

_BETWEEN_WORDS = re.compile("[ -]")
_IN_WORDS = frozenset("0123456789_$")


def equals(column: str, value: str) -> str:
    """Return the parameter that asks for the rows with this value in a column."""
    needs_quotes = column.casefold() in _PARAMETERS or not _is_plain(column)
    name = _quoted(column) if needs_quotes else column
    return f"{quote(name, safe='')}=eq.{quote(value, safe='')}"


def ascending(column: str) -> str:
    """Return the parameter that orders the rows by a column."""
    name = column if _is_plain(column) else _quoted(column)
    return f"order={quote(name, safe='')}.asc"


def _is_plain(column: str) -> bool:
    """Return whether PostgREST reads the name without quotes.

    It does if the name has only words, with one space or ``-`` between them.
    """
    words = _BETWEEN_WORDS.split(column)
    return all(words) and all(c.isalpha() or c in _IN_WORDS for word in words for c in word)


def _quoted(column: str) -> str:
    return '"' + column.replace("\\", r"\\").replace('"', r"\"") + '"'
