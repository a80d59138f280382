"""What is stored beside an entry's bytes."""

from __future__ import annotations

import json

import pytest

from edge_cache.entries import Metadata, Representation, age_s, etag_of, parse_metadata, snapshot_of


def test_metadata_survives_being_stored() -> None:
    """What is written is what is read."""
    snapshot = snapshot_of(Representation(b"[]"), 123, 7, 122)
    metadata = snapshot.metadata
    assert snapshot.body == b"[]"
    assert metadata == Metadata(etag_of(b"[]"), 2, 123, 7, asked_at_ms=122)
    assert parse_metadata(metadata.to_json()) == metadata


GOOD = {"v": 2, "etag": '"x"', "size": 1, "readAt": 1, "version": 1, "row": ""}


def test_metadata_of_this_package_is_read() -> None:
    """Up to the largest numbers that JavaScript keeps exact."""
    largest = {**GOOD, "size": 0, "readAt": 10**15 - 1, "version": 10**15 - 1}
    for fields in (GOOD, largest):
        assert parse_metadata(json.dumps(fields)) is not None


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "5"])
def test_what_is_no_metadata_is_none(text: str) -> None:
    """An entry with it is malformed, which is no exception."""
    assert parse_metadata(text) is None


@pytest.mark.parametrize("member", GOOD)
@pytest.mark.parametrize("value", [None, [], True, -1, 1.5, 10**15, "1e5", "a\r\nb: c", 'x"'])
def test_foreign_metadata_is_none(member: str, value: object) -> None:
    """Nothing of another making goes into a header, or is taken for a version."""
    if member == "row" and isinstance(value, str):
        value = 5
    assert parse_metadata(json.dumps({**GOOD, member: value})) is None
    lacking = {name: given for name, given in GOOD.items() if name != member}
    assert parse_metadata(json.dumps(lacking)) is None


def test_an_etag_is_strong_and_follows_the_bytes() -> None:
    """Equal bytes have equal tags, others do not."""
    assert etag_of(b"a") == etag_of(b"a") != etag_of(b"b")
    assert etag_of(b"a").startswith('"')


def test_an_age_is_never_negative() -> None:
    """Another machine's clock may be ahead."""
    assert age_s(10_000, 9_000) == 0
    assert age_s(10_000, 12_900) == 2
