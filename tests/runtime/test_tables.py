"""Several tables, declared without code: each has its own key, schema, object and entries."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from edge import Edge, EdgeOf, eventually

CACHE_STATUS = "supabase-edge-cache; "

DECLARED = {
    "articles": {},
    "products": {"key": "sku"},
    "events": {"schema": "agenda", "key": "slug"},
    "Große Läden": {"watch": True},
}

PRODUCTS = [{"sku": "A-1", "name": "Lamp"}, {"sku": "b/2", "name": "Chair"}]
EVENTS = [{"slug": "meeting", "title": "A meeting"}, {"slug": "party", "title": "A party"}]


@pytest.fixture
def shop(edge_of: EdgeOf) -> Edge:
    """Return a Worker that serves these tables, with rows in each."""
    edge = edge_of({"TABLES": json.dumps(DECLARED)})
    edge.db.replace_in("public", "products", "sku", PRODUCTS)
    edge.db.replace_in("agenda", "events", "slug", EVENTS)
    return edge


def webhook(table: str, schema: str, row: Mapping[str, object]) -> dict[str, object]:
    """Return the payload of an UPDATE."""
    members = {"type": "UPDATE", "table": table, "schema": schema}
    return {**members, "record": row, "old_record": row}


def test_each_table_is_served_with_its_rows(shop: Edge) -> None:
    """Each is read by its own key, from its own schema, and has its own keys in KV."""
    assert shop.get("/products").json() == PRODUCTS
    assert shop.get("/products/A-1").json() == PRODUCTS[0]
    assert shop.get("/products/b%2F2").json() == PRODUCTS[1]
    assert shop.get("/events").json() == EVENTS
    assert shop.get("/events/party").json() == EVENTS[1]
    assert [row["id"] for row in shop.get("/articles").json()] == [1, 2, 3]
    assert shop.kv.contents().keys() == {
        "/articles",
        "/events",
        "/events/party",
        "/products",
        "/products/A-1",
        "/products/b%2F2",
    }
    for path in ("/products", "/products/A-1", "/events", "/events/party"):
        assert shop.get(path).headers["cache-status"] == CACHE_STATUS + "hit"
    assert shop.get("/products/meeting").status_code == 404
    assert shop.get("/customers").status_code == 404


def test_a_webhook_is_of_one_table(shop: Edge) -> None:
    """A table of the same name in another schema does not change."""
    event = {"slug": "party", "title": "A large party"}
    for path in ("/events", "/events/party", "/articles"):
        shop.get(path)
    shop.kv.wait()
    shop.db.replace_in("agenda", "events", "slug", [EVENTS[0], event])
    ignored = shop.http.post("/revalidate", json=webhook("events", "public", event))
    assert ignored.json() == {"received": True}
    asked = shop.asked
    taken = shop.http.post("/revalidate", json=webhook("events", "agenda", event))
    assert taken.json() == {"received": True}
    eventually(lambda: shop.get("/events/party").json() == event, "the row is new")
    eventually(lambda: shop.get("/events").json()[1] == event, "the list is new")
    assert not [path for path in shop.upstream.requests[asked:] if "articles" in path]


def test_the_cron_trigger_looks_after_each(shop: Edge) -> None:
    """It also finds rows with a text key in another schema."""
    shop.get("/events/party")
    shop.kv.wait()
    event = {"slug": "party", "title": "Moved"}
    shop.db.replace_in("agenda", "events", "slug", [event])
    shop.tick()
    eventually(lambda: shop.get("/events/party").json() == event, "the row is healed")
