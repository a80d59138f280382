"""Reads from a remote that is a function of the request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from edge_cache.config import Settings
from edge_cache.resources import Resource
from edge_cache.supabase import api
from edge_cache.supabase.rest import Supabase
from edge_cache.tables import DEFAULT, Table

Remote = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make retries follow at once."""
    monkeypatch.setattr(api, "FIRST_BACKOFF_MS", 0)


@pytest.fixture
def read() -> Callable[..., bytes]:
    """Return a function that reads a table or a row from a remote, once."""

    def run(
        remote: Remote,
        row_id: str | None = None,
        *,
        table: Table = DEFAULT.tables[0],
        timeout_s: float = 1,
        key: str = "sb_publishable_x",
    ) -> bytes:
        settings = Settings("https://abc.supabase.co", key, timeout_s)
        supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
        return asyncio.run(supabase.read(Resource(table, row_id))).body

    return run
