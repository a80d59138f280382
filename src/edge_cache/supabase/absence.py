"""What proves that a row is absent.

Only such a proof may remove a good entry from the cache. An answer that only looks like a proof may
come from a fault in a view, in a policy, or in a server between us and Supabase.
"""

from __future__ import annotations

import re
from http import HTTPStatus

import httpx

from edge_cache.supabase.answers import error_code, error_text

_NO_ROWS = re.compile(r"(?<!\d)0 rows")
_QUOTED = re.compile(r'"([^"]*)"')

_DOES_NOT_FIT = frozenset(
    {
        "22P02",  # no such number, UUID, enumeration's value, …
        "22003",  # a number out of the type's range
        "22007",  # no date or time
        "22008",  # a date or time out of range
        "22021",  # no text in the database's encoding
        "22P05",  # a character that the database's encoding does not have
    }
)
"""Postgres answers with one of these if a column cannot hold a value.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def can_exist(row_id: str) -> bool:
    """Return whether a column can hold the id. None can hold U+0000."""
    return "\0" not in row_id


def proves_absence(response: httpx.Response, row_id: str) -> bool:
    """Return whether the answer says that no row has this id, or that none can have it."""
    code = error_code(response)
    if response.status_code == HTTPStatus.NOT_ACCEPTABLE:
        # The code is the same if several rows match. Then the key column is not unique.
        return code == "PGRST116" and _NO_ROWS.search(_account(response)) is not None
    if response.status_code != HTTPStatus.BAD_REQUEST or code not in _DOES_NOT_FIT:
        return False
    return _is_about(error_text(response, "message") or "", row_id)


def is_spelling(asked: str, found: str) -> bool:
    """Return whether the id that was found is the one that was asked for, in another spelling.

    For example, Postgres reads ``07`` and ``0x7`` as 7, and accepts a UUID in capitals.
    """
    return _same_number(asked, found) or _bare(asked) == _bare(found) != ""


def _bare(text: str) -> str:
    """Return only the letters and digits, in one case."""
    return "".join(filter(str.isalnum, text.casefold()))


def _account(response: httpx.Response) -> str:
    return error_text(response, "details") or error_text(response, "message") or ""


def _is_about(message: str, row_id: str) -> bool:
    """Return whether a message quotes the id, or nothing at all.

    If it quotes something else, a view or a policy may have failed because of its own value.
    """
    if '"' not in message or f'"{row_id}"' in message:
        return True
    return any(_same_number(quoted, row_id) for quoted in _QUOTED.findall(message))


def _same_number(one: str, other: str) -> bool:
    """Return whether two texts spell one number. Some servers change the client's spelling."""
    try:
        return _number(one) == _number(other)
    except ValueError:
        return False


def _number(text: str) -> float:
    """Return a number. A whole number may have another base, such as ``0x2`` (Postgres 16)."""
    try:
        return float(text)
    except ValueError:
        return int(text, 0)
