"""Which path belongs to which table or row, and which key its entry has in KV."""

from __future__ import annotations

import pytest

from edge_cache.queries import Query
from edge_cache.resources import (
    MAX_KEY_BYTES,
    Resource,
    resource_at,
    resource_from,
    resource_of,
)
from edge_cache.tables import Declared, Queried, Table, Target
from edge_cache.urls import cut

ARTICLES = Table("articles")
TABLES = (ARTICLES, Table("products", key="sku"))
SHOP = Table("orders", schema="shop")
LATEST = Queried.of("latest", "public")
TOP = Queried.of("rpc/top", "shop")
AUTHORS = Queried.of("authors", "public", is_table=True)
DECLARED = Declared(
    (*TABLES, SHOP),
    frozenset({("latest", "public"), ("rpc/top", "shop")}),
    (("authors", "public"),),
)


def test_keys_are_those_of_the_lesson() -> None:
    """The lesson's Worker wrote `/articles` and `/articles/{id}`."""
    assert Resource(ARTICLES).key == "/articles"
    assert Resource(ARTICLES, "7").key == "/articles/7"


@pytest.mark.parametrize("path", ["/articles/a%20b", "/articles/%61%20b"])
def test_every_spelling_of_an_id_has_one_key(path: str) -> None:
    """If a path encodes a character without need, it still has the same entry."""
    resource = resource_at(path, TABLES)
    assert resource == Resource(ARTICLES, "a b")
    assert resource.key == "/articles/a%20b"


@pytest.mark.parametrize("row_id", ["a/b", "a?b", "a#b", "100%", "ü", "😀", "a&id=neq.1", "..."])
def test_a_path_leads_back_to_the_id_it_was_made_from(row_id: str) -> None:
    """Reserved characters in an id stay part of the id."""
    resource = Resource(ARTICLES, row_id)
    assert resource_at(cut(f"https://example.com{resource.path}").route, TABLES) == resource


@pytest.mark.parametrize(
    "path",
    ["/", "/other", "/articles/a/b", "/articles/..", "/articles/%2e", "/articles/%ff", "/Articles"],
)
def test_other_paths_lead_nowhere(path: str) -> None:
    """An unknown path is no resource, and neither is an id that is not UTF-8."""
    assert resource_at(path, TABLES) is None


def test_a_path_too_long_for_supabase_leads_nowhere() -> None:
    """Rows are served up to 2,000 bytes. If an id is encoded, the encoded form counts."""
    longest = "x" * (2000 - len("/articles/"))
    assert resource_at(f"/articles/{longest}", TABLES) == Resource(ARTICLES, longest)
    assert resource_at(f"/articles/{longest}x", TABLES) is None
    assert resource_at("/articles/" + "ü" * 400, TABLES) is None


def test_a_key_is_never_longer_than_kv_allows() -> None:
    """A long id is replaced by its digest, so no two ids share a key."""
    keys = {Resource(ARTICLES, "x" * 600 + end).key for end in "ab"}
    assert len(keys) == 2
    assert all(len(key) <= MAX_KEY_BYTES for key in keys)


@pytest.mark.parametrize("target", DECLARED.targets, ids=lambda target: target.name)
def test_the_versions_key_is_no_entrys_key(target: Target) -> None:
    """No row's id and no query can make readers take an entry for the versions.

    Every parameter of a query has an equals sign (`edge_cache.worker.canonical`).
    """
    if isinstance(target, Table):
        row_id = target.versions_key.removeprefix(f"/{target.name}")
        for row in (row_id, row_id.removeprefix("?"), "?versions", "versions"):
            assert Resource(target, row).key != target.versions_key
    for parameters in ("versions=", "versions=eq.1", "a=?versions"):
        query = Query("latest", parameters)
        assert Resource(target, query=query).key != target.versions_key


@pytest.mark.parametrize(
    ("query", "target"),
    [
        (Query("articles"), ARTICLES),
        (Query("articles", "select=id"), ARTICLES),
        (Query("articles", profile="public"), ARTICLES),
        (Query("orders", profile="shop"), SHOP),
        (Query("articles", "select=id,author(name)"), ARTICLES),
        (Query("latest"), LATEST),
        (Query("rpc/top", profile="shop"), TOP),
        (Query("authors", "select=name"), AUTHORS),
    ],
)
def test_a_query_belongs_to_the_target_that_its_path_names(query: Query, target: Target) -> None:
    """It does so even if it embeds other tables."""
    resource = resource_of(query, DECLARED)
    assert resource == Resource(target, query=query)
    assert resource_from(query.path, DECLARED) == resource


@pytest.mark.parametrize(
    "query",
    [
        Query("secrets"),
        Query("secrets", "select=articles(id)"),
        Query("articles", profile="shop"),
        Query("orders"),
        Query("rpc/top"),
        Query("rpc/articles"),
    ],
)
def test_a_query_of_what_is_not_declared_is_none_of_ours(query: Query) -> None:
    """The schema has to be the declared one, too."""
    assert resource_of(query, DECLARED) is None
    assert resource_from(query.path, DECLARED) is None


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/", None),
        ("/*", None),
        ("/latest", None),
        ("/articles", Resource(ARTICLES)),
        ("/articles/a%2Fb", Resource(ARTICLES, "a/b")),
        ("/rest/v1/articles/7", None),
        ("/rest/v1/", None),
        ("/rest", None),
        ("", None),
    ],
)
def test_a_path_from_the_worker_leads_back_to_the_resource(
    path: str, resource: Resource | None
) -> None:
    """If it is no resource's path, it leads nowhere."""
    assert resource_from(path, DECLARED) == resource


def test_a_query_is_of_no_single_table() -> None:
    """What can be read as a query only has none either."""
    assert Resource(ARTICLES, "7").table is ARTICLES
    for resource in (Resource(ARTICLES, query=Query("articles")), Resource(LATEST)):
        with pytest.raises(TypeError, match="a query has no single table"):
            assert resource.table


def test_only_a_table_is_whole() -> None:
    """A row is not whole, and neither is a query."""
    resources = (
        Resource(ARTICLES),
        Resource(ARTICLES, "7"),
        Resource(ARTICLES, ""),
        Resource(ARTICLES, query=Query("articles")),
    )
    assert [resource.is_whole for resource in resources] == [True, False, False, False]


def test_a_querys_key_is_its_path_or_a_digest() -> None:
    """The digest's key still shows the target. No query has such a key as its path."""
    short = Resource(ARTICLES, query=Query("articles", "a=" + "x" * 492))
    assert short.key == short.path
    assert len(short.path) == MAX_KEY_BYTES
    long = [Resource(ARTICLES, query=Query("articles", "a=" + end * 493)) for end in "xy"]
    for resource in long:
        target, digest = resource.key.split(";")
        assert target == "/rest/v1/articles"
        assert digest.startswith("sha256=")
        assert len(digest) == len("sha256=") + 64
    assert len({resource.key for resource in long}) == 2
