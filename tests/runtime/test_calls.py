"""Functions that clients call by POST are answered from the cache, if they only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import scripted
from clients import library
from clients.players import EVERYTHING, Caller, javascript, python
from edge import Database, Edge, EdgeOf

from local import stack

TABLES: dict[str, object] = {
    "books": {"watch": True},
    "search_books": {"function": True, "reads": ["books"]},
}
CALL = "posted_function"


@pytest.fixture
def edge(edge_of: EdgeOf, database: Database) -> Iterator[Edge]:
    """Return a Worker that knows of the database's functions."""
    library.fill(database)
    with scripted.known_to(edge_of, database, TABLES) as edge:
        yield edge


def test_both_clients_call_a_function_that_only_reads(
    edge: Edge, supabase: stack.Supabase, users: dict[str, Caller]
) -> None:
    anonymous = users["anonymous"]
    with javascript(supabase.url) as js, python() as py:
        for player in (js, py):
            directly = player.play(CALL, anonymous, supabase.url, EVERYTHING)
            assert directly["data"]
            assert player.play(CALL, anonymous, edge.url, EVERYTHING) == directly
            edge.kv.wait()
            asked = edge.asked
            assert player.play(CALL, anonymous, edge.url, EVERYTHING) == directly
            assert edge.asked == asked


def test_a_function_that_may_write_is_called_once_for_each_request(
    edge: Edge, users: dict[str, Caller]
) -> None:
    edge.db.run("alter function public.search_books volatile")
    try:
        edge.tick(minute=2)
        edge.settle_all()
        asked = edge.asked
        with python() as py:
            for _ in range(2):
                assert py.play(CALL, users["anonymous"], edge.url, EVERYTHING)["data"]
        assert edge.asked == asked + 2
        assert {line["reason"] for line in edge.log.events("bypass")} == {"volatile"}
    finally:
        edge.db.run("alter function public.search_books stable")
