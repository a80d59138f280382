"""Answers to queries follow every change, outlive bad days, and cost no more than is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from clients import library
from edge import Edge, EdgeOf, StartWorker, eventually, many
from upstream import after, answering, before_answering, forward, hanging_up

from local import stack

BOOKS = "/rest/v1/books?select=title&id=eq.1"
EMBEDDING = "/rest/v1/books?select=title,writers(name)&id=eq.1"
TAGGED = "/rest/v1/books?select=title,tags(name)&id=eq.1"
VIEW = "/rest/v1/recent_books?select=title&id=eq.6"
FUNCTION = "/rest/v1/rpc/search_books?query=engine"
CACHE_STATUS = "supabase-edge-cache; "


@pytest.fixture
def edge(library_edge: Edge, variables: dict[str, str]) -> Iterator[Edge]:
    """Return the library's Worker, asked with the public key; its rows are put back afterwards."""
    library_edge.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
    yield library_edge
    library_edge.upstream.reset()
    library.fill(library_edge.db)


def did(response: httpx.Response) -> str:
    """Return what the cache says that it did."""
    return response.headers["cache-status"].removeprefix(CACHE_STATUS)


def change(edge: Edge, table: str, where: str, **values: object) -> None:
    """Change rows in the database, and have nobody told."""
    edge.db.http.patch(f"/{table}?{where}", json=values).raise_for_status()


def tell(edge: Edge, table: str) -> None:
    """Be the webhook."""
    row: dict[str, object] = {"id": 1}
    edge.webhook("UPDATE", row, table=table).raise_for_status()


def keys(edge: Edge) -> list[str]:
    """Return the keys of the queries in KV."""
    return [key for key in edge.kv.contents() if key.startswith("/rest/v1/")]


@pytest.mark.parametrize(
    ("path", "table", "where", "values"),
    [
        (BOOKS, "books", "id=eq.1", {"title": "Edited"}),
        (EMBEDDING, "writers", "id=eq.1", {"name": "Edited"}),
        (EMBEDDING, "books", "id=eq.1", {"title": "Edited"}),
        (TAGGED, "tags", "id=eq.1", {"name": "Edited"}),
        (VIEW, "books", "id=eq.6", {"title": "Edited"}),
        (FUNCTION, "books", "id=eq.1", {"title": "Edited engine"}),
    ],
    ids=["flat", "embedded", "embedding", "many-to-many", "view", "function"],
)
def test_the_next_read_after_a_webhook_is_new(
    edge: Edge, path: str, table: str, where: str, values: dict[str, object]
) -> None:
    """Whatever the query has to do with the table; later readers have a hit."""
    edge.get(path).raise_for_status()
    assert did(edge.get_from_kv(path)).startswith("hit")
    change(edge, table, where, **values)
    assert "Edited" not in edge.get(path).text
    tell(edge, table)
    assert "Edited" in edge.get(path).text
    edge.settle_all()
    later = edge.get_from_kv(path)
    assert "Edited" in later.text
    assert did(later).startswith("hit")


def test_a_junction_table_need_not_be_declared(edge: Edge) -> None:
    """It is not even in the query's text, and has no key column of one value."""
    edge.get(TAGGED)
    edge.kv.wait()
    edge.db.http.delete("/book_tags?book_id=eq.1").raise_for_status()
    row: dict[str, object] = {"book_id": 1, "tag_id": 1}
    answer = edge.webhook("DELETE", row, table="book_tags")
    assert answer.json() == {"received": True}
    assert edge.get(TAGGED).json() == [{"title": "Notes on the engine", "tags": []}]


def test_a_change_of_another_table_leaves_a_flat_query_fresh(edge: Edge) -> None:
    """What reads one declared table depends on that alone."""
    edge.get(BOOKS)
    edge.kv.wait()
    tell(edge, "writers")
    edge.settle_all()
    asked = edge.asked
    assert did(edge.get(BOOKS)).startswith("hit")
    assert edge.asked == asked


