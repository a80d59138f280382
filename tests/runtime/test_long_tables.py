"""Tables with more rows than one answer may have: a database function reads them, or pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from edge import Edge

FUNCTION = "/rest/v1/rpc/edge_cache_snapshot?schema_name=public&table_name=articles&key_column=id"

COUNT = 2500


def asked(edge: Edge) -> list[str]:
    """Return what Supabase was asked since the last call: the offsets of pages, or the function."""
    with edge.upstream.lock:
        paths = list(edge.upstream.requests)
        edge.upstream.requests.clear()
    return ["f" if path == FUNCTION else path.partition("&offset=")[2] or "0" for path in paths]


def test_the_function_and_the_pages_give_the_same_rows(edge: Edge) -> None:
    """The order is the same, too. Every tenth row is a draft, and stays hidden."""
    edge.db.replace(
        [{"id": n, "title": f"Article {n}", "published": n % 10 != 0} for n in range(1, COUNT + 1)]
    )
    by_function = edge.get("/articles").json()
    assert [row["id"] for row in by_function] == [n for n in range(1, COUNT + 1) if n % 10]
    assert asked(edge) == ["0", "f"]
    edge.get("/revalidate").raise_for_status()
    assert asked(edge) == ["f"]
    edge.reset()
    edge.kv.clear()
    edge.upstream.has_function = False
    assert edge.get("/articles").json() == by_function
    first, function, *pages = asked(edge)
    assert (first, function, sorted(pages)) == ("0", "f", sorted(["1000", "2000"] * 2 + ["0"]))
    assert edge.get_from_kv("/articles").headers["cache-status"] == "supabase-edge-cache; hit"


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


ROWS = 10_000
EDITS_PER_S = 20
REFRESHES = 3


def test_a_long_table_that_changes_all_the_time_is_never_torn(edge: Edge) -> None:
    """The function refreshes it each time.

    Without the function it cannot be refreshed while it changes; readers get the last good answer.
    """
    edge.db.replace([{"id": n, "title": f"Article {n}"} for n in range(1, ROWS + 1)])
    stamp_first_and_last(edge, 0)
    with editing(partial(stamp_first_and_last, edge), EDITS_PER_S) as edits:
        for _ in range(REFRESHES):
            before = len(edits)
            while len(edits) == before:
                assert edge.get("/revalidate").json() == {"received": True}
            rows = edge.get("/articles").json()
            assert len(rows) == ROWS
            assert rows[0]["title"] == rows[-1]["title"]
        edge.upstream.has_function = False
        problem = edge.get("/revalidate").json()
    assert problem["type"] == "urn:supabase-edge-cache:table-changing"
    assert edge.get("/articles").json() == rows


def stamp_first_and_last(edge: Edge, stamp: int) -> None:
    """Change two rows in one statement, so that no moment shows them apart."""
    edge.db.http.patch(
        "/articles", params={"id": f"in.(1,{ROWS})"}, json={"title": f"Stamp {stamp}"}
    ).raise_for_status()
