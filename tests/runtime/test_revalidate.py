"""`GET /revalidate`: after it, everything is fresh; if Supabase fails, everything is as it was."""

from __future__ import annotations

from edge import Edge
from upstream import answering

CACHE_STATUS = "supabase-edge-cache; "


def test_every_row_is_fresh_after_it(edge: Edge) -> None:
    """Row entries are not rewritten one by one, and none is stale."""
    for row_id in (1, 2, 3):
        edge.get(f"/articles/{row_id}")
        edge.db.update(row_id, title=f"Edited {row_id}")
    before = edge.kv.contents()
    edge.get("/revalidate").raise_for_status()
    after = edge.kv.contents()
    assert all(before[key] == after[key] for key in before)
    for row_id in (1, 2, 3):
        response = edge.get(f"/articles/{row_id}")
        assert response.json()["title"] == f"Edited {row_id}"
        assert response.headers["cache-status"] == (
            CACHE_STATUS + "fwd=stale; fwd-status=200; stored"
        )
        assert (
            edge.get_from_kv(f"/articles/{row_id}").headers["cache-status"] == CACHE_STATUS + "hit"
        )


def test_a_deleted_row_is_gone_after_it(edge: Edge) -> None:
    """From the list, and under its own path."""
    edge.get("/articles/2")
    edge.db.delete(2)
    edge.get("/revalidate").raise_for_status()
    assert "Second blog" not in edge.titles()
    assert edge.get("/articles/2").status_code == 404


def test_the_lessons_rows_are_stale_after_it(edge: Edge) -> None:
    """Entries without metadata are older than any refresh."""
    edge.kv.put("/articles/2", b'{"id":2,"title":"from the lesson"}')
    assert edge.get("/articles/2").json()["title"] == "from the lesson"
    edge.get("/revalidate").raise_for_status()
    assert edge.get("/articles/2").json()["title"] == "Second blog"


def test_it_is_never_cached(edge: Edge) -> None:
    """Each request does its work."""
    response = edge.get("/revalidate")
    assert response.headers["cache-control"] == "no-store"
    assert response.text == '{"received": true}'


def test_a_failure_leaves_the_entries(edge: Edge) -> None:
    """Readers keep the last good answer, to the byte."""
    edge.get("/articles")
    edge.get("/articles/2")
    before = edge.kv.contents()
    edge.upstream.always = answering(401, b'{"message":"Invalid API key"}')
    response = edge.get("/revalidate")
    assert response.status_code == 502
    assert response.json()["supabase_status"] == 401
    assert edge.kv.contents() == before
    assert edge.titles() == ["First blog", "Second blog", "Third blog"]
    assert edge.get_from_kv("/articles/2").headers["cache-status"] == CACHE_STATUS + "hit"
