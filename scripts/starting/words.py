"""What `npm start` prints once the Worker answers: what it serves, and commands to try."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from diagnosis.tables import Reading
from edge_cache.tables import PUBLIC, Declared
from local.ports import LOCALHOST
from shared.terminal import BOLD, painted

LOGGED = {"LOG_HITS": "all", "LOG_QUERIES": "on"}
"""Whoever tries the Worker wants to see each hit, and what was asked for."""


OWN_SECRET = "$REVALIDATE_SECRET"  # noqa: S105  where a shell finds it
"""It stands for a secret that nobody else should see."""


@dataclass(frozen=True)
class Served:
    """Where the Worker and Supabase answer, and with which keys.

    ``secret_key`` is None if it is not known. ``secret`` is that of `/revalidate`, if there is one.
    It is `OWN_SECRET` if it is the user's.
    """

    worker: str
    supabase: str
    key: str
    secret_key: str | None
    secret: str | None


def ready(served: Served, declared: Declared, readings: list[Reading]) -> str:
    """Return the text, with URLs that are easy to type."""
    parts = (
        f"\n{_address('The Worker answers on', served.worker)}",
        _address("Supabase answers on", served.supabase),
        f"Served from the cache: {', '.join(_kinds(declared))}.",
        "\nOpen the Worker's address in a browser to watch it. Try these in another terminal:\n",
        *(f"  {command}\n" for command in _commands(served, declared, readings)),
        "Below is the Worker's log. Ctrl-C stops everything.\n",
    )
    return "\n".join(parts).replace(LOCALHOST, "localhost")


def _address(what: str, url: str) -> str:
    return f"{what.ljust(22)} {painted(url.replace(LOCALHOST, 'localhost'), BOLD)}"


def _kinds(declared: Declared) -> Iterator[str]:
    """Name everything that is declared, with its kind."""
    for table in declared.tables:
        yield f"{table.name} (table)"
    for path, schema in sorted(declared.others):
        name = path.removeprefix("rpc/")
        yield f"{_in_schema(name, schema)} ({'view' if name == path else 'function'})"
    for name, schema in declared.watched:
        yield f"{_in_schema(name, schema)} (watched table)"


def _in_schema(name: str, schema: str) -> str:
    return name if schema == PUBLIC else f"{schema}.{name}"


def _commands(served: Served, declared: Declared, readings: list[Reading]) -> Iterator[str]:
    for table in declared.tables[:1]:
        yield f"curl -i {served.worker}/{table.name}"
    for target in declared.queried[:1]:
        if not target.path.startswith("rpc/"):
            url = shlex.quote(f"{served.worker}/rest/v1/{target.path}?limit=5")
            profile = _profile("accept", target.schema)
            yield f"curl -i {url} {_header('apikey', served.key)}{profile}"
    if served.secret_key:
        edits = (edit for reading in readings if (edit := _edit(served, reading)))
        yield from list(edits)[:1]
    yield f"curl -i {served.worker}/revalidate{_bearer(served.secret)}"


def _edit(served: Served, reading: Reading) -> str | None:
    """Return a command that changes a row past the Worker, or None if there is no row with text."""
    table = reading.table
    for row in json.loads(reading.first.body):
        for column, value in row.items():
            if column != table.key and isinstance(value, str) and " " in value:
                row_id = quote(f"eq.{row[table.key]}", safe="")
                path = f"{quote(table.relation)}?{quote(table.key)}={row_id}"
                body = json.dumps({column: f"{value}, edited"}, ensure_ascii=False)
                return (
                    f"curl -X PATCH {shlex.quote(f'{served.supabase}/rest/v1/{path}')}"
                    f" {_header('apikey', served.secret_key)}{_profile('content', table.schema)}"
                    f" \\\n    {_header('content-type', 'application/json')} -d {shlex.quote(body)}"
                )
    return None


def _bearer(secret: str | None) -> str:
    if secret == OWN_SECRET:
        return f' -H "authorization: Bearer {OWN_SECRET}"'
    return f" {_header('authorization', f'Bearer {secret}')}" if secret else ""


def _header(name: str, value: str | None) -> str:
    return f"-H {shlex.quote(f'{name}: {value}')}"


def _profile(kind: str, schema: str) -> str:
    return "" if schema == PUBLIC else f" {_header(f'{kind}-profile', schema)}"
