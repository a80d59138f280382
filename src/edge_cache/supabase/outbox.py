"""The database's outbox: what its triggers announced, even if the notification never came.

`npm run sql` writes the function that we ask here. The secret is in the request's body, so that no
URL has it. The answer has the same as the notifications: which keys changed, and no row content.
"""

from __future__ import annotations

import json
from dataclasses import replace

import httpx

from edge_cache.config import Settings
from edge_cache.entries import digest_of
from edge_cache.errors import BadPayload, InvalidAnswer, UpstreamRejected
from edge_cache.ports import Announced
from edge_cache.resources import Change
from edge_cache.supabase.answers import error_code, is_no_function, object_in, require_success
from edge_cache.supabase.notification import change_of
from edge_cache.supabase.parsing import is_text
from edge_cache.supabase.requests import Requests
from edge_cache.tables import Table

_FUNCTION = "rpc/edge_cache_changes"

_WRONG_SECRET = "28P01"  # noqa: S105  an error code

_REFUSED = {
    _WRONG_SECRET: "refused the secret: REVALIDATE_SECRET should be Vault's edge_cache_secret.",
    "28000": "found no secret: put the value of REVALIDATE_SECRET into Vault as edge_cache_secret.",
}
"""By SQLSTATE: what it means if the function raises this."""


class Outbox:
    """Asks the function with the secret. While that is replaced, it also tries the previous one."""

    def __init__(self, requests: Requests, settings: Settings) -> None:
        self._requests = requests
        self._tables = settings.declared.tables
        self._secrets = settings.secrets
        told = [_declaration(table) for table in self._tables]
        self._declared = digest_of(json.dumps(told).encode(), 8)

    @property
    def is_open(self) -> bool:
        """Whether there is a secret."""
        return bool(self._secrets)

    async def announced(self, after: str | None) -> Announced | None:
        """Return what was announced since a cursor, or None if there is no function.

        If other tables are declared by now, the cursor is ignored, because nobody recorded the
        changes of a table before it was declared. Raises UpstreamError.
        """
        declared, _, cursor = (after or "").partition(" ")
        async with self._requests.within_time_limit():
            response = await self._answer(cursor if declared == self._declared else None)
        if is_no_function(response):
            return None
        if (code := error_code(response)) in _REFUSED:
            raise UpstreamRejected(
                f"Supabase's edge_cache_changes {_REFUSED[code]}",
                supabase_status=response.status_code,
                code=code,
            )
        require_success(response)
        announced = _announced_in(object_in(response), self._tables)
        return replace(announced, cursor=f"{self._declared} {announced.cursor}")

    async def _answer(self, after: str | None) -> httpx.Response:
        """Return the answer to the first secret that is not refused, else to the last one."""
        *others, last = self._secrets
        for secret in others:
            response = await self._ask(secret, after)
            if error_code(response) != _WRONG_SECRET:
                return response
        return await self._ask(last, after)

    async def _ask(self, secret: str, after: str | None) -> httpx.Response:
        asked = json.dumps({"secret": secret, "after": after}).encode()
        headers = {"content-type": "application/json", "accept": "application/json"}
        return await self._requests.send("POST", _FUNCTION, headers, asked)


def _declaration(table: Table) -> list[str]:
    names = [table.schema, table.name, table.key]
    return names if table.own_name is None else [*names, table.own_name]


def _announced_in(told: dict[str, object], tables: tuple[Table, ...]) -> Announced:
    cursor, complete = told.get("cursor"), told.get("complete")
    changes, watched = told.get("changes"), told.get("watched")
    if not (
        is_text(cursor)
        and isinstance(complete, bool)
        and isinstance(changes, list)
        and isinstance(watched, list)
    ):
        raise InvalidAnswer(_NOT_OURS)
    return Announced(
        cursor,
        complete,
        tuple(_change_of(change, tables) for change in changes),
        tuple(table for table in tables if [table.schema, table.relation] not in watched),
    )


def _change_of(told: object, tables: tuple[Table, ...]) -> Change:
    try:
        return change_of(told if isinstance(told, dict) else {}, tables)
    except BadPayload as error:
        raise InvalidAnswer(_NOT_OURS) from error


_NOT_OURS = "Supabase's edge_cache_changes is of another version: run the script of `npm run sql`."
