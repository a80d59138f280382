"""Asks Supabase a query, and decides whether the answer may be stored.

If it may not, it is handed on as a `FinalAnswer`.
"""

from __future__ import annotations

import json
from http import HTTPStatus

import httpx

from edge_cache.entries import REPLAYABLE, REPLAYED, Representation, is_storable_header
from edge_cache.errors import InvalidAnswer
from edge_cache.queries import ACCEPTED, Query
from edge_cache.supabase.answers import (
    TOO_DEEP,
    error_code,
    final_answer,
    is_json,
    media_type_of,
    require_success,
    why_not_stored,
)
from edge_cache.supabase.api import Requests
from edge_cache.supabase.parsing import TooDeep, loads

MAX_HEADERS_BYTES = 400
"""KV's metadata has room for this many bytes of headers, besides its other members."""

_SINGULARITY = "PGRST116"


class Queries:
    """Sends exactly what a query names and the public key, and nothing of a reader."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, query: Query) -> Representation:
        """Return the answer if it may be stored. Else raise UpstreamError, which has the answer."""
        question = f"?{query.parameters}" if query.parameters else ""
        method = "HEAD" if query.head else "POST" if query.arguments else "GET"
        response = await self._requests.send(
            method,
            query.target + question,
            _headers(query),
            query.arguments.encode(),
            is_relayed=True,
        )
        _require_answer(query, response)
        headers = _replayed(response)
        if why := _why_not_stored(query, response, has_room=headers is not None):
            raise final_answer(response, why=why)
        return Representation(response.content, response.status_code, headers or {})


def _headers(query: Query) -> dict[str, str]:
    headers = {"accept": ACCEPTED[query.accept]}
    if query.arguments:
        headers["content-type"] = "application/json"
    if query.profile:
        headers["content-profile" if query.arguments else "accept-profile"] = query.profile
    if query.count:
        headers["prefer"] = f"count={query.count}"
    return headers


def _require_answer(query: Query, response: httpx.Response) -> None:
    """Raise UpstreamError unless this is PostgREST's complete answer to the query."""
    if not response.is_success and not _says_not_one_row(response):
        if query.head and error_code(response) is None and _may_be_a_verdict(response):
            # An answer to HEAD has no body that shows the cause. The count may be private by now.
            raise final_answer(response)
        require_success(response)
    status = response.status_code
    if response.is_success and "content-range" not in response.headers:
        raise InvalidAnswer(
            "Supabase's answer has no Content-Range; is SUPABASE_URL a Supabase project's address?",
            supabase_status=status,
        )
    if status in REPLAYABLE and is_json(response) and not query.head:
        try:
            loads(response.content)
        except TooDeep as error:
            raise final_answer(response, why=TOO_DEEP) from error
        except ValueError as error:
            raise InvalidAnswer(
                "Supabase sent JSON that is broken or cut off.", supabase_status=status
            ) from error


def _may_be_a_verdict(response: httpx.Response) -> bool:
    is_ambiguous = response.status_code == HTTPStatus.MULTIPLE_CHOICES
    return is_ambiguous or response.is_client_error


def _says_not_one_row(response: httpx.Response) -> bool:
    """Return whether the client wants one row, but there is none, or there are several."""
    is_not_acceptable = response.status_code == HTTPStatus.NOT_ACCEPTABLE
    return is_not_acceptable and error_code(response) == _SINGULARITY and is_json(response)


def _why_not_stored(query: Query, response: httpx.Response, *, has_room: bool) -> str:
    """Return why an answer may not be stored. If that is empty, everybody may get the answer."""
    if not _is_of_the_type(query, response):
        return "its media type is not the one that the client asked for"
    if not has_room:
        return "its headers are too long, or not ASCII"
    return why_not_stored(response)


def _is_of_the_type(query: Query, response: httpx.Response) -> bool:
    """Return whether the answer has the media type that was asked for. SQL can set another one."""
    if query.accept == "any" or not response.is_success:
        return True
    return media_type_of(response) == "text/csv" if query.accept == "csv" else is_json(response)


def _replayed(response: httpx.Response) -> dict[str, str] | None:
    """Return the headers that are stored, without Content-Location if that takes too much room.

    Return None if the others do, too.
    """
    sent = dict(response.headers.items())
    headers = {name: sent[name] for name in REPLAYED if name in sent}
    if _have_room(headers):
        return headers
    headers.pop("content-location", None)
    return headers if _have_room(headers) else None


def _have_room(headers: dict[str, str]) -> bool:
    """Return whether KV's metadata can have these headers."""
    is_short = len(json.dumps(headers)) <= MAX_HEADERS_BYTES
    return is_short and all(map(is_storable_header, headers.values()))
