"""`GET /revalidate`: after it, everything is fresh."""

from __future__ import annotations

from edge import Edge

CACHE_STATUS = "supabase-edge-cache; "


def test_every_row_is_fresh_after_it(edge: Edge) -> None:
    """The popular ones are read again soon. A reader who comes before that waits for Supabase."""
    for row_id in (1, 2, 3):
        edge.get(f"/articles/{row_id}")
        edge.db.update(row_id, title=f"Edited {row_id}")
    edge.kv.wait()
    edge.get("/revalidate").raise_for_status()
    for row_id in (1, 2, 3):
        assert edge.get(f"/articles/{row_id}").json()["title"] == f"Edited {row_id}"
        later = edge.get_from_kv(f"/articles/{row_id}")
        assert later.json()["title"] == f"Edited {row_id}"
        assert later.headers["cache-status"] == CACHE_STATUS + "hit"


def test_the_lessons_rows_are_stale_after_it(edge: Edge) -> None:
    """An entry without metadata is older than any refresh."""
    edge.kv.put("/articles/2", b'{"id":2,"title":"from the lesson"}')
    assert edge.get("/articles/2").json()["title"] == "from the lesson"
    edge.get("/revalidate").raise_for_status()
    assert edge.get("/articles/2").json()["title"] == "Second blog"
