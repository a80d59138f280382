"""What is stored beside an entry's bytes."""

from __future__ import annotations

import json

import pytest

from edge_cache.dependencies import BUCKETS, EVERYTHING, Dependencies, bucket_of
from edge_cache.entries import (
    Entry,
    Metadata,
    Representation,
    depends_text,
    entry_of,
    etag_of,
    foreign_entry,
    parse_metadata,
)
from edge_cache.versions import MAX_NUMBER

ON_NOTHING = Dependencies()


def stored(
    answered: Representation = Representation(b"[]"),  # noqa: B008  it is immutable
    depends: Dependencies = ON_NOTHING,
) -> Entry[bytes]:
    """Return an answer's entry."""
    return entry_of(answered, "p", depends, read_at_ms=5, version=6, asked_at_ms=4)


def test_metadata_survives_being_stored() -> None:
    depends = Dependencies(frozenset({"public.b", "public.a"}), frozenset({"7", "8"}))
    entry = stored(depends=depends)
    assert entry.body == b"[]"
    assert entry.metadata == Metadata(
        etag_of(b"[]"),
        2,
        read_at_ms=5,
        version=6,
        asked_at_ms=4,
        project="p",
        relations=("public.a", "public.b"),
        buckets=tuple(sorted((bucket_of("7"), bucket_of("8")))),
    )
    assert parse_metadata(entry.metadata.to_json()) == entry.metadata


GOOD = {"v": 3, "etag": '"x"', "size": 1, "readAt": 1, "version": 1, "row": "", "on": ""}


def test_metadata_of_this_package_is_read() -> None:
    """Numbers are read up to the largest that JavaScript keeps exact."""
    largest = {**GOOD, "size": 0, "readAt": 10**15 - 1, "version": 10**15 - 1}
    for fields in (GOOD, largest):
        assert parse_metadata(json.dumps(fields)) is not None


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "5"])
def test_what_is_no_metadata_is_none(text: str) -> None:
    """The entry counts as malformed; nothing is raised."""
    assert parse_metadata(text) is None


@pytest.mark.parametrize("member", [name for name in GOOD if name != "on"])
@pytest.mark.parametrize("value", [None, [], True, -1, 1.5, 10**15, "1e5", "a\r\nb: c", 'x"'])
def test_foreign_metadata_is_none(member: str, value: object) -> None:
    """What we did not write goes into no header, and is not used as a version."""
    if member == "row" and isinstance(value, str):
        value = 5
    assert parse_metadata(json.dumps({**GOOD, member: value})) is None
    lacking = {name: given for name, given in GOOD.items() if name != member}
    assert parse_metadata(json.dumps(lacking)) is None


@pytest.mark.parametrize(
    ("relations", "buckets", "text"),
    [
        ((), (), ""),
        (("public.a", "public.b"), (), "public.a public.b"),
        ((), (0, 63, BUCKETS - 1), "#0 #3f #3ff"),
        (("public.a",), (10,), "public.a #a"),
        ((EVERYTHING,), (), "*"),
    ],
)
def test_what_an_answer_depends_on_is_a_short_text(
    relations: tuple[str, ...], buckets: tuple[int, ...], text: str
) -> None:
    """KV's metadata have little room."""
    assert depends_text(relations, buckets) == text
    metadata = parse_metadata(json.dumps({**GOOD, "on": text}))
    assert metadata is not None
    assert (metadata.relations, metadata.buckets) == (relations, buckets)


def test_an_entry_that_does_not_say_what_it_depends_on_depends_on_everything() -> None:
    metadata = parse_metadata(json.dumps({name: GOOD[name] for name in GOOD if name != "on"}))
    assert metadata is not None
    assert metadata.relations == (EVERYTHING,)


@pytest.mark.parametrize(
    "on",
    ["#", "#x", "#400", "#-1", "public.a #g", 5, True, ["a"], {"a": 1}, None, 0, False, [], {}],
)
def test_foreign_dependencies_are_none(on: object) -> None:
    """An entry whose dependencies are unknown must not be served as fresh."""
    assert parse_metadata(json.dumps({**GOOD, "on": on})) is None


def test_an_entry_of_release_0_2_is_read_and_known_to_be_earlier() -> None:
    """Its body is still better than an error."""
    earlier = {name: value for name, value in GOOD.items() if name != "on"} | {"v": 2}
    metadata = parse_metadata(json.dumps(earlier))
    assert metadata is not None
    assert metadata.is_earlier
    assert metadata.relations == (EVERYTHING,)
    own = parse_metadata(json.dumps(GOOD))
    assert own is not None
    assert not own.is_earlier


@pytest.mark.parametrize("format_", [0, 1, 4, "3", None])
def test_an_entry_of_an_unknown_format_is_none(format_: object) -> None:
    """A later release may have written it."""
    assert parse_metadata(json.dumps({**GOOD, "v": format_})) is None


@pytest.mark.parametrize("rows", [None, 0, 3])
def test_the_rows_of_a_table_survive_being_stored(rows: int | None) -> None:
    """They are unknown if release 0.1 wrote the entry, or if it is no table's."""
    metadata = stored(Representation(b"[]", rows=rows)).metadata
    assert metadata.rows == rows
    assert ("rows" in json.loads(metadata.to_json())) is (rows is not None)
    assert parse_metadata(metadata.to_json()) == metadata


@pytest.mark.parametrize("rows", [True, False, -1, 1.5, MAX_NUMBER, "3", "", []])
def test_a_foreign_count_of_rows_is_none(rows: object) -> None:
    """People would see it as a number."""
    assert parse_metadata(json.dumps({**GOOD, "rows": rows})) is None


def test_an_entry_of_release_0_1_was_wanted_when_it_was_read() -> None:
    """Its metadata does not say when somebody asked for it last."""
    metadata = parse_metadata(json.dumps({**GOOD, "readAt": 77}))
    assert metadata == Metadata('"x"', 1, 77, 1, asked_at_ms=77)


@pytest.mark.parametrize("status", [200, 206, 406])
def test_an_answers_status_and_headers_survive_being_stored(status: int) -> None:
    """All other metadata survives, too."""
    headers = {"content-type": "text/csv", "content-range": '0-"\\\\/~ '}
    metadata = stored(Representation(b"a", status, headers)).metadata
    assert metadata.headers == headers
    assert (metadata.status, metadata.asked_at_ms) == (status, 4)
    assert parse_metadata(metadata.to_json()) == metadata


def test_a_table_and_a_row_have_no_headers() -> None:
    """Nothing of a query is stored with them."""
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
        return stored(Representation(b"[]", status, headers)).metadata.etag

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
