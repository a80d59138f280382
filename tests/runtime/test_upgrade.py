"""A new version uses what the last one left in KV and in the Durable Objects' storage."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import le, lt
from pathlib import Path
from typing import Any

import earlier
import pytest
from edge import SEED, Database, Edge, EdgeAt, Log, StartWorker, eventually
from upstream import Server, answering, holding

from local import stack

CACHE_STATUS = "supabase-edge-cache; "
DOWN = answering(503, b'{"code":"PGRST000","message":"down"}')
AUTHORS = "/rest/v1/authors?select=name&order=id"
TITLES = "/rest/v1/articles?select=title&order=id"
EMBEDDED = "/rest/v1/articles?select=title,author:authors(name)&order=id"
VERSION_KEYS = ("/articles?version", "/authors?version", "/?version")

Upgrade = Callable[[], Edge]


@pytest.fixture(params=earlier.VERSIONS)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the state that an earlier version left.

    Supabase was down then, so a change of row 2 is pending in it.
    """
    earlier.unpack(request.param, tmp_path)
    return tmp_path


@pytest.fixture
def upgrade(
    left: Path,
    supabase: stack.Supabase,
    upstream: Server,
    start_worker: StartWorker,
    edge_at: EdgeAt,
) -> Iterator[Upgrade]:
    """Return a function that starts today's Worker on this state."""
    upstream.script.reset()

    def start() -> Edge:
        worker = start_worker(left, {"TABLES": json.dumps({"articles": {}, "authors": {}})})
        edge = edge_at(worker)
        edge.http.headers["apikey"] = supabase.publishable_key
        return replace(edge, log=Log(worker.process.log, 0))

    yield start
    upstream.script.reset()


def published(edge: Edge) -> list[int]:
    """Return the versions that readers see: of rows, queries, each table and the project."""
    return [int(number) for key in VERSION_KEYS for number in edge.kv.value(key).split()]


def require_record(edge: Edge) -> None:
    """Fail if the Worker does not know what an object recorded."""
    status = edge.status()
    assert (status["pending"], status["queries"]) == (3, 1)
    assert status["failures"] > 0
    assert status["last_error"] == "supabase-unavailable"
    assert status["failed_at"] is not None
    assert status["refreshed_at"] is not None
    assert edge.get("/health").json()["project"]["queries"] == 1


def test_entries_and_record_of_the_earlier_version_are_known(
    upgrade: Upgrade, upstream: Server
) -> None:
    """Tables, rows and queries keep their bytes and headers. What was stale is still stale.

    Pending changes are known too, and how reads went, and which queries are kept warm.
    """
    upstream.script.always = DOWN
    edge = upgrade()
    require_record(edge)
    metadata: dict[str, Any] = edge.kv.keys()
    for path, key in (("/articles", "/articles"), ("/articles/1", "/articles/1"), (AUTHORS, None)):
        answer = edge.get(path)
        entry = key or "/rest/v1/authors?order=id&select=name"
        assert answer.headers["cache-status"].startswith(CACHE_STATUS + "hit"), path
        assert answer.content == edge.kv.value(entry)
        assert answer.headers["etag"] == metadata[entry]["etag"]
        assert int(answer.headers["age"]) >= earlier.AGO_MS // 1000
        assert edge.get(path, if_none_match=answer.headers["etag"]).status_code == 304
    assert edge.get(AUTHORS).headers["content-range"] == "0-1/*"
    for outdated in ("/articles/3", TITLES, EMBEDDED):
        answer = edge.get(outdated)
        assert answer.status_code == 200
        assert "supabase-" in answer.headers["cache-status"].partition("detail=")[2]


def test_changes_that_were_pending_are_carried_out(
    upgrade: Upgrade, database: Database, upstream: Server
) -> None:
    """The alarm that was set does this, before any reader comes. Warm queries are read, too.

    No version falls.
    """
    database.reset()
    database.update(2, title="Edited")
    started = threading.Event()
    upstream.script.always = holding(started)
    upgraded = upgrade()
    then = published(upgraded)
    started.set()
    eventually(lambda: len(upgraded.log.events("applied")) == 4, "all that was pending")
    upgraded.kv.wait()
    settled = published(upgraded)
    titles = [SEED[0]["title"], "Edited", SEED[2]["title"]]
    for path in ("/articles", TITLES, EMBEDDED):
        answer = upgraded.get(path)
        assert answer.headers["cache-status"].startswith(CACHE_STATUS + "hit"), path
        assert [row["title"] for row in answer.json()] == titles
    row = upgraded.get("/articles/2")
    assert row.headers["cache-status"] == CACHE_STATUS + "hit"
    assert row.json()["title"] == "Edited"
    stale = upgraded.get("/articles/3").headers["cache-status"]
    assert stale.startswith(CACHE_STATUS + "fwd=stale")
    upgraded.get("/revalidate").raise_for_status()
    upgraded.kv.wait()
    now = published(upgraded)
    assert all(map(le, then, settled))
    assert all(map(lt, settled[:4], now[:4])), "the tables'; the project has no rows"
    assert settled[-1] < now[-1]
    entries: dict[str, Any] = upgraded.kv.keys()
    assert entries["/articles"]["version"] >= now[0]
