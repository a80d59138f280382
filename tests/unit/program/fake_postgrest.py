"""Supabase's REST API over tables in memory, as far as the Worker asks for it, and out of order.

It answers as PostgREST does: counts, ranges, single objects, errors with their codes. A test may
have it fail, be slow or wait. It remembers every request.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx
from clock import Clock

Row = dict[str, Any]

ROOT = "/rest/v1/"
CATALOGUE = "/rest/v1/rpc/edge_cache_catalogue"
_OBJECT = "application/vnd.pgrst.object+json"
_OF_POSTGREST = {"select", "order", "limit", "offset"}


@dataclass(frozen=True)
class Asked:
    """A request: when it came, and its name, such as ``/articles/7``; ``passed`` on or not."""

    at_s: float
    name: str
    request: httpx.Request
    passed: bool


Outcome = Callable[[httpx.Request], Awaitable[httpx.Response]]


@dataclass
class _Rule:
    """What happens to requests of a name (all), and for how often yet (always)."""

    name: str | None
    outcome: Outcome
    left: int | None


class Refused(Exception):
    """An error of PostgREST's."""

    def __init__(self, status: int, code: str, details: str | None = None) -> None:
        super().__init__(code)
        self.response = error(status, code, details)


@dataclass
class Outbox:
    """What the script of ``npm run sql`` installs: the changes, and whose they are."""

    secret: str
    watched: list[tuple[str, str]]
    changes: list[Row] = field(default_factory=list)
    life: str = "first"
    """Another one if it was made anew: it knows nothing of what it told before."""

    catalogue: Row | None = None
    """What the database knows of its relations; an older script does not have it."""

    def note(self, table: str | None, keys: list[object] | None, schema: str = "public") -> None:
        """Note a change as a trigger does: of the catalogue without a table."""
        schema, table = (schema, table) if table else ("edge_cache", "catalogue")
        self.changes.append({"id": 0, "schema": schema, "table": table, "keys": keys})

    def describe(self, asked: Row) -> httpx.Response:
        """Answer as ``edge_cache_catalogue`` does."""
        if asked["secret"] != self.secret:
            return error(403, "28P01")
        told = json.dumps(self.catalogue)
        fingerprint = hashlib.sha256(told.encode()).hexdigest()
        known = {} if asked["known"] == fingerprint else self.catalogue
        return httpx.Response(200, json={"fingerprint": fingerprint, **(known or {})})

    def answer(self, asked: Row) -> httpx.Response:
        """Answer as ``edge_cache_changes`` does."""
        if asked["secret"] != self.secret:
            return error(403, "28P01")
        life, _, seen = str(asked["after"]).partition(" ")
        is_known = life == self.life
        changes = self.changes[int(seen) :] if is_known else []
        told = {"cursor": f"{self.life} {len(self.changes)}", "complete": is_known}
        return httpx.Response(200, json={**told, "changes": changes, "watched": self.watched})


