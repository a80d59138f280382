"""A new version uses what the last one left in KV and in the Durable Objects' storage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import earlier
import pytest
from edge import SEED, Database, Edge, EdgeAt, Log, StartWorker, eventually
from upstream import Server, answering

from local import stack

pytestmark = pytest.mark.played

CACHE_STATUS = "supabase-edge-cache; "
DOWN = answering(503, b'{"code":"PGRST000","message":"down"}')
AUTHORS = "/rest/v1/authors?select=name&order=id"
TITLES = "/rest/v1/articles?select=title&order=id"
EMBEDDED = "/rest/v1/articles?select=title,author:authors(name)&order=id"
VERSIONS_OF = {
    **{f"/articles/{row_id}": "/articles?version" for row_id in (1, 2, 3)},
    "/rest/v1/articles?order=id&select=title": "/articles?version",
    "/rest/v1/articles?order=id&select=title,author:authors(name)": "/?version",
    "/rest/v1/authors?order=id&select=name": "/authors?version",
}
"""The keys of rows and queries, and where earlier versions look whether these are outdated."""

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


def require_record(edge: Edge) -> None:
    """Fail if the Worker does not know what an object recorded."""
    status = edge.status()
    assert status["pending"] > 0
    assert status["queries"] == 1
    assert status["failures"] > 0
    assert status["last_error"] == "supabase-unavailable"
    assert status["failed_at"] is not None
    assert status["refreshed_at"] is not None


def test_entries_and_record_of_the_earlier_version_are_known(
    upgrade: Upgrade, upstream: Server
) -> None:
    """Nobody knows whether its entries are outdated, so readers get them if Supabase is down.

    The entries keep their bytes and headers. The new version also knows what is pending, how reads
    went, and which queries are popular.
    """
    upstream.script.always = DOWN
    edge = upgrade()
    require_record(edge)
    metadata: dict[str, Any] = edge.kv.keys()
    for path, key in (("/articles", "/articles"), ("/articles/1", "/articles/1"), (AUTHORS, None)):
        answer = edge.get(path)
        entry = key or "/rest/v1/authors?order=id&select=name"
        assert "detail=supabase-" in answer.headers["cache-status"], path
        assert answer.content == edge.kv.value(entry)
        assert answer.headers["etag"] == metadata[entry]["etag"]
        assert int(answer.headers["age"]) >= earlier.AGO_MS // 1000
        assert edge.get(path, if_none_match=answer.headers["etag"]).status_code == 304
    assert edge.get(AUTHORS).headers["content-range"] == "0-1/*"
    for path in ("/articles/3", TITLES, EMBEDDED):
        answer = edge.get(path)
        assert answer.status_code == 200
        assert "detail=supabase-" in answer.headers["cache-status"], path


def test_changes_that_were_pending_are_carried_out(
    upgrade: Upgrade, left: Path, database: Database
) -> None:
    """The alarm that was set reads the tables, before any reader comes.

    Readers of rows and queries wait for Supabase once. After a rollback, no entry looks fresh.
    """
    database.reset()
    database.update(2, title="Edited")
    entries = earlier.metadata_in(left)
    upgraded = upgrade()
    replaced(upgraded)
    require_nothing_for_an_earlier_version(upgraded, entries)
    titles = [SEED[0]["title"], "Edited", SEED[2]["title"]]
    answer = upgraded.get("/articles")
    assert answer.headers["cache-status"] == CACHE_STATUS + "hit"
    assert [row["title"] for row in answer.json()] == titles
    rows = {f"/articles/{row_id}": [title] for row_id, title in enumerate(titles, start=1)}
    for path, expected in {TITLES: titles, EMBEDDED: titles, **rows}.items():
        first = upgraded.get(path)
        assert first.headers["cache-status"].startswith(CACHE_STATUS + "fwd=stale"), path
        later = upgraded.get_from_kv(path)
        assert later.headers["cache-status"].startswith(CACHE_STATUS + "hit"), path
        for answer in (first, later):
            shown = answer.json() if path in {TITLES, EMBEDDED} else [answer.json()]
            assert [row["title"] for row in shown] == expected, path


def require_nothing_for_an_earlier_version(edge: Edge, left: Mapping[str, Any]) -> None:
    """Fail if an entry that was left would look fresh to an earlier version, after a rollback.

    Changes of the meantime are not in it. So the earlier version has to read it again.
    """
    for key, versions_key in VERSIONS_OF.items():
        assert all(
            left[key]["version"] < int(number) for number in edge.kv.value(versions_key).split()
        ), key
    entries: dict[str, Any] = edge.kv.keys()
    assert entries["/articles"]["v"] > left["/articles"]["v"], "earlier versions cannot read it"


def replaced(edge: Edge) -> None:
    """Wait until both tables and the ledger have replaced what an earlier version left."""

    def count() -> int:
        return len([line for line in edge.log.events("applied") if line["key"] == "earlier"])

    eventually(lambda: count() == len(("the ledger", "articles", "authors")), "all is replaced")
    edge.settle_all()
    edge.kv.wait()
