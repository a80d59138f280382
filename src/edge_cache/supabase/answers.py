"""What an answer of Supabase's REST interface says: rows, or what went wrong. Pure.

Who says it decides what becomes of a cached entry. PostgREST's own answer to the request is final
(`is_postgrests`): the entry goes. A gateway's, or one about the key, says nothing of the entry.

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
"""A client is not told to stay away for longer."""

_EDGE_UNREACHABLE = frozenset({520, 521, 522, 523, 525, 526, 530})
"""What Cloudflare answers in the origin's place when it cannot reach it.
https://developers.cloudflare.com/support/troubleshooting/http-status-codes/"""

TOO_DEEP = "its JSON is nested too deeply"
"""Why an answer that may well be right is not stored."""

_TIMEOUTS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT})
_TRANSIENT = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Besides the server's own failures."""

_NOT_RELAYED = frozenset(
    {
        # These are of the connection, or of the body as it was packed.
        *("connection", "content-encoding", "content-length", "date", "keep-alive", "server"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
        # These are of the host that sends them, or tell shared caches what to do.
        *("alt-svc", "strict-transport-security"),
        *("cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control"),
        # This one is of a single reader, but many may wait for one answer.
        "set-cookie",
    }
)
"""Headers that do not travel with an answer that is handed on as it came."""

_MAY_NOT_BE_STORED = re.compile(r"(?:^|[\s,])(?:no-store|private)(?:$|[\s,=])", re.IGNORECASE)
_MAX_TOLD_CHARS = 100
"""So much of what SQL wrote is told to the operator."""

_VARY = frozenset(
    {
        # The key of an entry has these, or a request that has them is passed on.
        *("accept", "accept-profile", "apikey", "authorization", "prefer", "range"),
        # The runtime unpacks what is packed, and the Worker has CORS headers of its own.
        *("accept-encoding", "origin"),
    }
)
"""Request headers that an answer may vary with, and still be everybody's."""

_NO_FUNCTION = frozenset(
    {
        (HTTPStatus.NOT_FOUND, "PGRST202"),  # the API knows no such function
        (HTTPStatus.NOT_FOUND, "42883"),  # it was dropped, which the API does not know yet
        (HTTPStatus.UNAUTHORIZED, "42501"),  # the key may not execute it,
        (HTTPStatus.FORBIDDEN, "42501"),  # or it does not read what it was asked for
    }
)

_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
_POSTGRESTS_CODE = re.compile(r"PGRST[0-9A-Z]{3}|[0-9A-Z]{5}")
"""PostgREST's own codes, and SQL's, which has five characters."""

_ABOUT_THE_KEY = re.compile(r"PGRST3[0-9A-Z]{2}")
_ERROR_MEMBERS = frozenset({"code", "message", "details", "hint"})
"""PostgREST's errors have all of them, also where SQL chose another code."""

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
"""Causes that a person can act on, by PostgREST's or Postgres's error code."""


def require_available(response: httpx.Response) -> None:
    """Raise TransientUpstreamError where another try may help: its own failures, and haste."""
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
    """Return an answer as Supabase sent it, for a client of its own."""
    headers = {n: value for n, value in response.headers.items() if n not in _NOT_RELAYED}
    return Reply(response.status_code, headers, response.content or None)


def is_postgrests(response: httpx.Response) -> bool:
    """Tell whether PostgREST itself gave this answer to this request, if only as an error.

    All its answers to reads and calls have a Content-Range, whatever status SQL gives them. Its
    errors are known by their JSON. Those about the key say nothing of the request.
    """
    code = error_code(response) or ""
    if response.status_code == HTTPStatus.UNAUTHORIZED and _ABOUT_THE_KEY.fullmatch(code):
        return False
    has_code = _POSTGRESTS_CODE.fullmatch(code) is not None
    return has_code or "content-range" in response.headers or _has_all_members(response)


def require_success(response: httpx.Response, table: Table | None = None) -> None:
    """Raise FinalAnswer for PostgREST's verdict, else InvalidAnswer or UpstreamRejected."""
    if response.is_success:
        return
    if is_postgrests(response):
        raise final_answer(response, table)
    if response.is_redirect:
        raise InvalidAnswer(
            "Supabase answered with a redirect, which is not followed with a key: "
            "SUPABASE_URL should be the project's final address.",
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
    """Return the error that hands an answer on; ``why`` says what keeps a success from KV."""
    return FinalAnswer(
        f"{_sentence(response)}{_where(table)}{why and f' It is not stored: {why}.'}",
        supabase_status=response.status_code,
        code=error_code(response),
        reply=reply_of(response),
    )


def require_storable(response: httpx.Response, table: Table | None = None) -> None:
    """Raise FinalAnswer for a success of PostgREST's that may not be stored."""
    if is_postgrests(response) and (why := why_not_stored(response)):
        raise final_answer(response, table, why)


def why_not_stored(response: httpx.Response) -> str:
    """Return what keeps an answer from KV, whatever was asked for; empty if nothing does."""
    if response.status_code not in REPLAYABLE:
        return "no answer of this status is"
    if _MAY_NOT_BE_STORED.search(response.headers.get("cache-control", "")):
        return "its Cache-Control forbids that"
    if more := _varies_with(response) - _VARY:
        return f"its Vary names {', '.join(sorted(more))[:_MAX_TOLD_CHARS]}"
    return ""


def _varies_with(response: httpx.Response) -> frozenset[str]:
    names = response.headers.get("vary", "").split(",")
    return frozenset(name.strip().lower() for name in names) - {""}


def is_no_function(response: httpx.Response) -> bool:
    """Tell whether the answer says that a function is not installed for the public key."""
    return (response.status_code, error_code(response)) in _NO_FUNCTION


def object_in(response: httpx.Response) -> dict[str, object]:
    """Return a successful answer's object, such as a row. Raises InvalidAnswer."""
    found = _json_of(response)
    if not isinstance(found, dict):
        raise InvalidAnswer(
            "Supabase sent JSON that is no object where one was asked for.",
            supabase_status=response.status_code,
        )
    return found


def rows_in(response: httpx.Response) -> list[dict[str, object]]:
    """Return a successful answer's rows. Raises InvalidAnswer."""
    rows = _json_of(response)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidAnswer(
            "Supabase sent JSON that is no array of rows.", supabase_status=response.status_code
        )
    return rows


def error_code(response: httpx.Response) -> str | None:
    """Return the code of an error, if this is one; never anything of a row."""
    code = error_text(response, "code")
    if code is None and not response.is_success:  # PostgREST tells it to HEAD in a header
        told = _PROXY_ERROR.search(response.headers.get("proxy-status", ""))
        return told[1] if told else None
    return code if code and _CODE.fullmatch(code) else None


def error_text(response: httpx.Response, member: str) -> str | None:
    """Return a text of an error's JSON, if this is an error and has it. It may quote a row."""
    text = _error_in(response).get(member)
    return text if is_text(text) else None


def _has_all_members(response: httpx.Response) -> bool:
    return _error_in(response).keys() >= _ERROR_MEMBERS


def _error_in(response: httpx.Response) -> dict[str, object]:
    """Return an error's JSON object; an empty one if this is no error, or has none."""
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
    """Return the media type of an answer, without parameters; empty if there is none."""
    return str(response.headers.get("content-type", "").partition(";")[0].strip().lower())


def is_json(response: httpx.Response) -> bool:
    """Tell whether an answer says that it is JSON."""
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
    """Return a successful answer's JSON value, or raise InvalidAnswer saying what it is instead."""
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
