"""Asks Supabase a query in a client's place, and tells whether the answer may be replayed. Pure."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

import httpx

from edge_cache.entries import REPLAYABLE, REPLAYED, Representation
from edge_cache.errors import InvalidAnswer, QueryRefused, QueryRejected
from edge_cache.queries import Query
from edge_cache.supabase.answers import error_code, reply_of
from edge_cache.supabase.canonical import ACCEPTED
from edge_cache.supabase.parsing import loads
from edge_cache.supabase.requests import Requests

MAX_HEADERS_BYTES = 700
"""What KV's metadata has room for, beside all else that is in it."""

_MAY_NOT_BE_STORED = re.compile(r"(?:^|[\s,])(?:no-store|private)(?:$|[\s,=])", re.IGNORECASE)
_INSUFFICIENT_PRIVILEGE = "42501"
_SINGULARITY = "PGRST116"
_UNAUTHORIZED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


class Queries:
    """Sends exactly what a query names, with the public key and nothing of any reader's."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, query: Query) -> Representation:
        """Return the answer. Raises UpstreamError, with what Supabase said where it did."""
        question = f"?{query.parameters}" if query.parameters else ""
        method = "HEAD" if query.head else "GET"
        target = query.target + question
        response = await self._requests.send(method, target, _headers(query), is_relayed=True)
        if response.status_code not in REPLAYABLE or not _is_answer(response):
            raise _refusal(query, response)
        _require_valid(query, response)
        headers = _replayed(response)
        may_be_stored = len(json.dumps(headers)) <= MAX_HEADERS_BYTES
        if _MAY_NOT_BE_STORED.search(response.headers.get("cache-control", "")):
            may_be_stored, headers["cache-control"] = False, "no-store"
        return Representation(response.content, response.status_code, headers, may_be_stored)


def _headers(query: Query) -> dict[str, str]:
    headers = {"accept": ACCEPTED[query.accept]}
    if query.profile:
        headers["accept-profile"] = query.profile
    if query.count:
        headers["prefer"] = f"count={query.count}"
    return headers


def _is_answer(response: httpx.Response) -> bool:
    """Tell whether it answers the query: rows, or that there is not one row where one is wanted."""
    return response.is_success or error_code(response) == _SINGULARITY


def _refusal(query: Query, response: httpx.Response) -> QueryRejected | InvalidAnswer:
    code, status = error_code(response), response.status_code
    said = f"Supabase answered {status}" + (f" with code {code}." if code else ".")
    if status < HTTPStatus.BAD_REQUEST:
        return InvalidAnswer(said, supabase_status=status)
    # The answer to HEAD may have no code; a count is not worth the risk that it is private by now.
    is_silent = query.head and code is None
    is_refused = code == _INSUFFICIENT_PRIVILEGE or (is_silent and status in _UNAUTHORIZED)
    kind = QueryRefused if is_refused else QueryRejected
    return kind(said, supabase_status=status, code=code, reply=reply_of(response))


def _require_valid(query: Query, response: httpx.Response) -> None:
    """Raise InvalidAnswer for what no PostgREST server sends: a proxy's page, half an answer."""
    status = response.status_code
    if response.is_success and "content-range" not in response.headers:
        raise InvalidAnswer(
            "Supabase's answer has no Content-Range; is SUPABASE_URL a Supabase project's address?",
            supabase_status=status,
        )
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if query.accept not in {"any", "csv"} and not is_json:
        raise InvalidAnswer("Supabase sent something else than JSON.", supabase_status=status)
    if query.accept == "csv" and response.is_success and media_type != ACCEPTED["csv"]:
        raise InvalidAnswer("Supabase sent something else than CSV.", supabase_status=status)
    if is_json and not query.head:
        try:
            loads(response.content)
        except ValueError as error:
            raise InvalidAnswer(
                "Supabase sent JSON that is broken or cut off.", supabase_status=status
            ) from error


def _replayed(response: httpx.Response) -> dict[str, str]:
    """Return the headers that are stored; Content-Location only where there is room for it."""
    headers = {
        name: response.headers[name]
        for name in REPLAYED
        if name in response.headers and _PRINTABLE.fullmatch(response.headers[name])
    }
    if len(json.dumps(headers)) > MAX_HEADERS_BYTES:
        headers.pop("content-location", None)
    return headers
