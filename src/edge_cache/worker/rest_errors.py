"""The Worker's own errors in PostgREST's shape, so that Supabase's clients understand them.

If an error has another shape, supabase-js shows no message, and supabase-py fails.
"""

from __future__ import annotations

import json

from edge_cache.errors import EdgeCacheError
from edge_cache.http import CORS, JSON_TYPE, Answer

_SERVER_ERROR = 500
_BAD_GATEWAY = 502
_GATEWAY_TIMEOUT = 504


def answer_of(error: EdgeCacheError) -> Answer:
    """Answer with an error that no cache may keep.

    The code is ``EDGE_`` and the error's slug.
    """
    members = {
        "code": "EDGE_" + error.slug.upper().replace("-", "_"),
        "message": error.title,
        "details": _details(error),
        "hint": _hint(error),
    }
    body = json.dumps(members, ensure_ascii=False).encode()
    headers = {
        **CORS,
        "content-type": JSON_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",
    }
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    return Answer(_status(error), headers, body)


def _details(error: EdgeCacheError) -> str:
    code = error.document().get("code")
    return error.detail if code is None else f"{error.detail} (Supabase's code: {code})"


def _hint(error: EdgeCacheError) -> str | None:
    if error.hint is None and error.retry_after_s is not None:
        return f"Try again in {error.retry_after_s} s."
    return error.hint


def _status(error: EdgeCacheError) -> int:
    """Return a status at which Supabase's clients give up. After 503 and 520 they try for 7 s."""
    if error.status < _SERVER_ERROR or error.status == _GATEWAY_TIMEOUT:
        return error.status
    return _BAD_GATEWAY
