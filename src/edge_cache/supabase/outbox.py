"""The database's outbox: what its triggers announced, whether or not the notification arrived.

`npm run sql` writes the function that is asked here. It takes the secret in the body, so that no
URL has it. It tells what the notifications tell: which keys changed, never what a row holds.
"""

from __future__ import annotations

import json

import httpx

from edge_cache.config import Settings
from edge_cache.errors import BadPayload, InvalidAnswer, UpstreamRejected
from edge_cache.ports import Announced
from edge_cache.resources import Change
from edge_cache.supabase.answers import error_code, is_no_function, object_in, require_success
from edge_cache.supabase.notification import change_of
from edge_cache.supabase.parsing import is_text
from edge_cache.supabase.requests import Requests
from edge_cache.tables import Table

_FUNCTION = "rpc/edge_cache_changes"

_REFUSED = {
    "28P01": "refused the secret: REVALIDATE_SECRET should be edge_cache_secret's value in Vault.",
    "28000": "found no secret: put the value of REVALIDATE_SECRET into Vault as edge_cache_secret.",
}
"""What the function raises, by SQLSTATE."""


class Outbox:
    """Asks the function, with the secret and, while that is being replaced, the previous one."""

    def __init__(self, requests: Requests, settings: Settings) -> None:
        self._requests = requests
        self._tables = settings.declared.tables
        self._secrets = settings.secrets

    async def announced(self, after: str | None) -> Announced | None:
        """Return what was announced since a cursor's moment.

        None where the function is not installed, or no secret is set. Raises UpstreamError.
        """
        response: httpx.Response | None = None
        for secret in self._secrets:
            response = await self._ask(secret, after)
            if error_code(response) != "28P01":
                break
        if response is None or is_no_function(response):
            return None
        if (code := error_code(response)) in _REFUSED:
            raise UpstreamRejected(
                f"Supabase's edge_cache_changes {_REFUSED[code]}",
                supabase_status=response.status_code,
                code=code,
            )
        require_success(response)
        return _announced_in(object_in(response), self._tables)

    async def _ask(self, secret: str, after: str | None) -> httpx.Response:
        asked = json.dumps({"secret": secret, "after": after}).encode()
        headers = {"content-type": "application/json", "accept": "application/json"}
        return await self._requests.send("POST", _FUNCTION, headers, asked)


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
        tuple(table for table in tables if [table.schema, table.name] not in watched),
    )


def _change_of(told: object, tables: tuple[Table, ...]) -> Change:
    try:
        return change_of(told if isinstance(told, dict) else {}, tables)
    except BadPayload as error:
        raise InvalidAnswer(_NOT_OURS) from error


_NOT_OURS = "Supabase's edge_cache_changes is of another version: run the script of `npm run sql`."
