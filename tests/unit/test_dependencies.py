"""What an answer depends on, and into which bucket a key falls."""

from __future__ import annotations

from collections import Counter

import pytest

from edge_cache.dependencies import (
    BUCKETS,
    EVERYTHING,
    Dependencies,
    bucket_of,
    relation_id,
)


@pytest.mark.parametrize(
    ("schema", "name", "spelled"),
    [
        ("public", "articles", "public.articles"),
        ("crm", "Blog_posts-2", "crm.Blog_posts-2"),
        ("a.b", "c", "a%2Eb.c"),
        ("größe", "a b", "gr%C3%B6%C3%9Fe.a%20b"),
        ("x;y=z", "#5", "x%3By%3Dz.%235"),
        ("p", "*", "p.%2A"),
    ],
)
def test_a_relation_has_a_plain_id(schema: str, name: str, spelled: str) -> None:
    """It stands in texts that spaces, semicolons, equals signs and number signs divide."""
    assert relation_id(schema, name) == spelled


def test_no_two_relations_have_one_id() -> None:
    names = ["a", "b", "a.b", "a%2Eb", ".", "", "A", "a b", "a+b", "*"]
    ids = {relation_id(schema, name) for schema in names for name in names}
    assert len(ids) == len(names) ** 2
    assert EVERYTHING not in ids


def test_a_key_has_the_same_bucket_everywhere() -> None:
    """Entries in KV keep buckets, so a release that hashes in another way needs another format."""
    assert [bucket_of(key) for key in ("1", "2", "ü", "")] == [951, 525, 469, 0]


def test_keys_are_spread_over_all_buckets() -> None:
    """If they were not, an edit would make many more answers outdated than its own row's."""
    counted = Counter(bucket_of(str(number)) for number in range(100 * BUCKETS))
    assert counted.keys() == set(range(BUCKETS))
    assert max(counted.values()) < 200


def test_dependencies_on_keys_are_on_their_buckets() -> None:
    depends = Dependencies(frozenset({"public.a"}), frozenset({"1", "2"}))
    assert depends.buckets == {bucket_of("1"), bucket_of("2")}
    assert Dependencies().buckets == frozenset()
