"""`/health`: whether readers can be served, and how the refreshes go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from edge_cache.bodies import release
from edge_cache.entries import Entry, Metadata, parse_metadata
from edge_cache.errors import ConfigurationError, EdgeCacheError
from edge_cache.messages import Answer, json_answer
from edge_cache.ports import NowMs, ReadableStore, Refreshing
from edge_cache.resources import Resource
from edge_cache.tables import Declared, Table
from edge_cache.times import rfc3339

FAILED_MS = 5 * 60 * 1000
"""If a table has no entry, `/health` says for so long after a failed read that it is not served."""


_NEVER_ASKED: Mapping[str, Any] = {
    "refreshed_at_ms": 0,
    "pending": 0,
    "failures": 0,
    "last_error": None,
    "last_error_detail": None,
    "failed_at_ms": 0,
    "queries": 0,
}

_MS = "_ms"
"""The names of times in milliseconds end with this."""


class Health:
    """Looks at Workers KV and at the objects."""

    def __init__(  # noqa: PLR0913  its collaborators, and one switch
        self,
        declared: Declared,
        project: str,
        store: ReadableStore,
        refresher: Refreshing,
        now_ms: NowMs,
        *,
        counts: bool,
    ) -> None:
        self._declared = declared
        self._project_name = project
        self._store = store
        self._refresher = refresher
        self._now_ms = now_ms
        self._counts = counts

    async def report(self, revalidation: str) -> Answer:
        """Answer 200 if every table can be served, else 503, both with the details.

        ``revalidation`` is what `/revalidate` needs.
        """
        declared = self._declared.tables
        (project, traffic), reports = await asyncio.gather(
            asyncio.gather(self._project(), self._traffic()),
            asyncio.gather(*map(self._table, declared)),
        )
        tables = {table.name: told for table, told in zip(declared, reports, strict=True)}
        serving = all(table["serving"] for table in tables.values())
        members: dict[str, object] = {
            "configuration": "ok",
            "tables": tables,
            "project": project,
            "traffic": traffic,
            "revalidation": revalidation,
            "now": rfc3339(self._now_ms()),
        }
        return _answer(members, serving=serving)

    async def _project(self) -> dict[str, object]:
        """Return the members of the ledger, and of all that can be read as a query only."""
        queried = self._declared.queried
        declared = {
            "serves": list(dict.fromkeys(one.path for one in queried)),
            "watched": [one.path for one in queried if one.is_table],
        }
        try:
            ledger, *statuses = await asyncio.gather(
                self._refresher.status(None), *map(self._refresher.status, queried)
            )
        except EdgeCacheError as error:
            return {**declared, "error": error.document()}
        both = zip(queried, statuses, strict=True)
        shared = [target.path for target, status in both if status["shared"]]
        return {**declared, **shown(_together([ledger, *statuses])), "shared": shared}

    async def _traffic(self) -> dict[str, object] | None:
        """Return what was counted. None if nothing is counted, or the ledger does not answer."""
        if not self._counts:
            return None
        try:
            return shown(await self._refresher.traffic())
        except EdgeCacheError:
            return None

    async def _table(self, table: Table) -> dict[str, object]:
        """Return a table's members.

        It can be served if it has an entry, or if no read failed just now. An older failure does
        not count: nobody has asked since, so nobody knows whether Supabase still fails.
        """
        try:
            value = await self._store.open(Resource(table).key)
            if value:
                release(value.stream)
            status = await self._refresher.status(table)
        except EdgeCacheError as error:
            return {"serving": False, "cached": None, "error": error.document()}
        metadata = parse_metadata(value.metadata) if value and value.metadata else None
        is_ours = metadata is None or metadata.is_of(self._project_name)
        cached = value is not None and is_ours
        serving = cached or not self._has_just_failed(status)
        entry = self._entry(metadata if is_ours else None)
        return {"serving": serving, "cached": cached, **entry, **shown(status)}

    def _has_just_failed(self, status: Mapping[str, Any]) -> bool:
        if status.get("refused"):
            return True
        if status["failures"] == 0:
            return False
        return self._now_ms() - int(status["failed_at_ms"]) < FAILED_MS

    def _entry(self, metadata: Metadata | None) -> dict[str, object]:
        """Return an entry's members. They are None if another Worker wrote it."""
        if metadata is None:
            return dict.fromkeys(("rows", "bytes", "read_at", "age", "version"))
        return {
            "rows": metadata.rows,
            "bytes": metadata.size,
            "read_at": rfc3339(metadata.read_at_ms),
            "age": Entry(metadata, None).age_s(self._now_ms()),
            "version": metadata.version,
        }


def _together(statuses: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """Return the members of the ledger, the first, and of targets as if they were one.

    The last failure of a target counts only while the target still fails.
    """
    ledger, *targets = statuses
    failing = [one for one in targets if one["failures"]] or targets
    last = max(failing, key=lambda one: int(one["failed_at_ms"]), default=_NEVER_ASKED)
    return {
        **last,
        "refreshed_at_ms": max((one["refreshed_at_ms"] for one in targets), default=0),
        "pending": sum(one["pending"] for one in statuses),
        "queries": sum(one["queries"] for one in targets),
        "outbox": ledger["outbox"],
    }


def shown(status: Mapping[str, Any]) -> dict[str, object]:
    """Return an object's status with its times in RFC 3339's form."""
    told: dict[str, object] = {}
    for name, value in status.items():
        if isinstance(value, dict):
            told[name] = shown(value)
        elif name.endswith(_MS):
            told[name.removesuffix(_MS)] = rfc3339(value)
        else:
            told[name] = value
    return told


def misconfigured(error: ConfigurationError) -> Answer:
    """Answer 503 with the faults of the configuration."""
    members: dict[str, object] = {"configuration": list(error.faults), "tables": {}, "project": {}}
    return _answer(members, serving=False)


def _answer(members: dict[str, object], *, serving: bool) -> Answer:
    status = "ok" if serving else "failing"
    return json_answer({"status": status, **members}, status=200 if serving else 503)
