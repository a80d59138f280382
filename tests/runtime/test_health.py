"""`/health`: whether readers can be served, and how the refreshes go."""

from __future__ import annotations

import httpx
from edge import Edge, StartWorker
from upstream import answering


def test_a_new_worker_is_healthy(edge: Edge) -> None:
    """Nothing is cached yet, and Supabase may be asked."""
    response = edge.get("/health")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    members = response.json()
    assert members.pop("now").endswith("+00:00")
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
                "refused": False,
            }
        },
        "project": {
            "serves": [],
            "refreshed_at": None,
            "pending": 0,
            "failures": 0,
            "last_error": None,
            "last_error_detail": None,
            "failed_at": None,
            "queries": 0,
            "outbox": {"installed": None, "asked_at": None, "error": None},
        },
        "revalidation": "open",
    }


def test_it_describes_a_tables_entry(edge: Edge) -> None:
    """Its rows and bytes, and when it was read; nothing of one that another Worker wrote."""
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


def test_it_tells_of_refreshes_and_failures(edge: Edge) -> None:
    """With an entry, a failing Supabase is told of, and readers are served."""
    edge.get("/articles")
    refreshed_at = edge.status()["refreshed_at"]
    assert refreshed_at.endswith("+00:00")
    edge.upstream.always = answering(401)
    edge.get("/revalidate")
    edge.get("/revalidate")
    response = edge.get("/health")
    table = response.json()["tables"]["articles"]
    assert response.status_code == 200
    assert (table["failures"], table["last_error"]) == (2, "supabase-rejected")
    assert table["last_error_detail"].startswith("Supabase answered 401:")
    assert table["failed_at"] is not None
    assert table["refreshed_at"] == refreshed_at
    edge.upstream.always = None
    edge.get("/revalidate")
    assert edge.status()["failures"] == 0


def test_without_an_entry_a_failing_supabase_is_unhealthy(edge: Edge) -> None:
    """Then readers cannot be served."""
    edge.upstream.always = answering(401)
    edge.get("/articles")
    response = edge.get("/health")
    assert (response.status_code, response.json()["status"]) == (503, "failing")
    assert edge.http.head("/health").status_code == 503


def test_it_names_what_is_not_configured(start_worker: StartWorker) -> None:
    """The same words as everywhere, and 503."""
    worker = start_worker(only={"MAX_AGE_SECONDS": "soon"})
    response = httpx.get(f"{worker.url}/health")
    assert response.status_code == 503
    names = [fault.split()[0] for fault in response.json()["configuration"]]
    assert names == ["SUPABASE_URL", "SUPABASE_ANON_KEY", "MAX_AGE_SECONDS"]