def test_everything_is_fresh_once_revalidated(edge: Edge) -> None:
    """By hand, nobody being told which table changed."""
    paths = [BOOKS, EMBEDDING, VIEW.replace("eq.6", "eq.1"), FUNCTION]
    for path in paths:
        edge.get(path)
    edge.kv.wait()
    change(edge, "books", "id=eq.1", title="Edited engine", published_at="2020-01-01T00:00:00Z")
    edge.get("/revalidate").raise_for_status()
    for path in paths:
        assert "Edited engine" in edge.get(path).text


def test_a_read_that_saw_the_state_before_a_change_is_not_taken_for_new(edge: Edge) -> None:
    """The version that an entry bears was taken before its read began."""

    def edit() -> None:
        change(edge, "books", "id=eq.1", title="Edited")
        tell(edge, "books")

    edge.upstream.acts.append(before_answering(edit))
    edge.get(BOOKS)
    assert "Edited" in edge.get(BOOKS).text
    edge.settle_all()
    assert "Edited" in edge.get_from_kv(BOOKS).text


def test_kept_warm_queries_are_new_before_anybody_asks(edge: Edge) -> None:
    """All of them, and after an eviction too, with few requests at once."""
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


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (answering(503), "fwd=stale; fwd-status=503; detail=supabase-unavailable"),
        (hanging_up, "fwd=stale; detail=supabase-unreachable"),
        (after(3, forward), "fwd=stale; detail=supabase-slow"),
        (
            answering(401, b'{"message":"Invalid API key"}'),
            "fwd=stale; fwd-status=401; detail=query-rejected",
        ),
    ],
    ids=["503", "no connection", "slow", "401"],
)
def test_the_last_answer_outlives_supabase(edge: Edge, act: object, says: str) -> None:
    """A reader of what is out of date gets it, marked, instead of an error or a wait."""
    was = edge.get(EMBEDDING).json()
    edge.kv.wait()
    edge.upstream.always = act  # type: ignore[assignment]
    tell(edge, "shelves")
    first = edge.get(EMBEDDING)
    assert first.status_code == 200
    assert first.json() == was
    assert did(first) in {says, "hit; detail=supabase-failed-just-now"}
    edge.upstream.always = None
    eventually(lambda: did(edge.get(EMBEDDING)).startswith("hit; ttl="), "well again")


def test_what_the_key_may_not_read_any_more_is_gone(edge: Edge) -> None:
    """A refusal is no failure: nobody gets the old answer, and it leaves the cache."""
    edge.get(BOOKS)
    edge.kv.wait()
    refusal = b'{"code":"42501","message":"permission denied for table books"}'
    edge.upstream.always = answering(401, refusal, content_type="application/json")
    tell(edge, "books")
    answer = edge.get(BOOKS)
    assert (answer.status_code, answer.json()["code"]) == (401, "42501")
    eventually(lambda: keys(edge) == [], "gone")


def test_a_crowd_of_slow_misses_keeps_no_other_query_from_being_shared(edge: Edge) -> None:
    """Ten are slow; a hundred readers of another query cause one read, and the next has a hit."""
    edge.upstream.always = after(1, forward)
    slow: list[tuple[str, str, object]] = [
        ("GET", f"/rest/v1/books?select=id&id=neq.{number}", None) for number in range(10)
    ]
    wanted: list[tuple[str, str, object]] = [("GET", BOOKS, None)] * 100
    url, headers = str(edge.http.base_url), dict(edge.http.headers)
    answers = asyncio.run(many(url, [*slow, *wanted], headers))
    assert {did(answer) for answer in answers} == {"fwd=uri-miss; fwd-status=200; stored"}
    assert edge.asked == 11
    assert did(edge.get_from_kv(BOOKS)).startswith("hit; ttl=")


