"""What is stored beside an entry's bytes."""

from __future__ import annotations

import json

import pytest

from edge_cache.entries import (
    MAX_NUMBER,
    NO_VERSIONS,
    Entry,
    Metadata,
    Representation,
    Versions,
    entry_of,
    etag_of,
    foreign_entry,
    parse_metadata,
)


def test_metadata_survives_being_stored() -> None:
    snapshot = entry_of(Representation(b"[]"), "p", 123, 7, 122)
    metadata = snapshot.metadata
    assert snapshot.body == b"[]"
    assert metadata == Metadata(etag_of(b"[]"), 2, 123, 7, asked_at_ms=122, project="p")
    assert parse_metadata(metadata.to_json()) == metadata


GOOD = {"v": 2, "etag": '"x"', "size": 1, "readAt": 1, "version": 1, "row": ""}


def test_metadata_of_this_package_is_read() -> None:
    """Numbers are read up to the largest that JavaScript keeps exact."""
    largest = {**GOOD, "size": 0, "readAt": 10**15 - 1, "version": 10**15 - 1}
    for fields in (GOOD, largest):
        assert parse_metadata(json.dumps(fields)) is not None


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "5"])
def test_what_is_no_metadata_is_none(text: str) -> None:
    """The entry counts as malformed; nothing is raised."""
    assert parse_metadata(text) is None


@pytest.mark.parametrize("member", GOOD)
@pytest.mark.parametrize("value", [None, [], True, -1, 1.5, 10**15, "1e5", "a\r\nb: c", 'x"'])
def test_foreign_metadata_is_none(member: str, value: object) -> None:
    """What we did not write goes into no header, and is not used as a version."""
    if member == "row" and isinstance(value, str):
        value = 5
    assert parse_metadata(json.dumps({**GOOD, member: value})) is None
    lacking = {name: given for name, given in GOOD.items() if name != member}
    assert parse_metadata(json.dumps(lacking)) is None


@pytest.mark.parametrize("rows", [None, 0, 3])
def test_the_rows_of_a_table_survive_being_stored(rows: int | None) -> None:
    """They are unknown if version 0.1 wrote the entry, or if it is no table's."""
    metadata = entry_of(Representation(b"[]", rows=rows), "p", 5, 6, 4).metadata
    assert metadata.rows == rows
    assert ("rows" in json.loads(metadata.to_json())) is (rows is not None)
    assert parse_metadata(metadata.to_json()) == metadata


@pytest.mark.parametrize("rows", [True, False, -1, 1.5, MAX_NUMBER, "3", "", []])
def test_a_foreign_count_of_rows_is_none(rows: object) -> None:
    """People would see it as a number."""
    assert parse_metadata(json.dumps({**GOOD, "rows": rows})) is None


def test_an_entry_of_version_0_1_was_wanted_when_it_was_read() -> None:
    """Its metadata does not say when somebody asked for it last."""
    metadata = parse_metadata(json.dumps({**GOOD, "readAt": 77}))
    assert metadata == Metadata('"x"', 1, 77, 1, asked_at_ms=77)


@pytest.mark.parametrize("status", [200, 206, 406])
def test_an_answers_status_and_headers_survive_being_stored(status: int) -> None:
    """All other metadata survives, too."""
    headers = {"content-type": "text/csv", "content-range": '0-"\\\\/~ '}
    snapshot = entry_of(Representation(b"a", status, headers), "p", 5, 6, 4)
    assert snapshot.metadata.headers == headers
    assert (snapshot.metadata.status, snapshot.metadata.asked_at_ms) == (status, 4)
    assert parse_metadata(snapshot.metadata.to_json()) == snapshot.metadata


def test_a_table_and_a_row_have_no_headers() -> None:
    """Their metadata has no room for headers.

    It is as in version 0.1, and has the time of the last request.
    """
    fields = json.loads(Metadata('"x"', 1, 1, 1, asked_at_ms=2).to_json())
    assert fields == {**GOOD, "askedAt": 2, "project": ""}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("askedAt", value) for value in (None, True, -1, 1.5, MAX_NUMBER, "1")),
        *(("status", value) for value in (None, True, 200.0, 201, 304, 404, 500, "200")),
        *(("headers", value) for value in (None, [], "x", [["content-type", "x"]])),
        ("headers", {"set-cookie": "x"}),
        ("headers", {"Content-Type": "x"}),
        ("headers", {"content-type": 5}),
        ("headers", {"content-type": None}),
        ("headers", {"content-type": "a\r\nb: c"}),
        ("headers", {"content-type": "ä"}),
        ("headers", {"content-type": "x" * 1001}),
        ("headers", {"content-type": "x", "content-range": "\n"}),
    ],
)
def test_foreign_statuses_and_headers_are_none(member: str, value: object) -> None:
    """We replay only what this package stored."""
    good = {**GOOD, "askedAt": 1, "status": 206, "headers": {"content-type": "x" * 1000}}
    assert parse_metadata(json.dumps(good)) is not None
    assert parse_metadata(json.dumps({**good, member: value})) is None


def test_an_etag_tells_of_status_and_headers_too() -> None:
    """The same rows may have another count. With the same ETag, a 304 would keep the old count."""

    def tag(status: int, headers: dict[str, str]) -> str:
        return entry_of(Representation(b"[]", status, headers), "p", 0, 0, 0).metadata.etag

    tags = [
        tag(200, {"content-range": "*/0"}),
        tag(206, {"content-range": "*/0"}),
        tag(200, {"content-range": "*/1"}),
        tag(200, {"content-type": "*/0"}),
        tag(200, {"content-range": "*/0", "content-type": "x"}),
        etag_of(b"[]"),
    ]
    assert len(set(tags)) == len(tags)
    assert tag(200, {"content-range": "*/0"}) == tags[0]
    assert tag(200, {}) == etag_of(b"[]")


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("5 6", Versions(5, 6)),
        ("0 0", NO_VERSIONS),
        ("7", Versions(7, 0)),
        ("9" * 15 + " 1", Versions(MAX_NUMBER - 1, 1)),
    ],
)
def test_versions_are_read(text: str, versions: Versions) -> None:
    """A single number comes from version 0.1, which knew no queries."""
    assert Versions.from_text(text) == versions
    assert Versions.from_text(versions.to_text()) == versions


@pytest.mark.parametrize(
    "text", ["", " ", "5 ", " 5", "5  6", "5 6 7", "x", "5 x", "-1", "1.5", "٣", "²", "9" * 16]
)
def test_other_texts_are_no_versions(text: str) -> None:
    """If there is no version, we cannot know that an entry is stale."""
    assert Versions.from_text(text) == NO_VERSIONS == Versions(0, 0)


def test_an_etag_is_strong_and_follows_the_bytes() -> None:
    """Equal bytes have equal tags; different bytes have different tags."""
    assert etag_of(b"a") == etag_of(b"a") != etag_of(b"b")
    assert etag_of(b"a").startswith('"')


def test_an_age_is_never_negative() -> None:
    """Another machine's clock may be ahead."""
    entry = Entry(Metadata('"x"', 1, 10_000, 1), None)
    assert (entry.age_s(9_000), entry.age_s(12_900)) == (0, 2)
    assert foreign_entry(b"[]").age_s(12_900) is None


def test_a_text_is_parsed_once() -> None:
    """Most hits are for few entries, and parsing takes most of the time of a hit."""
    text = json.dumps({**GOOD, "readAt": 78})
    assert parse_metadata(text) is parse_metadata(text) is not None
    assert Versions.from_text("78 79") is Versions.from_text("78 79")
