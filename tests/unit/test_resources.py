"""Which path is which table or row, and under which key it lies."""

from __future__ import annotations

import pytest

from edge_cache.resources import MAX_KEY_BYTES, Resource, path_of, resource_at
from edge_cache.tables import Table

ARTICLES = Table("articles")
TABLES = (ARTICLES, Table("products", key="sku"))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://localhost:8787/articles", "/articles"),
        ("https://example.com/articles/", "/articles"),
        ("https://example.com/articles?page=2#top", "/articles"),
        ("https://example.com/articles/7/?x=/y", "/articles/7"),
        ("https://example.com/articles?from=https://example.com/other", "/articles"),
        ("https://example.com/articles#top?", "/articles"),
        ("https://example.com/articles/X", "/articles/X"),
        ("https://example.com", "/"),
        ("https://example.com/", "/"),
    ],
)
def test_a_path_has_no_query_fragment_or_trailing_slash(url: str, path: str) -> None:
    """Query strings and trailing slashes never make another entry."""
    assert path_of(url) == path


def test_keys_are_those_of_the_lesson() -> None:
    """The lesson's Worker wrote `/articles` and `/articles/{id}`."""
    assert Resource(ARTICLES).key == "/articles"
    assert Resource(ARTICLES, "7").key == "/articles/7"


@pytest.mark.parametrize("path", ["/articles/a%20b", "/articles/%61%20b"])
def test_every_spelling_of_an_id_has_one_key(path: str) -> None:
    """Percent-encoding what need not be encoded makes no second entry."""
    resource = resource_at(path, TABLES)
    assert resource == Resource(ARTICLES, "a b")
    assert resource.key == "/articles/a%20b"


@pytest.mark.parametrize("row_id", ["a/b", "a?b", "a#b", "100%", "ü", "😀", "a&id=neq.1", "."])
def test_a_path_leads_back_to_the_id_it_was_made_from(row_id: str) -> None:
    """Reserved characters in an id stay part of the id."""
    resource = Resource(ARTICLES, row_id)
    assert resource_at(path_of(f"https://example.com{resource.path}"), TABLES) == resource


@pytest.mark.parametrize("path", ["/", "/other", "/articles/a/b", "/articles/%ff", "/Articles"])
def test_other_paths_lead_nowhere(path: str) -> None:
    """Neither an unknown path nor an id that is not UTF-8 is a resource."""
    assert resource_at(path, TABLES) is None


def test_a_path_too_long_for_supabase_leads_nowhere() -> None:
    """Up to 2,000 bytes a row is served; of an encoded id the encoded form counts."""
    longest = "x" * (2000 - len("/articles/"))
    assert resource_at(f"/articles/{longest}", TABLES) == Resource(ARTICLES, longest)
    assert resource_at(f"/articles/{longest}x", TABLES) is None
    assert resource_at("/articles/" + "ü" * 400, TABLES) is None


def test_a_key_is_never_longer_than_kv_allows() -> None:
    """Longer ids share no key: a digest stands for them."""
    keys = {Resource(ARTICLES, "x" * 600 + end).key for end in "ab"}
    assert len(keys) == 2
    assert all(len(key) <= MAX_KEY_BYTES for key in keys)


def test_the_versions_key_is_no_rows_key() -> None:
    """No id can make readers take a row for the version."""
    row_id = ARTICLES.version_key.removeprefix("/articles")
    assert Resource(ARTICLES, row_id).key != ARTICLES.version_key
