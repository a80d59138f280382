"""What an answer of Supabase's REST interface says: rows, or what went wrong.

If PostgREST itself answers the request with an error (`is_postgrests`), that is final: the entry is
removed. If a gateway sends the error, or the error is about the key, the entry stays, because the
answer says nothing about it.

https://docs.postgrest.org/en/stable/references/errors.html
"""

from __future__ import annotations

import re
from http import HTTPStatus

import httpx

from edge_cache.entries import REPLAYABLE
from edge_cache.errors import (
    FinalAnswer,
    InvalidAnswer,
    Reply,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from edge_cache.supabase.parsing import TooDeep, is_text, loads
from edge_cache.tables import Table

MAX_RETRY_AFTER_S = 3600
"""If Supabase asks clients to wait longer, we ask them to wait this long."""

_EDGE_UNREACHABLE = frozenset({520, 521, 522, 523, 525, 526, 530})
"""Cloudflare answers with one of these itself if it cannot reach the origin.
https://developers.cloudflare.com/support/troubleshooting/http-status-codes/"""

TOO_DEEP = "its JSON is nested too deeply"
"""An answer is not stored for this reason, even if it may be right."""

_TIMEOUTS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT})
_TRANSIENT = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Another try may help after these, as after a status of 500 and above."""

_NOT_RELAYED = frozenset(
    {
        # These describe the connection, or how the body was compressed.
        *("connection", "content-encoding", "content-length", "date", "keep-alive", "server"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
        # These are valid only for the host that sends them, or tell shared caches what to do.
        *("alt-svc", "strict-transport-security"),
        *("cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control"),
        # This one is for a single reader, but many readers may wait for one answer.
        "set-cookie",
    }
)
"""Headers that are left out if an answer is handed on."""

_MAY_NOT_BE_STORED = re.compile(r"(?:^|[\s,])(?:no-store|private)(?:$|[\s,=])", re.IGNORECASE)
_MAX_TOLD_CHARS = 100
"""An error text quotes at most this much of a header that SQL wrote."""

_VARY = frozenset(
    {
        # The entry's key has these, or a request that has them is passed on.
        *("accept", "accept-profile", "apikey", "authorization", "prefer", "range"),
        # The runtime decompresses bodies, and the Worker has its own CORS headers.
        *("accept-encoding", "origin"),
    }
)
"""If an answer varies only with these request headers, everybody may get it."""

_NO_FUNCTION = frozenset(
    {
        (HTTPStatus.NOT_FOUND, "PGRST202"),  # the API knows no such function
        (HTTPStatus.NOT_FOUND, "42883"),  # it was dropped, but the API does not know that yet
        (HTTPStatus.UNAUTHORIZED, "42501"),  # the key may not execute it,
        (HTTPStatus.FORBIDDEN, "42501"),  # or it refuses to read this table
    }
)

_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
_POSTGRESTS_CODE = re.compile(r"PGRST[0-9A-Z]{3}|[0-9A-Z]{5}")
"""PostgREST's own codes, and SQL's codes, which have five characters."""

_ABOUT_THE_KEY = re.compile(r"PGRST3[0-9A-Z]{2}")
_ERROR_MEMBERS = frozenset({"code", "message", "details", "hint"})
"""PostgREST's errors have all of them, even if SQL chose another code."""

_PROXY_ERROR = re.compile(r"\berror=([A-Za-z0-9_]{1,40})")
_SECONDS = re.compile(r"[0-9]{1,9}")
_MEDIA_TYPE = re.compile(r"[\w.+/-]{1,60}", re.ASCII)

