"""What tests work with: the Worker's HTTP, its KV, its log, and the database behind it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from upstream import Script

from local import stack

TIMEOUT_S = 30
"""The Worker's time limit in tests. Even on a busy machine, Supabase answers much sooner."""

SHORT_TIMEOUT_S = 2
"""The time limit in a test of the limit itself."""

SECRET = "correct horse battery staple"
"""If a Worker has a secret, it is this one."""

Variables = Mapping[str, str]

StartWorker = Callable[..., stack.Worker]
"""Starts a Worker on a folder with its state, with the usual variables and ``more``."""

POLL_S = 0.05

DEADLINE_S = 60.0
"""The wait for something that takes a second or two on an idle machine."""


def eventually(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until a condition holds. If it never does, fail and say what did not come."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(POLL_S)


@dataclass(frozen=True)
class Kv:
    """The local Workers KV, seen through Miniflare."""

    http: httpx.Client

    def wait(self) -> None:
        """Wait until all writes are done."""
        self.http.get("/__idle").raise_for_status()

    def keys(self) -> dict[str, object]:
        """Return every key with its metadata, or None if it has none."""
        found = self.http.get(f"{_KV}/keys").raise_for_status().json()["result"]
        return {key["name"]: key.get("metadata") for key in found}

    def value(self, key: str) -> bytes:
        """Return a value's bytes."""
        return self.http.get(f"{_KV}/values/{quote(key, safe='')}").raise_for_status().content

    def put(self, key: str, value: bytes) -> None:
        """Write a value without metadata, as another Worker would."""
        self.http.put(f"{_KV}/values/{quote(key, safe='')}", content=value).raise_for_status()

    def clear(self) -> None:
        """Remove every key."""
        for key in self.keys():
            self.http.delete(f"{_KV}/values/{quote(key, safe='')}").raise_for_status()

    def contents(self) -> dict[str, tuple[bytes, object]]:
        """Return everything that is stored, after all writes are done."""
        self.wait()
        return {key: (self.value(key), metadata) for key, metadata in self.keys().items()}

    def queries(self) -> list[str]:
        """Return the keys of the entries of queries and calls, after all writes are done."""
        self.wait()
        entries = [key for key, metadata in self.keys().items() if metadata is not None]
        return [key for key in entries if key.startswith("/rest/v1/")]


_KV = "/cdn-cgi/explorer/api/storage/kv/namespaces/ARTICLES"

SEED = (
    {"id": 1, "title": "First blog", "body": "", "published": True, "author_id": None},
    {"id": 2, "title": "Second blog", "body": "", "published": True, "author_id": None},
    {"id": 3, "title": "Third blog", "body": "", "published": True, "author_id": None},
)


@dataclass(frozen=True)
class Database:
    """The database behind Supabase, through its REST interface with the secret key."""

    http: httpx.Client

    def run(self, statements: str) -> None:
        """Run SQL."""
        said = self.http.post("/rpc/run", json={"statements": statements})
        assert said.is_success, said.text

    def reset(self) -> None:
        """Put three rows into the table and nothing else."""
        self.replace(SEED)

    def replace(self, rows: Sequence[Mapping[str, object]], table: str = "articles") -> None:
        """Make these the table's rows."""
        self.http.delete(f"/{table}", params={"id": "not.is.null"}).raise_for_status()
        for start in range(0, len(rows), 500):
            self.insert(rows[start : start + 500], table)

    def replace_in(
        self, schema: str, table: str, key: str, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """Make these the rows of a table in another schema, or with another key."""
        profile = {"content-profile": schema}
        everything = {key: "not.is.null"}
        self.http.delete(f"/{table}", params=everything, headers=profile).raise_for_status()
        self.http.post(f"/{table}", json=rows, headers=profile).raise_for_status()

    def insert(self, rows: Sequence[Mapping[str, object]], table: str = "articles") -> None:
        """Add rows."""
        self.http.post(f"/{table}", json=rows).raise_for_status()

    def update(self, row_id: object, **values: object) -> None:
        """Change one row."""
        self.http.patch("/articles", params={"id": f"eq.{row_id}"}, json=values).raise_for_status()

    def delete(self, row_id: object) -> None:
        """Remove one row."""
        self.http.delete("/articles", params={"id": f"eq.{row_id}"}).raise_for_status()


@dataclass(frozen=True)
class Log:
    """The Worker's log, from the beginning of the test."""

    path: Path
    start: int

    def text(self) -> str:
        """Return all of it."""
        return self.path.read_bytes()[self.start :].decode(errors="replace")

    def events(self, *names: str) -> list[dict[str, object]]:
        """Return the structured lines, or only those of some events."""
        lines = [json.loads(line) for line in self.text().splitlines() if line[:1] == "{"]
        return [line for line in lines if not names or line["event"] in names]

    def wait_for(self, *names: str, count: int = 1) -> list[dict[str, object]]:
        """Return the lines of some events as soon as there are this many."""
        eventually(lambda: len(self.events(*names)) >= count, f"{count} log lines of {names}")
        return self.events(*names)


def payload(kind: str, row: dict[str, object], **extra: object) -> dict[str, object]:
    """Return a Database Webhook's payload."""
    return {
        "type": kind,
        "table": "articles",
        "schema": "public",
        "record": None if kind == "DELETE" else row,
        "old_record": None if kind == "INSERT" else row,
        **extra,
    }


@dataclass(frozen=True)
class Edge:
    """A Worker in its initial state, with three articles behind it."""

    http: httpx.Client
    kv: Kv
    db: Database
    upstream: Script
    log: Log

    def get(self, path: str, **headers: str) -> httpx.Response:
        """GET a path; a header's underscores become dashes."""
        return self.http.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def get_from_kv(self, path: str, **headers: str) -> httpx.Response:
        """GET a path after all writes to KV are done."""
        self.kv.wait()
        return self.get(path, **headers)

    @property
    def url(self) -> str:
        """The Worker's address."""
        return str(self.http.base_url).rstrip("/")

    @property
    def asked(self) -> int:
        """The number of requests that reached Supabase."""
        return len(self.upstream.requests)

    def webhook(self, kind: str, row: dict[str, object], **extra: object) -> httpx.Response:
        """POST what Supabase sends when a row was inserted, updated or deleted."""
        return self.http.post("/revalidate", json=payload(kind, row, **extra))

    def tick(self, minute: int = 0) -> None:
        """Fire the cron trigger, at this minute of an hour."""
        self.get(f"/cdn-cgi/local/scheduled?time={minute * 60_000}").raise_for_status()

    def reset(self) -> None:
        """Make the Durable Objects forget everything, after all their work is done."""
        self.http.post("/__reset").raise_for_status()

    def configure(self, variables: Variables) -> None:
        """Give the Worker these variables, and no others."""
        self.http.post("/__configure", json=variables).raise_for_status()

    def evict(self) -> None:
        """Make the Durable Objects forget what is in memory, as after a minute's rest."""
        self.get("/__evict").raise_for_status()

    def set_clock(self, seconds: float) -> None:
        """Move the machine's clock away from the right time."""
        self.get(f"/__clock?{round(seconds * 1000)}").raise_for_status()

    def settle(self) -> None:
        """Wait until no change is pending."""
        eventually(lambda: self.status()["pending"] == 0, "nothing pending")

    def settle_all(self) -> None:
        """Wait until no change of any table, or of the project, is pending."""

        def pending() -> int:
            health = self.get("/health").json()
            return sum(told["pending"] for told in (*health["tables"].values(), health["project"]))

        eventually(lambda: pending() == 0, "nothing pending")

    def status(self) -> dict[str, Any]:
        """Return what `/health` says of the table."""
        status: dict[str, Any] = self.get("/health").json()["tables"]["articles"]
        return status

    def titles(self, path: str = "/articles") -> list[str]:
        """Return the titles that readers see."""
        return [row["title"] for row in self.get(path).raise_for_status().json()]


EdgeOf = Callable[..., Edge]
"""Returns the Worker in its initial state, with the usual variables and ``more``."""

EdgeAt = Callable[[stack.Worker], Edge]
"""Connects to a Worker and changes nothing."""


async def many(
    url: str,
    requests: Sequence[tuple[str, str, object]],
    headers: Mapping[str, str] | None = None,
) -> list[httpx.Response]:
    """Send requests (method, path, JSON) all at once and return their answers."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, headers=headers) as http:
        return await asyncio.gather(
            *(http.request(method, path, json=body) for method, path, body in requests)
        )
