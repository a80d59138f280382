"""Asks the deployed Worker over HTTP, as anybody can. Only `/revalidate` gets the secret."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from diagnosis.naming import FUNCTION
from diagnosis.project import AT_ONCE
from edge_cache.supabase.requests import key_headers, profile
from edge_cache.tables import Table

DEADLINE_S = 30.0
"""For one question. If the Worker has to ask Supabase, it takes 10 s at most by default."""

SEE_LOG = "See `npx wrangler tail`."


class Unanswered(Exception):
    """The Worker did not answer; the message says why in one sentence."""


class Worker:
    """Asks the Worker. Every method raises Unanswered, and none takes longer than a deadline."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.url = url

    async def health(self) -> httpx.Response:
        """Return the answer of ``/health``, asked for as JSON."""
        return await self._ask("GET", "/health", {"accept": "application/json"})

    async def get(self, path: str) -> httpx.Response:
        """Return the answer at a path, for a whole table or a row."""
        return await self._ask("GET", path)

    async def query(self, target: str, schema: str, key: str) -> httpx.Response:
        """Return what Supabase's clients would get for the first row of a target."""
        parameters = "" if target.startswith(FUNCTION) else "?select=*&limit=1"
        headers = {**key_headers(key), **profile(Table("", schema=schema))}
        return await self._ask("GET", f"/rest/v1/{quote(target)}{parameters}", headers)

    async def notify(self, payload: Mapping[str, object], secret: str) -> httpx.Response:
        """Return the answer to a webhook."""
        headers = {"authorization": f"Bearer {secret}"}
        return await self._ask("POST", "/revalidate", headers, json=payload)

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        try:
            async with self._gate, asyncio.timeout(DEADLINE_S):
                return await self._http.request(method, self.url + path, headers=headers, **body)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unanswered(f"{self.url} gave no answer in time.") from error
        except httpx.TransportError as error:
            why = str(error).rstrip(".") or "the connection broke"
            raise Unanswered(f"{self.url} cannot be reached: {why}.") from error


def problem(response: httpx.Response) -> str:
    """Return what the Worker's problem (RFC 9457) says, or else its status."""
    document = object_in(response)
    detail = document.get("detail") if "title" in document else None
    return f"it answers {response.status_code}" + (f": {detail}" if detail else ".")


def object_in(response: httpx.Response) -> dict[str, Any]:
    """Return an answer's JSON object, or an empty one if it has none."""
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