_HINTS = {
    "42501": "the key may not read it: grant select on the table to the role anon",
    "42P01": "there is no such table",
    "42703": "there is no such column",
    "57014": "the statement took longer than the role's statement timeout",
    "PGRST000": "it has no connection to its database",
    "PGRST001": "it has no connection to its database",
    "PGRST002": "it could not read the database's schema",
    "PGRST003": "no database connection became free in time",
    "PGRST106": "the schema is not exposed",
    "PGRST116": "several rows have this id, so the table's key column is not unique",
    "PGRST205": "there is no such table, or its schema is not exposed",
    "PGRST301": "SUPABASE_ANON_KEY is not a valid key of this project",
}
"""By PostgREST's or Postgres's error code: a cause that a person can act on."""


def require_available(response: httpx.Response) -> None:
    """Raise TransientUpstreamError if another try may help: it failed, or we asked too often."""
    status = response.status_code
    if status in _EDGE_UNREACHABLE:
        raise UpstreamUnreachable(
            "Cloudflare could not reach the host of SUPABASE_URL.",
            supabase_status=status,
            reply=reply_of(response),
        )
    if status not in _TRANSIENT and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    kind = UpstreamTimeout if status in _TIMEOUTS else UpstreamUnavailable
    error = kind(
        _sentence(response),
        supabase_status=status,
        code=error_code(response),
        reply=reply_of(response),
    )
    retry_after = response.headers.get("retry-after", "")
    if _SECONDS.fullmatch(retry_after):
        error.retry_after_s = min(int(retry_after), MAX_RETRY_AFTER_S)
    raise error


def reply_of(response: httpx.Response) -> Reply:
    """Return an answer as Supabase sent it. Only Supabase's own clients get it."""
    headers = {n: value for n, value in response.headers.items() if n not in _NOT_RELAYED}
    return Reply(response.status_code, headers, response.content or None)


def is_postgrests(response: httpx.Response) -> bool:
    """Return whether PostgREST itself answers this request, even with an error.

    All its answers to reads and calls have a Content-Range, even if SQL sets another status. Its
    errors have JSON of a known shape. An error about the key says nothing about the request.
    """
    code = error_code(response) or ""
    if response.status_code == HTTPStatus.UNAUTHORIZED and _ABOUT_THE_KEY.fullmatch(code):
        return False
    has_code = _POSTGRESTS_CODE.fullmatch(code) is not None
    return has_code or "content-range" in response.headers or _has_all_members(response)


def require_success(response: httpx.Response, table: Table | None = None) -> None:
    """Raise FinalAnswer if PostgREST answers with an error.

    Raises InvalidAnswer or UpstreamRejected if somebody else does.
    """
    if response.is_success:
        return
    if is_postgrests(response):
        raise final_answer(response, table)
    if response.is_redirect:
        raise InvalidAnswer(
            "Supabase answered with a redirect, which the Worker does not follow, because it would "
            "send the key there: SUPABASE_URL should be the project's final address.",
            supabase_status=response.status_code,
        )
    raise UpstreamRejected(
        _sentence(response) + _where(table),
        supabase_status=response.status_code,
        code=error_code(response),
        reply=reply_of(response),
    )


def final_answer(
    response: httpx.Response, table: Table | None = None, why: str = ""
) -> FinalAnswer:
    """Return the error that hands an answer on. ``why`` says why a success is not stored."""
    return FinalAnswer(
        f"{_sentence(response)}{_where(table)}{why and f' It is not stored: {why}.'}",
        supabase_status=response.status_code,
        code=error_code(response),
        reply=reply_of(response),
    )


def require_storable(response: httpx.Response, table: Table | None = None) -> None:
    """Raise FinalAnswer if PostgREST sent a success that may not be stored."""
    if is_postgrests(response) and (why := why_not_stored(response)):
        raise final_answer(response, table, why)


def why_not_stored(response: httpx.Response) -> str:
    """Return why an answer may not be stored. It is empty if nothing forbids that."""
    if response.status_code not in REPLAYABLE:
        return "no answer with this status is"
    if _MAY_NOT_BE_STORED.search(response.headers.get("cache-control", "")):
        return "its Cache-Control forbids it"
    if more := _varies_with(response) - _VARY:
        return f"its Vary names {', '.join(sorted(more))[:_MAX_TOLD_CHARS]}"
    return ""


