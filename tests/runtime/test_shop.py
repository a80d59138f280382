"""A shop's customers, with both clients and after a real sign-in.

They share what is proven the same for everybody, and keep what is their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from clients import shop
from clients.players import EVERYTHING, Caller, Outcome, Player, javascript, python
from edge import Edge

from local import stack

CUSTOMERS = ("anna", "bert", "anonymous")
CARTS = {
    "anna": [{"quantity": 11, "items": {"name": "Green tea"}}],
    "bert": [{"quantity": 12, "items": {"name": "Black tea"}}],
    "anonymous": [],
}


@pytest.fixture(scope="module")
def players(supabase: stack.Supabase) -> Iterator[list[Player]]:
    """Return both clients."""
    with ExitStack() as running:
        js: Player = running.enter_context(javascript(supabase.url))
        py: Player = running.enter_context(python())
        yield [js, py]


class Shop:
    """What customers get from Supabase itself, and from the Worker in front of it."""

    def __init__(self, edge: Edge, directly: str, users: dict[str, Caller]) -> None:
        self.edge = edge
        self.directly = directly
        self.users = users

    def read(self, player: Player, who: str, read: str) -> tuple[Outcome, int]:
        """Return what the Worker gives a customer, and how often Supabase was asked for it."""
        asked = self.edge.asked
        outcome = player.play(read, self.users[who], self.edge.url, EVERYTHING)
        found = self.edge.asked - asked
        assert outcome == player.play(read, self.users[who], self.directly, EVERYTHING), (who, read)
        return outcome, found


def test_customers_share_the_shop_and_nobody_sees_anothers_cart(
    shop_edge: Edge, supabase: stack.Supabase, users: dict[str, Caller], players: list[Player]
) -> None:
    """In the second round, what is public comes from the cache."""
    edge = shop_edge
    customers = Shop(edge, supabase.url, users)
    for player in players:
        for _ in range(2):
            found = {
                (who, read): customers.read(player, who, read)
                for read in shop.READS
                for who in CUSTOMERS
            }
            edge.kv.wait()
        for (who, read), (outcome, asked) in found.items():
            assert outcome["error"] is None
            assert asked == (read in shop.OWN and who != "anonymous"), (who, read)
        for who, cart in CARTS.items():
            assert found[who, "cart"][0]["data"] == cart
    assert {line.get("reader") for line in edge.log.events("hit")} == {"session", None}


def test_a_new_policy_that_looks_at_the_reader_ends_it(
    shop_edge: Edge, supabase: stack.Supabase, users: dict[str, Caller], players: list[Player]
) -> None:
    """From then on, each seller sees their own items, and nobody else sees any."""
    edge = shop_edge
    customers, player = Shop(edge, supabase.url, users), players[1]
    for read in shop.PUBLIC:
        customers.read(player, "anna", read)
    edge.kv.wait()
    policy = 'alter policy "Anyone may read listed items" on public.items using'
    sold = {"seller": users["anna"].user}
    edge.db.http.patch("/items", params={"id": "eq.3"}, json=sold).raise_for_status()
    edge.db.run(f"{policy} (seller = auth.uid())")
    try:
        edge.tick(minute=2)
        edge.settle_all()
        edge.kv.wait()
        for read in shop.PUBLIC:
            for who in ("anna", "bert", "anna"):
                assert customers.read(player, who, read)[1] == 1, (who, read)
        items = [customers.read(player, who, "items")[0]["data"] for who in CUSTOMERS]
        assert [[item["id"] for item in found] for found in items] == [[3], [], []]
    finally:
        edge.db.run(f"{policy} (listed)")