@pytest.mark.parametrize("path", [BOOKS, EMBEDDING])
def test_supabases_own_error_reaches_who_has_nothing_else(edge: Edge, path: str) -> None:
    """As it was, with what Supabase asks to wait. Clients try again, so the Worker does not."""
    body = b'{"code":"PGRST000","message":"no connection","details":null,"hint":null}'
    edge.upstream.always = answering(503, body, content_type="application/json", retry_after="7")
    answer = edge.get(path)
    assert (answer.status_code, answer.content) == (503, body)
    assert answer.headers["retry-after"] == "7"
    assert edge.asked == 1
    assert keys(edge) == []


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [
        (hanging_up, 502, "EDGE_SUPABASE_UNREACHABLE"),
        (after(4, forward), 504, "EDGE_SUPABASE_TIMEOUT"),
    ],
)
def test_our_own_errors_are_of_a_shape_that_clients_know(
    edge: Edge, act: object, status: int, code: str
) -> None:
    """With a status at which they do not try again for seven seconds."""
    edge.upstream.always = act  # type: ignore[assignment]
    answer = edge.get(BOOKS)
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert set(answer.json()) == {"code", "message", "details", "hint"}
    assert answer.headers["cache-control"] == "no-store"


def test_readers_of_one_query_cause_one_read(edge: Edge) -> None:
    """However many miss at once."""
    edge.upstream.always = after(0.3, forward)
    requests: list[tuple[str, str, object]] = [("GET", EMBEDDING, None)] * 40

    async def ask() -> list[httpx.Response]:
        url, headers = str(edge.http.base_url), dict(edge.http.headers)
        return await many(url, requests, headers)

    answers = asyncio.run(ask())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert edge.asked == 1


def test_queries_that_never_repeat_do_not_fill_kv(edge: Edge) -> None:
    """A hundred new keys are written at once, others at their second sight."""
    paths = [f"/rest/v1/books?select=id&id=gt.{number}" for number in range(150)]
    answers = [edge.get(path) for path in paths]
    stored = sum("stored" in did(answer) for answer in answers)
    assert 100 <= stored <= 130
    assert len(keys(edge)) == stored
    refused = next(
        path for path, answer in zip(paths, answers, strict=True) if "stored" not in did(answer)
    )
    assert "stored" in did(edge.get(refused))
    assert did(edge.get_from_kv(refused)).startswith("hit")


def test_a_table_read_by_queries_alone_is_never_read_whole(edge: Edge) -> None:
    """Its changes cost what its queries cost."""
    edge.get(BOOKS)
    edge.kv.wait()
    tell(edge, "books")
    edge.settle_all()
    assert not [request for request in edge.upstream.requests if "order=id.asc" in request]
    assert "/books" not in edge.kv.contents()


def test_a_query_older_than_its_maximum_age_is_renewed(
    start_worker: StartWorker, edge_of: EdgeOf, variables: dict[str, str]
) -> None:
    """It is served at once, and the next reader gets what is new, without any webhook."""
    more = {"TABLES": json.dumps(library.DECLARED), "QUERY_MAX_AGE_SECONDS": "1"}
    edge = edge_of(start_worker(more))
    edge.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
    old = edge.get(BOOKS).json()
    try:
        change(edge, "books", "id=eq.1", title="Edited")
        edge.kv.wait()
        eventually(lambda: int(edge.get(BOOKS).headers["age"]) >= 1, "old enough")
        eventually(lambda: edge.get(BOOKS).json() == [{"title": "Edited"}], "renewed")
        assert old == [{"title": "Notes on the engine"}]
    finally:
        library.fill(edge.db)


def test_a_change_survives_a_kill(
    start_worker: StartWorker,
    edge_of: EdgeOf,
    variables: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Once received, it makes old answers out of date whatever happens to the process."""
    state = tmp_path_factory.mktemp("killed")
    more = {"TABLES": json.dumps(library.DECLARED)}
    worker: stack.Worker = start_worker(more, state=state)
    edge = edge_of(worker)
    edge.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
    edge.get(EMBEDDING)
    edge.kv.wait()
    try:
        change(edge, "writers", "id=eq.1", name="Edited")
        tell(edge, "writers")
        worker.process.kill()
        again = edge_of(start_worker(more, state=state), reset=False)
        again.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
        eventually(lambda: "Edited" in again.get(EMBEDDING).text, "the change")
    finally:
        library.fill(edge.db)
