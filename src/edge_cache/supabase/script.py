"""The functions that the script of `npm run sql` installs: the outbox, and the catalogue.

The secret is in the request's body, so that no URL has it. The outbox says which keys changed. No
answer has row content.
"""

from __future__ import annotations

import json
from dataclasses import replace

import httpx

from edge_cache.changes import Change
from edge_cache.config import Settings
from edge_cache.dependencies import relation_id
from edge_cache.entries import digest_of
from edge_cache.errors import BadPayload, InvalidAnswer, UpstreamRejected
from edge_cache.ports import Announced, Found
from edge_cache.supabase.answers import error_code, is_no_function, object_in, require_success
from edge_cache.supabase.api import Requests
from edge_cache.supabase.changed_rows import change_of
from edge_cache.supabase.parsing import is_text
from edge_cache.tables import Table

_CHANGES = "edge_cache_changes"
_CATALOGUE = "edge_cache_catalogue"

_CATALOGUE_CHANGE = ("edge_cache", "catalogue")
"""The outbox names a change of the schema, a policy or a grant as one of this schema and table."""

_WRONG_SECRET = "28P01"  # noqa: S105  an error code

_REFUSED = {
    _WRONG_SECRET: "refused the secret: REVALIDATE_SECRET should be Vault's edge_cache_secret.",
    "28000": "found no secret: put the value of REVALIDATE_SECRET into Vault as edge_cache_secret.",
}
"""By SQLSTATE: what it means if the function raises this."""


class Script:
    """Asks the functions with the secret.

    While the secret is replaced, it also tries the previous one.
    """

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
        asked = {"after": cursor if declared == self._declared else None}
        answered = await self._answer(_CHANGES, asked)
        if answered is None:
            return None
        announced = _announced_in(object_in(answered), self._tables)
        return replace(announced, cursor=f"{self._declared} {announced.cursor}")

    async def catalogue(self, known: str) -> Found | None:
        """Return the catalogue, or None if there is no function. Raises UpstreamError.

        ``known`` is the fingerprint of the catalogue that the caller has, or empty.
        """
        answered = await self._answer(_CATALOGUE, {"known": known or None})
        if answered is None:
            return None
        fingerprint = object_in(answered).get("fingerprint")
        if not is_text(fingerprint):
            raise InvalidAnswer(_NOT_OURS)
        return Found(fingerprint, None if fingerprint == known else answered.text)

    async def _answer(self, function: str, asked: dict[str, str | None]) -> httpx.Response | None:
        """Return the function's answer, or None if there is no function."""
        async with self._requests.within_time_limit():
            response = await self._try_secrets(function, asked)
        if is_no_function(response):
            return None
        if (code := error_code(response)) in _REFUSED:
            raise UpstreamRejected(
                f"Supabase's {function} {_REFUSED[code]}",
                supabase_status=response.status_code,
                code=code,
            )
        require_success(response)
        return response

    async def _try_secrets(self, function: str, asked: dict[str, str | None]) -> httpx.Response:
        """Return the answer to the first secret that is not refused, else to the last one."""
        *others, last = self._secrets
        for secret in others:
            response = await self._ask(function, {"secret": secret, **asked})
            if error_code(response) != _WRONG_SECRET:
                return response
        return await self._ask(function, {"secret": last, **asked})

    async def _ask(self, function: str, asked: dict[str, str | None]) -> httpx.Response:
        headers = {"content-type": "application/json", "accept": "application/json"}
        content = json.dumps(asked).encode()
        return await self._requests.send("POST", f"rpc/{function}", headers, content)


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
    named = [change for change in changes if not _is_of_the_catalogue(change)]
    return Announced(
        cursor,
        complete,
        tuple(_change_of(change, tables) for change in named),
        concerns_catalogue=len(named) < len(changes),
        watched=frozenset(map(_watched, watched)),
    )


def _is_of_the_catalogue(change: object) -> bool:
    """Return whether the schema, a policy or a grant changed."""
    names = (change.get("schema"), change.get("table")) if isinstance(change, dict) else None
    return names == _CATALOGUE_CHANGE


def _watched(names: object) -> str:
    match names:
        case [str(schema), str(table)]:
            return relation_id(schema, table)
    raise InvalidAnswer(_NOT_OURS)


def _change_of(told: object, tables: tuple[Table, ...]) -> Change:
    try:
        return change_of(told if isinstance(told, dict) else {}, tables)
    except BadPayload as error:
        raise InvalidAnswer(_NOT_OURS) from error


_NOT_OURS = "The database's script is of another version: run the script of `npm run sql`."
