"""How a key column is spelled in a URL, so that PostgREST takes it for nothing else. Pure.

PostgREST takes any column in double quotes, in which a backslash escapes. Supabase Lite takes them
around a column that is filtered by, but not around one that is ordered by. So a name has quotes
only if it needs them.
https://docs.postgrest.org/en/stable/references/api/url_grammar.html
"""

from __future__ import annotations

import re
from urllib.parse import quote

_PARAMETERS = frozenset(
    {"select", "order", "limit", "offset", "columns", "on_conflict", "and", "or", "apikey"}
)
"""What names a parameter of PostgREST's own, or, of the last, of the gateway in front of it."""

_BETWEEN_WORDS = re.compile("[ -]")
_IN_WORDS = frozenset("0123456789_$")


def equals(column: str, value: str) -> str:
    """Return the parameter that asks for the rows whose column has this value."""
    needs_quotes = column.casefold() in _PARAMETERS or not _is_plain(column)
    name = _quoted(column) if needs_quotes else column
    return f"{quote(name, safe='')}=eq.{quote(value, safe='')}"


def ascending(column: str) -> str:
    """Return the parameter that asks for rows in a column's order."""
    name = column if _is_plain(column) else _quoted(column)
    return f"order={quote(name, safe='')}.asc"


def _is_plain(column: str) -> bool:
    """Tell whether PostgREST reads the name as it is: words, with one space or ``-`` between."""
    words = _BETWEEN_WORDS.split(column)
    return all(words) and all(c.isalpha() or c in _IN_WORDS for word in words for c in word)


def _quoted(column: str) -> str:
    return '"' + column.replace("\\", r"\\").replace('"', r"\"") + '"'
