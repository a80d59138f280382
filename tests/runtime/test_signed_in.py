"""Signed-in users of both clients share what is proven the same for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import scripted
from clients import library
from clients.players import Caller, Player, javascript, python
from edge import Database, Edge, EdgeOf

from local import stack

PUBLIC = (
    "columns",
    "several_orders",
    "page",
    "single",
    "plfts",
    "count_exact",
    "one_to_many",
    "many_to_one",
    "many_to_many",
    "view_with_embeds",
)
OWN = ("seen",)


@pytest.fixture(scope="module")
def players(supabase: stack.Supabase) -> Iterator[list[Player]]:
    """Return both clients."""
    with ExitStack() as running:
        js: Player = running.enter_context(javascript(supabase.url))
        py: Player = running.enter_context(python())
        yield [js, py]


@pytest.fixture
def edge(edge_of: EdgeOf, database: Database) -> Iterator[Edge]:
    """Return a Worker that knows what the database has proven."""
    library.fill(database)
    tables = {**library.DECLARED, "book_tags": {"watch": True}}
    with scripted.known_to(edge_of, database, tables) as edge:
        yield edge


def test_a_signed_in_user_shares_what_is_proven_and_nothing_else(
    edge: Edge, supabase: stack.Supabase, users: dict[str, Caller], players: list[Player]
) -> None:
    anna = users["anna"]
    for player in players:
        for read in (*PUBLIC, *OWN):
            directly = player.play(read, anna, supabase.url)
            assert directly["data"], read
            assert player.play(read, anna, edge.url) == directly
        edge.kv.wait()
        for read in PUBLIC:
            asked = edge.asked
            assert player.play(read, anna, edge.url) == player.play(read, anna, supabase.url)
            assert edge.asked == asked, read
        for read in OWN:
            asked = edge.asked
            player.play(read, anna, edge.url)
            assert edge.asked == asked + 1, read
    assert {line["reader"] for line in edge.log.events("hit")} == {"session"}


def test_a_new_policy_that_looks_at_the_reader_ends_it(
    edge: Edge, users: dict[str, Caller], players: list[Player]
) -> None:
    anna, player = users["anna"], players[1]
    player.play("columns", anna, edge.url)
    edge.kv.wait()
    policy = 'alter policy "Anyone may read books" on public.books using'
    edge.db.run(f"{policy} (auth.uid() is not null or id > 0)")
    try:
        edge.tick(minute=2)
        edge.settle_all()
        asked = edge.asked
        for _ in range(2):
            player.play("columns", anna, edge.url)
        assert edge.asked == asked + 2
        assert edge.log.events("bypass")[-1]["reason"] == "session"
    finally:
        edge.db.run(f"{policy} (true)")
