"""Tables that are declared under another name than their own, or that have no path."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from clients import library
from edge import Edge, EdgeOf, eventually

from local import stack

DECLARED = {
    "posts": {"name": "Blog Posts", "key": "order"},
    "products": {"key": "sku"},
    "agenda_products": {"name": "products", "schema": "agenda", "key": "sku"},
    "books": {},
    "book_tags": {"watch": True},
}

ORDERS = ["1", "2,3", "a(b)", 'q"\\', "100%", "a.b", "ü \N{GHOST}", "eq.x", "a&order=b", "*"]
"""Keys of posts. Each must name its own row and no other."""

POSTS = [{"order": order, "title": f"Post {order}"} for order in ORDERS]

OURS = "supabase-edge-cache; "


@pytest.fixture
def named(edge_of: EdgeOf) -> Edge:
    """Return a Worker that serves these tables, with rows in each."""
    edge = edge_of({"TABLES": json.dumps(DECLARED)})
    edge.db.replace_in("public", quote("Blog Posts"), '"order"', POSTS)
    edge.db.replace_in("public", "products", "sku", [{"sku": "A-1", "name": "Lamp"}])
    edge.db.replace_in("agenda", "products", "sku", [{"sku": "A-1", "name": "Notebook"}])
    library.fill(edge.db)
    return edge


def changed(edge: Edge, table: str, schema: str = "public", **payload: object) -> None:
    """Tell the Worker of a change as Supabase's webhook does."""
    told = {"type": "UPDATE", "table": table, "schema": schema, **payload}
    edge.http.post("/revalidate", json=told).raise_for_status()


def test_each_row_is_named_by_its_key(named: Edge) -> None:
    """The key column may have any name, and the key any character."""
    assert sorted(row["order"] for row in named.get("/posts").json()) == sorted(ORDERS)
    for post in POSTS:
        answer = named.get(f"/posts/{quote(post['order'], safe='')}")
        assert (answer.status_code, answer.json()) == (200, post)
    assert named.get("/posts/2").status_code == 404


def test_a_webhook_has_the_tables_own_name(named: Edge) -> None:
    """A TRUNCATE names no row, so all rows are read again."""
    for path in ("/posts/1", "/posts/100%25"):
        named.get(path)
    named.kv.wait()
    named.db.http.patch("/Blog%20Posts", params={"title": "not.is.null"}, json={"title": "New"})
    changed(named, "Blog Posts", record={"order": "1"}, old_record={"order": "1"})
    eventually(lambda: named.get("/posts/1").json()["title"] == "New", "the row is new")
    assert named.get("/posts/100%25").json()["title"] == "Post 100%"
    changed(named, "Blog Posts", type="TRUNCATE")
    eventually(lambda: named.get("/posts/100%25").json()["title"] == "New", "so are the others")


def test_a_name_that_stands_in_no_path_is_passed_on_there(
    named: Edge, supabase: stack.Supabase
) -> None:
    """The name in the declaration is no relation's name."""
    headers = {"apikey": supabase.publishable_key}
    passed_on = named.http.get(
        "/rest/v1/Blog%20Posts?select=title&title=eq.Post 1", headers=headers
    )
    assert passed_on.json() == [{"title": "Post 1"}]
    assert "detail=undeclared" in passed_on.headers["cache-status"]
    passed_on = named.http.get("/rest/v1/posts", headers=headers)
    assert passed_on.status_code == 404
    assert "detail=undeclared" in passed_on.headers["cache-status"]


def test_tables_of_one_name_are_two(named: Edge, supabase: stack.Supabase) -> None:
    """Each has its own path, and its own entry of the same query."""
    assert named.get("/products/A-1").json()["name"] == "Lamp"
    assert named.get("/agenda_products/A-1").json()["name"] == "Notebook"
    headers = {"apikey": supabase.publishable_key, "accept-profile": "agenda"}

    def asked() -> tuple[object, str]:
        answer = named.http.get("/rest/v1/products?select=name", headers=headers)
        return answer.json(), answer.headers["cache-status"].removeprefix(OURS)[:4]

    assert asked() == ([{"name": "Notebook"}], "fwd=")
    assert asked() == ([{"name": "Notebook"}], "hit;")
    row = {"sku": "A-1", "name": "Calendar"}
    named.db.replace_in("agenda", "products", "sku", [row])
    changed(named, "products", "agenda", record=row, old_record=row)
    eventually(lambda: asked()[0] == [{"name": "Calendar"}], "the query is read again")
    assert named.get("/products/A-1").json()["name"] == "Lamp"


def test_a_table_without_a_key_is_cached_as_a_query(named: Edge, supabase: stack.Supabase) -> None:
    """A watched junction table has no path of its own, but each of its changes is noticed."""
    headers = {"apikey": supabase.publishable_key}
    path = "/rest/v1/book_tags?select=tag_id&book_id=eq.1"

    def asked() -> tuple[object, str]:
        answer = named.http.get(path, headers=headers)
        return answer.json(), answer.headers["cache-status"].removeprefix(OURS)[:4]

    assert asked() == ([{"tag_id": 1}], "fwd=")
    assert asked() == ([{"tag_id": 1}], "hit;")
    named.db.http.delete("/book_tags", params={"book_id": "eq.1"}).raise_for_status()
    changed(named, "book_tags", type="DELETE", old_record={"book_id": 1, "tag_id": 1})
    eventually(lambda: asked()[0] == [], "the query is read again")
    assert named.get("/book_tags").status_code == 404
    session = {**headers, "authorization": "Bearer somebody"}
    assert "detail=session" in named.http.get(path, headers=session).headers["cache-status"]