class Postgrest(httpx.AsyncBaseTransport):
    """The far side of every request; tests write its tables and its script."""

    def __init__(self, clock: Clock) -> None:
        self.tables: dict[str, list[Row]] = {}
        self.functions: dict[str, Callable[[Row], object]] = {}
        self.requests: list[Asked] = []
        self.max_rows = 1000
        self.delay_s = 0.0
        self.headers: dict[str, str] = {}
        """More headers of every success, as SQL sets them."""
        self.outbox: Outbox | None = None
        self.has_snapshots = False
        self.described = 0
        """How often the catalogue was asked for."""
        self.at_once = self.most_at_once = 0
        self._clock = clock
        self._rules: list[_Rule] = []

    # What a test does to the rows.

    def write(self, table: str, **row: Any) -> None:
        """Insert a row, or replace the one with its first column's value."""
        self.remove(table, row[next(iter(row))])
        self.tables[table].append(row)
        self.tables[table].sort(key=lambda one: str(next(iter(one.values()))))

    def remove(self, table: str, key: object) -> None:
        """Delete the row whose first column has a value."""
        rows = self.tables.setdefault(table, [])
        rows[:] = [row for row in rows if next(iter(row.values())) != key]

    # What a test scripts. A name is that of `Asked`; without one, all requests are meant.

    def answer(
        self,
        status: int,
        value: object = None,
        *,
        of: str | None = None,
        times: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer with a JSON value, or with bytes as they are."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        told = {"content-type": "application/json; charset=utf-8", **(headers or {})}

        async def outcome(_request: httpx.Request) -> httpx.Response:
            return httpx.Response(status, content=body, headers=told)

        self._rules.append(_Rule(of, outcome, times))

    def refuse(self, status: int, code: str, *, of: str | None = None) -> None:
        """Answer with an error of PostgREST's."""

        async def outcome(_request: httpx.Request) -> httpx.Response:
            return error(status, code)

        self._rules.append(_Rule(of, outcome, None))

    def fail(
        self, failure: Exception | None = None, *, of: str | None = None, times: int | None = None
    ) -> None:
        """Break the connection; without a failure, refuse it."""

        async def outcome(_request: httpx.Request) -> httpx.Response:
            raise failure or httpx.ConnectError("refused")

        self._rules.append(_Rule(of, outcome, times))

    def hold(self, of: str | None = None) -> asyncio.Event:
        """Answer with what the tables are when the request comes, but not before an event."""
        event = asyncio.Event()

        async def outcome(request: httpx.Request) -> httpx.Response:
            answer = self._answer(request)
            await event.wait()
            return answer

        self._rules.append(_Rule(of, outcome, None))
        return event

    def mend(self) -> None:
        """Forget the script: what comes from now on is answered from the tables."""
        self._rules.clear()
        self.delay_s = 0.0

    # What a test looks at.

    @property
    def asked(self) -> list[str]:
        """The names of the cache's own requests, in their order."""
        return [asked.name for asked in self.requests if not asked.passed]

    @property
    def passed_on(self) -> list[str]:
        """The methods and targets of what was passed on, in their order."""
        passed = [asked.request for asked in self.requests if asked.passed]
        return [f"{request.method} {request.url.raw_path.decode()}" for request in passed]

    def count(self, name: str) -> int:
        """Return how often the cache asked for something."""
        return self.asked.count(name)

    def asked_at(self, name: str) -> list[float]:
        """Return when the cache asked for something."""
        return [one.at_s for one in self.requests if one.name == name and not one.passed]

    # How it answers.

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the cache's own, within its time limit."""
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                return await self.handle(request, passed=False)
        except TimeoutError as error:
            raise httpx.ReadTimeout("No complete answer in time.") from error

    async def handle(self, request: httpx.Request, *, passed: bool) -> httpx.Response:
        """Note a request, and let happen to it what the script says.

        The catalogue is asked for only once before the first read, so most tests leave that out.
        """
        name = name_of(request)
        if name == CATALOGUE and not any(rule.name == name for rule in self._rules):
            self.described += 1
            return self._answer(request)
        self.requests.append(Asked(self._clock.passed_s, name, request, passed))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            outcome = self._outcome(name)
            answer = self._answer(request) if outcome is None else None
            await asyncio.sleep(self.delay_s)
            return answer or await outcome(request)  # type: ignore[misc]
        finally:
            self.at_once -= 1

    def _outcome(self, name: str) -> Outcome | None:
        for rule in self._rules:
            if rule.name in {None, name} and rule.left != 0:
                rule.left = None if rule.left is None else rule.left - 1
                return rule.outcome
        return None

    def _answer(self, request: httpx.Request) -> httpx.Response:
        target = request.url.path.removeprefix(ROOT)
        try:
            if target.startswith("rpc/"):
                return self._call(target.removeprefix("rpc/"), request)
            rows = self._rows(target)
            if request.method in {"GET", "HEAD"}:
                return self._select(rows, request)
            return self._change(target, request)
        except Refused as refused:
            return refused.response

    def _rows(self, table: str) -> list[Row]:
        if table not in self.tables:
            raise Refused(404, "PGRST205")
        return self.tables[table]

    def _call(self, name: str, request: httpx.Request) -> httpx.Response:
        arguments = dict(parse_qsl(request.url.query.decode()))
        if name == "edge_cache_changes" and self.outbox:
            return self.outbox.answer(json.loads(request.content))
        if name == "edge_cache_catalogue" and self.outbox and self.outbox.catalogue:
            return self.outbox.describe(json.loads(request.content))
        if name == "edge_cache_snapshot" and self.has_snapshots:
            value: object = self.tables[arguments["table_name"]]
        elif name in self.functions:
            called = json.loads(request.content) if request.method == "POST" else arguments
            value = self.functions[name](called)
        else:
            raise Refused(404, "PGRST202")
        return httpx.Response(200, json=value, headers={"content-range": "0-0/*", **self.headers})

    def _select(self, rows: list[Row], request: httpx.Request) -> httpx.Response:
        pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        named = dict(pairs)
        found = _filtered(rows, [pair for pair in pairs if pair[0] not in _OF_POSTGREST])
        shown = [_columns(row, named.get("select", "*")) for row in found]
        if request.headers.get("accept") == _OBJECT:
            if len(shown) != 1:
                raise Refused(406, "PGRST116", f"The result contains {len(shown)} rows")
            kind = f"{_OBJECT}; charset=utf-8"
            headers = {"content-type": kind, "content-range": "0-0/*", **self.headers}
            return httpx.Response(200, content=json.dumps(shown[0]), headers=headers)
        offset = int(named.get("offset", 0))
        limit = min(self.max_rows, int(named.get("limit", self.max_rows)))
        is_counted = "count=exact" in request.headers.get("prefer", "")
        return self._page(shown, offset, limit, is_counted=is_counted)

    def _page(
        self, rows: list[Row], offset: int, limit: int, *, is_counted: bool
    ) -> httpx.Response:
        page = rows[offset : offset + limit]
        if is_counted and offset > len(rows):
            raise Refused(416, "PGRST103")
        shown = f"{offset}-{offset + len(page) - 1}" if page else "*"
        total = str(len(rows)) if is_counted else "*"
        status = 206 if is_counted and 0 < len(page) < len(rows) else 200
        headers = {
            "content-type": "application/json; charset=utf-8",
            "content-range": f"{shown}/{total}",
            **self.headers,
        }
        return httpx.Response(status, content=json.dumps(page), headers=headers)

    def _change(self, table: str, request: httpx.Request) -> httpx.Response:
        found = _filtered(self._rows(table), parse_qsl(request.url.query.decode()))
        if request.method == "POST":
            self.write(table, **json.loads(request.content))
            return httpx.Response(201, headers={"content-range": "*/*"})
        for row in found:
            if request.method == "DELETE":
                self.remove(table, next(iter(row.values())))
            else:
                row.update(json.loads(request.content))
        return httpx.Response(204, headers={"content-range": "*/*"})


def name_of(request: httpx.Request) -> str:
    """Return the path at which the Worker serves what is asked for, or else its own path."""
    path = unquote(request.url.path)
    table, question = path.removeprefix(ROOT), request.url.query.decode()
    parts = [unquote(part) for part in question.split("&")]
    if parts[0] == "select=*" and request.headers.get("accept") == _OBJECT:
        return f"/{table}/{parts[1].partition('=eq.')[2]}"
    if parts[0] == "select=*" and len(parts) > 1 and parts[1].startswith("order="):
        offset = [part.removeprefix("offset=") for part in parts[2:]]
        return f"/{table}" + "".join(f" from {first}" for first in offset)
    return f"{path}?{'&'.join(parts)}" if question else path


def error(status: int, code: str, details: str | None = None) -> httpx.Response:
    """Return an error as PostgREST writes it; its message may quote a row."""
    members = {"code": code, "message": "private", "details": details, "hint": None}
    return httpx.Response(status, json=members)


def _filtered(rows: list[Row], filters: list[tuple[str, str]]) -> list[Row]:
    for name, condition in filters:
        operator, _, value = condition.partition(".")
        if operator != "eq":
            raise Refused(400, "PGRST100")
        rows = [row for row in rows if _is(row.get(name.strip('"')), value)]
    return rows


def _is(found: object, asked: str) -> bool:
    """Tell whether a column has a value; Postgres reads ``07`` as 7."""
    if not isinstance(found, int):
        return found == asked
    try:
        return found == int(asked)
    except ValueError:
        raise Refused(400, "22P02") from None


def _columns(row: Row, select: str) -> Row:
    if "*" in select or "(" in select:
        return row
    names = select.split(",")
    if unknown := set(names) - row.keys():
        raise Refused(400, "42703", unknown.pop())
    return {name: row[name] for name in names}
