"""A remote with a table: it cuts answers, and may have the function that reads whole tables."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from edge_cache.config import Settings
from edge_cache.resources import Resource
from edge_cache.supabase.rest import Supabase
from edge_cache.tables import DEFAULT

ARTICLES = Resource(DEFAULT.tables[0])
JSON_TYPE = {"content-type": "application/json"}
Answer = Callable[[], httpx.Response]


def error(status: int, code: str) -> Answer:
    """Return an answer with PostgREST's error."""
    return lambda: httpx.Response(status, json={"code": code})


MISSING = error(404, "PGRST202")


def numbered(count: int) -> list[dict[str, object]]:
    """Return this many rows, with brackets and commas in them."""
    return [{"id": n, "t": "],["} for n in range(count)]


@dataclass
class Project:
    """A remote like PostgREST. If ``function`` is given, it answers the function's calls."""

    rows: list[dict[str, object]]
    max_rows: int = 10
    function: Answer | None = None
    asked: list[str] = field(default_factory=list)
    before: Callable[[int], object] = lambda _number: None
    now_ms: int = 0
    timeout_s: float = 1

    def __post_init__(self) -> None:
        """Begin with a Worker that knows nothing yet."""
        settings = Settings("https://abc.supabase.co", "sb_publishable_x", self.timeout_s)
        transport = httpx.MockTransport(self.answer)
        self.supabase = Supabase(transport, settings, now_ms=lambda: self.now_ms)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request with the rows as they are."""
        self.asked.append(request.url.raw_path.decode().removeprefix("/rest/v1/"))
        self.before(len(self.asked))
        if request.url.path == "/rest/v1/rpc/edge_cache_snapshot":
            return self.function() if self.function else httpx.Response(200, json=self.rows)
        return self.page(int(request.url.params.get("offset", "0")))

    def page(self, offset: int) -> httpx.Response:
        """Return as many rows as one answer may have."""
        part = self.rows[offset : offset + self.max_rows]
        if offset and not part:
            return httpx.Response(416, json={"code": "PGRST103"})
        shown = f"{offset}-{offset + len(part) - 1}" if part else "*"
        headers = {"content-range": f"{shown}/{len(self.rows)}"}
        status = 206 if len(part) < len(self.rows) else 200
        return httpx.Response(status, json=part, headers=headers)

    def read(self, resource: Resource = ARTICLES) -> bytes:
        """Read the table once more."""
        return asyncio.run(self.supabase.read(resource)).body

    def ids(self) -> list[object]:
        """Read the table once more and return its ids."""
        return [row["id"] for row in json.loads(self.read())]

    def requests(self) -> list[str]:
        """Return what was asked since the last call: the offsets of pages, or the function."""
        asked = ["f" if "rpc/" in target else _offset(target) for target in self.asked]
        self.asked.clear()
        return asked


def _offset(target: str) -> str:
    return target.partition("&offset=")[2] or "0"
