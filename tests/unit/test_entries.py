"""What is stored beside an entry's bytes."""

from __future__ import annotations

import pytest

from edge_cache.entries import Metadata, age_s, etag_of, parse_metadata, snapshot_of


def test_metadata_survives_being_stored() -> None:
    """What is written is what is read."""
    snapshot = snapshot_of(b"[]", 123, 7)
    metadata = snapshot.metadata
    assert snapshot.body == b"[]"
    assert metadata == Metadata(etag_of(b"[]"), 2, 123, 7)
    assert parse_metadata(metadata.to_json()) == metadata


def test_metadata_fits_into_kv() -> None:
    """Workers KV takes 1,024 bytes of metadata."""
    assert len(snapshot_of(b"x" * 10_000, 2**53, 2**53).metadata.to_json()) < 1024


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"v": 1, "etag": "x", "size": 1, "readAt": 1}',
        '{"v": 1, "etag": "x", "size": 1, "readAt": 1, "version": 1, "row": ""}',
        '{"v": 2, "etag": "x"}',
        '{"v": 2, "etag": 5, "size": 1, "readAt": 1, "version": 1, "row": ""}',
        '{"v": 2, "etag": "x", "size": "1", "readAt": 1, "version": 1, "row": ""}',
        '{"v": 2, "etag": "x", "size": 1, "readAt": null, "version": 1, "row": ""}',
        '{"v": 2, "etag": "x", "size": 1, "readAt": 1, "version": "1", "row": ""}',
        '{"v": 2, "etag": "x", "size": 1, "readAt": 1, "version": 1, "row": 5}',
    ],
)
def test_foreign_metadata_is_none(text: str) -> None:
    """Metadata of another making makes an entry malformed, not an exception."""
    assert parse_metadata(text) is None


def test_an_etag_is_strong_and_follows_the_bytes() -> None:
    """Equal bytes have equal tags, others do not."""
    assert etag_of(b"a") == etag_of(b"a") != etag_of(b"b")
    assert etag_of(b"a").startswith('"')


def test_an_age_is_never_negative() -> None:
    """Another machine's clock may be ahead."""
    assert age_s(10_000, 9_000) == 0
    assert age_s(10_000, 12_900) == 2