def _varies_with(response: httpx.Response) -> frozenset[str]:
    names = response.headers.get("vary", "").split(",")
    return frozenset(name.strip().lower() for name in names) - {""}


def is_no_function(response: httpx.Response) -> bool:
    """Return whether the answer says that the public key has no such function."""
    return (response.status_code, error_code(response)) in _NO_FUNCTION


def object_in(response: httpx.Response) -> dict[str, object]:
    """Return a successful answer's object, such as a row. Raises InvalidAnswer."""
    found = _json_of(response)
    if not isinstance(found, dict):
        raise InvalidAnswer(
            "Supabase sent JSON that is not an object.", supabase_status=response.status_code
        )
    return found


def rows_in(response: httpx.Response) -> list[dict[str, object]]:
    """Return a successful answer's rows. Raises InvalidAnswer."""
    rows = _json_of(response)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidAnswer(
            "Supabase sent JSON that is not an array of rows.",
            supabase_status=response.status_code,
        )
    return rows


def error_code(response: httpx.Response) -> str | None:
    """Return the code of an error, if the answer is an error. It never has row content."""
    code = error_text(response, "code")
    if code is None and not response.is_success:  # for HEAD, PostgREST sends it in a header
        told = _PROXY_ERROR.search(response.headers.get("proxy-status", ""))
        return told[1] if told else None
    return code if code and _CODE.fullmatch(code) else None


def error_text(response: httpx.Response, member: str) -> str | None:
    """Return a text of an error's JSON, or None if it has none. The text may quote a row."""
    text = _error_in(response).get(member)
    return text if is_text(text) else None


def _has_all_members(response: httpx.Response) -> bool:
    return _error_in(response).keys() >= _ERROR_MEMBERS


def _error_in(response: httpx.Response) -> dict[str, object]:
    """Return an error's JSON object. It is empty if the answer is no error, or has no JSON."""
    if response.is_success:
        return {}
    try:
        error = loads(response.content)
    except ValueError:
        return {}
    return error if isinstance(error, dict) else {}


def _where(table: Table | None) -> str:
    return f" Table: {table.schema}.{table.relation}." if table else ""


def media_type_of(response: httpx.Response) -> str:
    """Return the media type of an answer, without parameters. It is empty if there is none."""
    return str(response.headers.get("content-type", "").partition(";")[0].strip().lower())


def is_json(response: httpx.Response) -> bool:
    """Return whether an answer says that it is JSON."""
    media_type = media_type_of(response)
    return media_type == "application/json" or media_type.endswith("+json")


def _sentence(response: httpx.Response) -> str:
    code = error_code(response)
    status = response.status_code
    hint = _HINTS.get(code or "")
    if hint is None and code is None and status == HTTPStatus.UNAUTHORIZED:
        hint = "SUPABASE_ANON_KEY is not a valid key of this project"
    what = f"Supabase answered {status}" + (f" with code {code}" if code else "")
    return f"{what}: {hint}." if hint else f"{what}."


def _json_of(response: httpx.Response) -> object:
    """Return a successful answer's JSON value. Raises InvalidAnswer if it has none."""
    media_type = media_type_of(response)
    if not is_json(response):
        kind = media_type if _MEDIA_TYPE.fullmatch(media_type) else "something"
        raise InvalidAnswer(
            f"Supabase sent {kind} instead of JSON; is SUPABASE_URL a Supabase project's address?",
            supabase_status=response.status_code,
        )
    try:
        return loads(response.content)
    except TooDeep as error:
        raise final_answer(response, why=TOO_DEEP) from error
    except ValueError as error:
        raise InvalidAnswer(
            "Supabase sent JSON that is broken or cut off.", supabase_status=response.status_code
        ) from error
