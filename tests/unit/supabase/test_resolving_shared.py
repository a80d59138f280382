"""Which answers are the same for readers who are signed in."""

from __future__ import annotations

import pytest
from catalogues import catalogue_of, computed, foreign_key, function, table, view

from edge_cache.dependencies import Dependencies
from edge_cache.queries import Query
from edge_cache.supabase.catalogue import declaring
from edge_cache.supabase.resolving import (
    is_shared,
    query_dependencies,
    row_dependencies,
    table_dependencies,
)

SAME = None
SHOP = catalogue_of(
    table(
        "products",
        reads=["currencies"],
        computed=[computed("price", differs=SAME), computed("my_price")],
        differs=SAME,
    ),
    table("makers", differs=SAME),
    table("carts"),
    table("tags", differs=SAME),
    table("labels", differs=SAME),
    table("product_tags", differs=SAME),
    table("product_labels"),
    view("shown", reads=["carts", "products"], differs=SAME),
    view("mine", reads=["products"]),
    foreign_key("products_maker_fkey", "products(maker_id)", "makers(id)"),
    foreign_key("carts_product_fkey", "carts(product_id)", "products(id)"),
    foreign_key("pt_product_fkey", "product_tags(product_id)", "products(id)"),
    foreign_key("pt_tag_fkey", "product_tags(tag_id)", "tags(id)"),
    foreign_key("pl_product_fkey", "product_labels(product_id)", "products(id)"),
    foreign_key("pl_label_fkey", "product_labels(label_id)", "labels(id)"),
    function("search", reads=["products"], returns="products", differs=SAME),
    function("whose", reads=["products"]),
    function("both", reads=["products"], differs=SAME),
    function("both", reads=["products"]),
)


def resolved(target: str, parameters: str = "") -> Dependencies:
    """Return what the answer to a query depends on."""
    return query_dependencies(Query(target, parameters), SHOP, is_table=True)


@pytest.mark.parametrize(
    ("target", "parameters"),
    [
        ("products", ""),
        ("products", "id=eq.1"),
        ("products", "select=*"),
        ("products", "select=title,price"),
        ("products", "select=title,makers(name)"),
        ("products", "select=title,tags(name)"),
        ("products", "order=makers(name)"),
        ("shown", ""),
        ("rpc/search", ""),
        ("rpc/search", "select=title,makers(name)"),
    ],
)
def test_it_is_if_everything_is_that_the_query_names(target: str, parameters: str) -> None:
    assert resolved(target, parameters).is_shared


@pytest.mark.parametrize(
    ("target", "parameters"),
    [
        ("carts", ""),
        ("carts", "id=eq.1"),
        ("carts", "select=products(title)"),
        ("products", "select=title,carts(id)"),
        ("products", "select=title,carts!inner()"),
        ("products", "select=title,makers(name,products(carts(id)))"),
        ("products", "select=title,labels(name)"),
        ("products", "select=title,my_price"),
        ("products", "my_price=gt.1"),
        ("products", "select=title::slug"),  # a type of the project's own brings its own code along
        ("products", "select=nothing(id)"),
        ("products", "select=title,("),
        ("mine", ""),
        ("unknown", ""),
        ("rpc/whose", ""),
        ("rpc/both", ""),
        ("rpc/unknown", ""),
        ("rpc/search", "select=title,carts(id)"),
    ],
)
def test_it_is_not_if_anything_is_not(target: str, parameters: str) -> None:
    assert not resolved(target, parameters).is_shared


def test_tables_and_rows_are_judged_too() -> None:
    for name, expected in (("products", True), ("carts", False), ("unknown", False)):
        relation = ("public", name)
        assert table_dependencies(relation, SHOP).is_shared is expected
        assert row_dependencies(relation, "1", SHOP).is_shared is expected


def test_without_a_catalogue_nothing_is() -> None:
    assert not query_dependencies(Query("products"), None, is_table=True).is_shared
    assert not table_dependencies(("public", "products"), None).is_shared


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("products", True),
        ("carts", False),
        ("unknown", False),
        ("rpc/search", True),
        ("rpc/both", False),
        ("rpc/unknown", False),
        ("search", False),
    ],
)
def test_a_path_is_if_what_it_names_is(path: str, expected: bool) -> None:
    assert is_shared("public", path, SHOP) is expected
    assert not is_shared("private", path, SHOP)


def test_what_is_declared_counts_as_proven() -> None:
    names = [("public", "carts"), ("public", "rpc/whose"), ("public", "both")]
    declared = declaring(SHOP, dict.fromkeys(names, "public"))
    assert is_shared("public", "carts", declared)
    assert is_shared("public", "rpc/whose", declared)
    assert not is_shared("public", "rpc/both", declared)
    assert not is_shared("public", "mine", declared)


def test_what_is_declared_to_be_passed_on_is_no_part_of_a_shared_answer() -> None:
    declared = declaring(SHOP, {("public", "makers"): "pass"})
    assert not is_shared("public", "makers", declared)
    assert is_shared("public", "products", declared)
    query = Query("products", "select=title,makers(name)")
    assert not query_dependencies(query, declared, is_table=True).is_shared
