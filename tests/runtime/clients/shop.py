"""The shop of project/schemas/shop.sql: its rows, and what customers read with supabase-py.

shop.mjs has the same reads for supabase-js.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import scripted
from edge import Database, Edge, EdgeOf
from postgrest import CountMethod, SyncPostgrestClient, SyncRPCFilterRequestBuilder

Row = dict[str, object]

DECLARED: Mapping[str, object] = {
    "items": {},
    "categories": {},
    "item_categories": {"watch": True},
    "offers": {},
    "cart_lines": {},
    "bargains": {"view": True},
    "search_items": {"function": True},
    "cart_total": {"function": True},
}

NAMES = (
    "Green tea",
    "Black tea",
    "Tea pot, small",
    "Coffee",
    "Cup & saucer",
    "Süße Kekse",
    "Secret",
)

ITEMS: list[Row] = [
    {"id": number, "name": name, "price": f"{1.5 * number:.2f}", "listed": name != "Secret"}
    for number, name in enumerate(NAMES, start=1)
]
CATEGORIES: list[Row] = [{"id": 1, "name": "Drinks"}, {"id": 2, "name": "Dishes"}]
ITEM_CATEGORIES: list[Row] = [
    {"item_id": item, "category_id": category}
    for item, category in ((1, 1), (2, 1), (3, 1), (3, 2), (4, 1), (5, 2), (7, 2))
]
OFFERS: list[Row] = [
    {"id": number, "item_id": number, "percent": 10 * number, "for_members": number > 1}
    for number in (1, 2, 3)
]


class Request(Protocol):
    """A request that a client can send."""

    def execute(self) -> Any:
        """Send it, and return what the client makes of the answer."""


Read = Callable[[SyncPostgrestClient], Request]

EXACT = CountMethod.exact


def search(db: SyncPostgrestClient, **arguments: Any) -> SyncRPCFilterRequestBuilder:
    """Search for items, by POST."""
    return db.rpc("search_items", arguments)


PUBLIC: Mapping[str, Read] = {
    "items": lambda db: db.from_("items").select("id,name,price").order("name"),
    "items_with_categories": lambda db: (
        db.from_("items").select("name", "categories(name)").order("id")
    ),
    "items_of_a_category": lambda db: (
        db.from_("categories").select("name", "items!inner(id,name)").eq("name", "Drinks")
    ),
    "search": lambda db: search(db, query="tea"),
    "cheap_search": lambda db: search(db, query="TEA", at_most=3.5).select("name"),
    "number_of_items": lambda db: db.from_("items").select("*", count=EXACT, head=True),
    "one_item": lambda db: db.from_("items").select("*").eq("id", 3).single(),
    "price_list": lambda db: db.from_("items").select("name,price").order("id").csv(),
    "second_page": lambda db: (
        db.from_("items").select("id,name", count=EXACT).order("id").range(2, 4)
    ),
    "bargains": lambda db: db.from_("bargains").select("*").order("price"),
}
"""What everybody gets the same of."""

OWN: Mapping[str, Read] = {
    "cart": lambda db: db.from_("cart_lines").select("quantity,items(name)").order("id"),
    "cart_total": lambda db: db.rpc("cart_total", {}),
    "offers": lambda db: db.from_("offers").select("percent").order("id"),
    "items_in_carts": lambda db: (
        db.from_("items").select("name", "cart_lines(quantity)").order("id")
    ),
}
"""What differs between readers."""

READS: Mapping[str, Read] = {**PUBLIC, **OWN}


def fill(database: Database, owners: Mapping[str, int]) -> None:
    """Put these rows into the shop, and one item (a number) into the cart of each owner."""
    for table, rows in (("items", ITEMS), ("categories", CATEGORIES), ("offers", OFFERS)):
        database.replace(rows, table)
    database.insert(ITEM_CATEGORIES, "item_categories")
    carts = [
        {"id": line, "owner": owner, "item_id": item, "quantity": 10 + line}
        for line, (owner, item) in enumerate(owners.items(), start=1)
    ]
    database.insert(carts, "cart_lines")


@contextmanager
def known_to(
    edge_of: EdgeOf, database: Database, owners: Mapping[str, int], **variables: str
) -> Iterator[Edge]:
    """Have a Worker in front of the shop that knows what the database proves.

    The shop's apps may also sign in through it.
    """
    fill(database, owners)
    with scripted.known_to(edge_of, database, DECLARED, PASS_THROUGH="all", **variables) as edge:
        yield edge
