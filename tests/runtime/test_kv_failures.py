"""Failures of Workers KV: readers get their rows all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from edge import SEED, Edge, eventually
from kv_damage import refusing, without_keys, without_values

pytestmark = pytest.mark.played

CACHE_STATUS = "supabase-edge-cache; "


@pytest.mark.parametrize("path", ["/articles", "/articles/2"])
def test_a_failing_read_is_answered_by_supabase(edge: Edge, kv_files: Path, path: str) -> None:
    """The answer is 200, from memory or from Supabase. Cache-Status has the detail."""
    with without_keys(kv_files):
        response = edge.get(path)
    assert response.json() == (list(SEED) if path == "/articles" else SEED[1])
    # The list is still in the refresher's memory.
    forwarded = "hit" if path == "/articles" else "fwd=miss; fwd-status=200; stored"
    assert response.headers["cache-status"] == CACHE_STATUS + forwarded + "; detail=kv-read-failed"
    assert edge.log.wait_for("read_failed")


def test_a_failing_write_is_tried_again(edge: Edge, kv_files: Path) -> None:
    """The reader gets the row at once, and KV gets it as soon as KV works again."""
    with without_values(kv_files):
        response = edge.get("/articles/2")
        assert response.json() == SEED[1]
        edge.log.wait_for("write_failed")
        assert (
            edge.get("/articles/2").headers["cache-status"] == CACHE_STATUS + "hit; detail=memory"
        )
    eventually(lambda: "/articles/2" in edge.kv.contents(), "the write is tried again")
    assert edge.get_from_kv("/articles/2").headers["cache-status"] == CACHE_STATUS + "hit"


@pytest.mark.parametrize("key", ["/articles", "/articles?versions"])
def test_a_revalidation_that_kv_refuses_says_so(edge: Edge, kv_files: Path, key: str) -> None:
    """It does not answer `received` if readers do not get the rows, even if only one key failed."""
    edge.get("/articles/1")
    edge.kv.wait()
    edge.db.update(1, title="Edited")
    with refusing(kv_files, key):
        response = edge.get("/revalidate")
        assert response.status_code == 503
        assert response.json()["type"] == "urn:supabase-edge-cache:kv-unavailable"
    eventually(lambda: edge.titles()[0] == "Edited", "the write of the list is tried again", 30)
    eventually(
        lambda: edge.get("/articles/1").json()["title"] == "Edited", "so is the version's", 30
    )


@pytest.mark.parametrize("key", ["/articles", "/articles?versions"])
def test_a_change_that_kv_refuses_stays_pending(edge: Edge, kv_files: Path, key: str) -> None:
    """It waits until KV works again. Then the table and its rows are fresh."""
    edge.get("/articles/1")
    edge.kv.wait()
    edge.db.update(1, title="Edited")
    with refusing(kv_files, key):
        edge.webhook("UPDATE", {"id": 1}).raise_for_status()
        edge.log.wait_for("retry_scheduled")
        eventually(lambda: edge.status()["pending"] == 1, "only that is pending")
    edge.settle()
    for path, title in (("/articles", ["Edited"]), ("/articles/1", "Edited")):
        answer = edge.get_from_kv(path)
        assert answer.headers["cache-status"] == CACHE_STATUS + "hit"
        rows = answer.json()
        assert (rows["title"] if path == "/articles/1" else [rows[0]["title"]]) == title
