"""Several tables, declared and not coded: each with its own key, schema, object and entries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from edge import Edge, EdgeOf, StartWorker, eventually
from upstream import Handler, answering, forward

from local import stack

CACHE_STATUS = "supabase-edge-cache; "

DECLARED = """
[vars.TABLES]
articles = {}
products = { key = "sku" }
events = { schema = "agenda", key = "slug" }
"Große Läden" = { watch = true }
"""

PRODUCTS = [{"sku": "A-1", "name": "Lamp"}, {"sku": "b/2", "name": "Chair"}]
EVENTS = [{"slug": "meeting", "title": "A meeting"}, {"slug": "party", "title": "A party"}]


@pytest.fixture(scope="module")
def shop_worker(start_worker: StartWorker, project: Path) -> stack.Worker:
    """Return a Worker whose wrangler.toml declares three tables."""
    config = project / "shop.toml"
    text = (project / "wrangler.toml").read_text()
    config.write_text(text.replace("\n[vars.TABLES]\narticles = {}\n", DECLARED))
    return start_worker(config=config)


@pytest.fixture
def shop(edge_of: EdgeOf, shop_worker: stack.Worker) -> Edge:
    """Return that Worker in its initial state, with rows in each table."""
    edge = edge_of(shop_worker)
    edge.db.replace_in("public", "products", "sku", PRODUCTS)
    edge.db.replace_in("agenda", "events", "slug", EVENTS)
    return edge


def webhook(table: str, schema: str, row: Mapping[str, object]) -> dict[str, object]:
    """Return the payload of an UPDATE."""
    members = {"type": "UPDATE", "table": table, "schema": schema}
    return {**members, "record": row, "old_record": row}


def test_each_table_is_served_with_its_rows(shop: Edge) -> None:
    """By its own key, from its own schema, each under its own KV key."""
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


def test_the_schema_goes_into_a_header(shop: Edge) -> None:
    """PostgREST chooses the schema by `Accept-Profile`; public needs none."""
    shop.get("/events/party")
    shop.get("/products")
    assert shop.upstream.headers[0]["accept-profile"] == "agenda"
    assert "accept-profile" not in shop.upstream.headers[1]


def test_a_webhook_is_of_one_table(shop: Edge) -> None:
    """Another schema's table of the same name is not meant."""
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


def test_revalidation_is_of_all_tables(shop: Edge) -> None:
    """One that fails keeps no other from being refreshed."""
    shop.get("/products/A-1")
    shop.get("/events/party")
    product, event = {"sku": "A-1", "name": "A new lamp"}, {"slug": "party", "title": "Off"}
    shop.db.replace_in("public", "products", "sku", [product])
    shop.db.replace_in("agenda", "events", "slug", [event])

    def without_articles(handler: Handler) -> None:
        act = answering(401) if "/articles" in handler.path else forward
        act(handler)

    shop.upstream.always = without_articles
    assert shop.get("/revalidate").status_code == 502
    assert shop.get("/products/A-1").json() == product
    assert shop.get("/events").json() == [event]
    shop.upstream.always = None
    assert shop.get("/revalidate").json() == {"received": True}


def test_health_tells_of_each(shop: Edge) -> None:
    """By its name."""
    shop.get("/events")
    shop.kv.wait()
    tables = shop.get("/health").json()["tables"]
    assert {name: table["cached"] for name, table in tables.items()} == {
        "articles": False,
        "products": False,
        "events": True,
    }


def test_the_cron_trigger_looks_after_each(shop: Edge) -> None:
    """Rows with a text key in another schema too."""
    shop.get("/events/party")
    shop.kv.wait()
    event = {"slug": "party", "title": "Moved"}
    shop.db.replace_in("agenda", "events", "slug", [event])
    shop.tick()
    eventually(lambda: shop.get("/events/party").json() == event, "the row is healed")


def test_tables_as_json_text(start_worker: StartWorker) -> None:
    """As `.dev.vars` has it; the section in wrangler.toml gives way."""
    worker = start_worker({"TABLES": json.dumps({"products": {"key": "sku"}})})
    assert httpx.get(f"{worker.url}/products").status_code == 200
    assert httpx.get(f"{worker.url}/articles").status_code == 404


def test_a_wrong_declaration_is_named(start_worker: StartWorker) -> None:
    """Each fault, as of every other variable."""
    declared = {"health": {}, "articles": {"key": 5}}
    worker = start_worker({"TABLES": json.dumps(declared)})
    problem = httpx.get(f"{worker.url}/articles")
    assert problem.status_code == 500
    assert problem.json()["type"] == "urn:supabase-edge-cache:configuration"
    assert "TABLES declares 'health', but /health is a route" in problem.json()["detail"]
    assert "TABLES.articles.key should be the name of a column" in problem.json()["detail"]
