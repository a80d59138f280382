"""`/health`: whether readers can be served, and how the refreshes go."""

from __future__ import annotations

from edge import Edge


def test_a_new_worker_is_healthy(edge: Edge) -> None:
    """Nothing is cached yet, but Supabase can be asked."""
    response = edge.get("/health")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    members = response.json()
    assert members.pop("now").endswith("+00:00")
    assert members.pop("traffic")["totals"] == []
    assert members == {
        "status": "ok",
        "configuration": "ok",
        "tables": {
            "articles": {
                "serving": True,
                "cached": False,
                "rows": None,
                "bytes": None,
                "read_at": None,
                "age": None,
                "version": None,
                "refreshed_at": None,
                "pending": 0,
                "failures": 0,
                "last_error": None,
                "last_error_detail": None,
                "failed_at": None,
                "queries": 0,
                "shared": False,
                "refused": False,
            }
        },
        "project": {
            "serves": [],
            "watched": [],
            "refreshed_at": None,
            "pending": 0,
            "failures": 0,
            "last_error": None,
            "last_error_detail": None,
            "failed_at": None,
            "queries": 0,
            "shared": [],
            "outbox": {"installed": None, "asked_at": None, "error": None, "unwatched": None},
        },
        "revalidation": "open",
    }


def test_it_describes_a_tables_entry(edge: Edge) -> None:
    """It shows rows, bytes and the time of the read.

    It shows none of these for another Worker's entry.
    """
    body = edge.get("/articles").content
    edge.kv.wait()
    status = edge.status()
    assert (status["rows"], status["bytes"]) == (3, len(body))
    assert 0 <= status["age"] < 10
    assert status["read_at"] == status["refreshed_at"]
    assert isinstance(status["version"], int)
    edge.kv.put("/articles", b"[]")
    status = edge.status()
    assert (status["cached"], status["rows"], status["bytes"]) == (True, None, None)
