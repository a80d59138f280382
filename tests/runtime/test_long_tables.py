"""Tables of more rows than an answer may have: read by a function in the database, or in pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from edge import Edge, EdgeOf, StartWorker
from upstream import NO_FUNCTION, Act, answering, forward

FUNCTION = "/rest/v1/rpc/edge_cache_snapshot?schema_name=public&table_name=articles&key_column=id"


def articles(count: int) -> list[dict[str, object]]:
    """Return so many rows; every tenth is a draft, which row level security hides."""
    return [
        {"id": n, "title": f"Article {n}", "published": n % 10 != 0} for n in range(1, count + 1)
    ]


def published(count: int) -> list[int]:
    """Return the ids that everybody may see."""
    return [n for n in range(1, count + 1) if n % 10]


def ids(edge: Edge) -> list[int]:
    """Return the ids that readers see."""
    return [row["id"] for row in edge.get("/articles").raise_for_status().json()]


def asked(edge: Edge) -> list[str]:
    """Return what Supabase was asked since the last call: offsets of pages, or the function."""
    with edge.upstream.lock:
        paths = list(edge.upstream.requests)
        edge.upstream.requests.clear()
    return ["f" if path == FUNCTION else path.partition("&offset=")[2] or "0" for path in paths]


def test_the_function_reads_a_long_table_in_one_request(edge: Edge) -> None:
    """Once it is known to be long; drafts stay hidden."""
    edge.db.replace(articles(2500))
    assert ids(edge) == published(2500)
    assert asked(edge) == ["0", "f"]
    edge.get("/revalidate").raise_for_status()
    assert asked(edge) == ["f"]
    assert ids(edge) == published(2500)


def test_without_the_function_the_pages_are_read(edge: Edge) -> None:
    """Twice, and the function is not asked for again so soon; drafts stay hidden."""
    edge.upstream.has_function = False
    edge.db.replace(articles(2500))
    assert ids(edge) == published(2500)
    first, function, *pages = asked(edge)
    assert (first, function, sorted(pages)) == ("0", "f", sorted(["1000", "2000"] * 2 + ["0"]))
    edge.get("/revalidate").raise_for_status()
    assert sorted(asked(edge)) == sorted(["0", "1000", "2000"] * 2)
    assert ids(edge) == published(2500)


def test_both_ways_give_the_same_rows(edge: Edge) -> None:
    """In the same order, with the same members."""
    edge.db.replace(articles(1500))
    by_function = edge.get("/articles").json()
    edge.kv.clear()
    edge.http.post("/__reset").raise_for_status()
    edge.upstream.has_function = False
    assert edge.get("/articles").json() == by_function
    assert "f" in asked(edge)


@pytest.mark.parametrize(
    "act", [answering(500), answering(404, b"<p>"), answering(200, b"null"), answering(200, b'[{"')]
)
def test_a_function_that_fails_leaves_the_entry_in_place(edge: Edge, act: Act) -> None:
    """As any failure does; the pages would say nothing better."""
    edge.db.replace(articles(1500))
    assert ids(edge) == published(1500)
    edge.db.update(1, title="Edited")
    edge.upstream.always = act
    assert edge.get("/revalidate").status_code in {502, 504}
    assert ids(edge) == published(1500)
    edge.upstream.always = None
    edge.get("/revalidate").raise_for_status()
    assert edge.titles()[0] == "Edited"


@pytest.mark.parametrize("status", [401, 403])
def test_a_function_that_the_key_may_not_execute_is_not_there(edge: Edge, status: int) -> None:
    """The pages tell whether the table may be read."""
    refused = answering(status, NO_FUNCTION.replace(b"PGRST202", b"42501"))
    edge.db.replace(articles(1200))
    edge.upstream.acts.extend([forward, refused])
    assert ids(edge) == published(1200)


@contextmanager
def editing(edit: Callable[[int], None], times_per_s: int) -> Iterator[list[int]]:
    """Edit again and again until the block ends; the list has the edits that are done."""
    over, done = threading.Event(), list[int]()

    def work() -> None:
        while not over.wait(1 / times_per_s):
            edit(len(done))
            done.append(len(done))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


ROWS = 20_000
EDITS_PER_S = 20
REFRESHES = 8


def test_the_worst_day(edge_of: EdgeOf, start_worker: StartWorker) -> None:
    """A long table that changes twenty times a second is refreshed each time, and never torn.

    Without the function it cannot be refreshed on such a day; readers get the last good answer.
    """
    edge = edge_of(start_worker({"SUPABASE_TIMEOUT_SECONDS": "30"}))
    edge.db.replace([{"id": n, "title": f"Article {n}"} for n in range(1, ROWS + 1)])
    stamps = set()
    with editing(partial(stamp_first_and_last, edge), EDITS_PER_S) as edits:
        for _ in range(REFRESHES):
            before = len(edits)
            assert edge.get("/revalidate").json() == {"received": True}
            rows = edge.get("/articles").json()
            assert len(rows) == ROWS
            assert rows[0]["title"] == rows[-1]["title"]
            assert len(edits) > before, "nothing changed while the table was read"
            stamps.add(rows[0]["title"])
        assert len(stamps) == asked(edge).count("f") == REFRESHES
        edge.upstream.has_function = False
        problem = edge.get("/revalidate").json()
    assert problem["type"] == "urn:supabase-edge-cache:table-changing"
    assert edge.get("/articles").json() == rows


def stamp_first_and_last(edge: Edge, stamp: int) -> None:
    """Change two rows in one statement, so that no moment shows them apart."""
    edge.db.http.patch(
        "/articles", params={"id": f"in.(1,{ROWS})"}, json={"title": f"Stamp {stamp}"}
    ).raise_for_status()
