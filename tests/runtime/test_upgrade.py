"""A new version finds what the last one left: in KV, and in the Durable Objects' storage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from operator import le, lt
from pathlib import Path
from typing import Any

import earlier
import pytest
from edge import SEED, Database, Edge, EdgeOf, Log, StartWorker, eventually
from upstream import Server, answering

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

    A change of row 2 is pending in it, as Supabase was down.
    """
    earlier.unpack(request.param, tmp_path)
    return tmp_path


@pytest.fixture
def upgrade(
    left: Path,
    supabase: stack.Supabase,
    upstream: Server,
    start_worker: StartWorker,
    edge_of: EdgeOf,
) -> Iterator[Upgrade]:
    """Return a function that starts today's Worker on it.

    It ends with the test: what is pending would have it ask the upstream of later ones.
    """
    upstream.script.reset()
    started: list[stack.Worker] = []

    def start() -> Edge:
        tables = json.dumps({"articles": {}, "authors": {}})
        worker = start_worker({"TABLES": tables}, state=left)
        started.append(worker)
        edge = edge_of(worker, reset=False)
        edge.http.headers["apikey"] = supabase.publishable_key
        return Edge(edge.http, edge.kv, edge.db, edge.upstream, Log(worker.process.log, 0))

    yield start
    for worker in started:
        worker.process.stop()


def published(edge: Edge) -> list[int]:
    """Return the versions that readers see: of rows and queries, of each table and the project."""
    return [int(number) for key in VERSION_KEYS for number in edge.kv.value(key).split()]


def test_entries_of_the_earlier_version_are_hits(upgrade: Upgrade, upstream: Server) -> None:
    """Tables, rows and queries, byte for byte and with their headers; what was stale still is."""
    upstream.script.always = DOWN
    edge = upgrade()
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


def test_the_earlier_version_s_record_is_known(upgrade: Upgrade, upstream: Server) -> None:
    """What is pending, how reads went, and which queries are kept warm; asked for by nobody."""
    upstream.script.always = DOWN
    edge = upgrade()
    status = edge.status()
    assert (status["pending"], status["queries"]) == (3, 1)
    assert status["failures"] > 0
    assert status["last_error"] == "supabase-unavailable"
    assert status["failed_at"] is not None
    assert status["refreshed_at"] is not None
    assert edge.get("/health").json()["project"]["queries"] == 1


def test_changes_that_were_pending_are_carried_out(upgrade: Upgrade, database: Database) -> None:
    """By the alarm that was set, before any reader comes; warm queries too."""
    database.reset()
    database.update(2, title="Edited")
    upgraded = upgrade()
    eventually(lambda: len(upgraded.log.events("applied")) == 4, "all that was pending")
    titles = [SEED[0]["title"], "Edited", SEED[2]["title"]]
    for path in ("/articles", TITLES, EMBEDDED):
        answer = upgraded.get_from_kv(path)
        assert answer.headers["cache-status"].startswith(CACHE_STATUS + "hit"), path
        assert [row["title"] for row in answer.json()] == titles
    row = upgraded.get("/articles/2")
    assert row.headers["cache-status"] == CACHE_STATUS + "hit"
    assert row.json()["title"] == "Edited"
    assert (
        upgraded.get("/articles/3").headers["cache-status"].startswith(CACHE_STATUS + "fwd=stale")
    )


def test_versions_go_on_from_where_they_were(upgrade: Upgrade, database: Database) -> None:
    """No version ever falls, so nothing older than before counts as fresh."""
    database.reset()
    edge = upgrade()
    then = published(edge)
    edge.settle_all()
    edge.kv.wait()
    settled = published(edge)
    edge.get("/revalidate").raise_for_status()
    edge.kv.wait()
    now = published(edge)
    assert all(map(le, then, settled))
    assert all(map(lt, settled[:4], now[:4])), "the tables'; the project has no rows"
    assert settled[-1] < now[-1]
    entries: dict[str, Any] = edge.kv.keys()
    assert entries["/articles"]["version"] >= now[0]
