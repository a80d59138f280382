"""Answers to queries follow every change, survive outages, and cost no more than we say."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from clients import library
from edge import Edge, Variables, eventually
from upstream import Act, answering, hanging_up, holding

BOOKS = "/rest/v1/books?select=title&id=eq.1"
EMBEDDING = "/rest/v1/books?select=title,writers(name)&id=eq.1"
TAGGED = "/rest/v1/books?select=title,tags(name)&id=eq.1"
VIEW = "/rest/v1/recent_books?select=title&id=eq.6"
FUNCTION = "/rest/v1/rpc/search_books?query=engine"
CACHE_STATUS = "supabase-edge-cache; "
MAX_AGE_S = 300
"""A query is fresh this long by default."""


@pytest.fixture
def edge(library_edge: Edge, variables: Variables) -> Iterator[Edge]:
    """Return the library's Worker, asked with the public key. At the end its rows are restored."""
    library_edge.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
    yield library_edge
    library_edge.upstream.reset()
    library.fill(library_edge.db)


def did(response: httpx.Response) -> str:
    """Return what `Cache-Status` says that the cache did."""
    return response.headers["cache-status"].removeprefix(CACHE_STATUS)


def change(edge: Edge, table: str, where: str, **values: object) -> None:
    """Change rows in the database, but send no webhook."""
    edge.db.http.patch(f"/{table}?{where}", json=values).raise_for_status()


def tell(edge: Edge, table: str) -> None:
    """Send the webhook."""
    row: dict[str, object] = {"id": 1}
    edge.webhook("UPDATE", row, table=table).raise_for_status()


@pytest.mark.parametrize(
    ("path", "table", "where", "values"),
    [
        (EMBEDDING, "writers", "id=eq.1", {"name": "Edited"}),
        (TAGGED, "tags", "id=eq.1", {"name": "Edited"}),
        (VIEW, "books", "id=eq.6", {"title": "Edited"}),
        (FUNCTION, "books", "id=eq.1", {"title": "Edited engine"}),
    ],
    ids=["embedded", "many-to-many", "view", "function"],
)
def test_a_read_after_a_webhook_is_new(
    edge: Edge, path: str, table: str, where: str, values: dict[str, object]
) -> None:
    """The query may read the table in any way. Later readers have a hit."""
    edge.get(path).raise_for_status()
    assert did(edge.get_from_kv(path)).startswith("hit")
    change(edge, table, where, **values)
    assert "Edited" not in edge.get(path).text
    tell(edge, table)
    eventually(lambda: "Edited" in edge.get(path).text, "the edit")
    edge.settle_all()
    later = edge.get_from_kv(path)
    assert "Edited" in later.text
    assert did(later).startswith("hit")


def test_everything_is_fresh_once_revalidated(edge: Edge) -> None:
    """Somebody revalidates by hand, without a word about which table changed."""
    paths = [BOOKS, EMBEDDING, VIEW.replace("eq.6", "eq.1"), FUNCTION]
    for path in paths:
        edge.get(path)
    edge.kv.wait()
    change(edge, "books", "id=eq.1", title="Edited engine", published_at="2020-01-01T00:00:00Z")
    edge.get("/revalidate").raise_for_status()
    for path in paths:
        assert "Edited engine" in edge.get(path).text


def test_kept_warm_queries_are_new_before_anybody_asks(edge: Edge) -> None:
    """All of them are, even after an eviction, and only a few requests run at once."""
    paths = [f"/rest/v1/books?select=title&order=id&limit={limit}" for limit in range(1, 9)]
    for path in paths:
        edge.get(path)
    eventually(lambda: edge.get("/health").json()["tables"]["books"]["queries"] == 8, "8 queries")
    change(edge, "books", "id=eq.1", title="Edited")
    tell(edge, "books")
    edge.settle_all()
    edge.kv.wait()
    asked = edge.asked
    for path in paths:
        answer = edge.get(path)
        assert "Edited" in answer.text
        assert did(answer).startswith("hit; ttl=")
    assert edge.asked == asked


def test_the_last_answer_outlives_a_supabase_that_is_slow(edge: Edge) -> None:
    """If the entry is outdated, a reader gets it, marked as such, instead of a wait."""
    was = edge.get(EMBEDDING).json()
    edge.kv.wait()
    asked = threading.Event()
    edge.upstream.always = holding(asked)
    tell(edge, "shelves")
    eventually(lambda: did(edge.get(EMBEDDING)) == "fwd=stale; detail=supabase-slow", "it is old")
    old = edge.get(EMBEDDING)
    asked.set()
    assert (old.status_code, old.json()) == (200, was)
    edge.upstream.always = None
    eventually(lambda: did(edge.get(EMBEDDING)).startswith("hit; ttl="), "well again")


DOWN = b'{"code":"PGRST000","message":"no connection","details":null,"hint":null}'


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [
        (answering(503, DOWN, retry_after="7"), 503, "PGRST000"),
        (hanging_up, 502, "EDGE_SUPABASE_UNREACHABLE"),
        (answering(200, b"<html>", content_type="text/html"), 502, "EDGE_SUPABASE_INVALID_ANSWER"),
    ],
    ids=["in its own words", "no connection", "HTML"],
)
def test_an_error_that_reaches_a_client_is_one_that_it_understands(
    edge: Edge, act: Act, status: int, code: str
) -> None:
    """Clients try again by themselves, so the Worker does not. Nothing is stored."""
    edge.upstream.always = act
    answer = edge.get(BOOKS)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "message", "details", "hint"}
    assert edge.kv.queries() == []


def test_a_query_older_than_its_maximum_age_is_renewed(edge: Edge) -> None:
    """The old answer is served at once. The next reader gets the new one, without any webhook."""
    old = edge.get(BOOKS).json()
    edge.kv.wait()
    change(edge, "books", "id=eq.1", title="Edited")
    edge.set_clock(MAX_AGE_S + 60)
    aged = edge.get(BOOKS)
    assert (aged.json(), did(aged)[:10]) == (old, "hit; ttl=-")
    eventually(lambda: edge.get(BOOKS).json() == [{"title": "Edited"}], "renewed")
