"""The versions that a target publishes, and what a reader finds in them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_cache.dependencies import BUCKETS, EVERYTHING, relation_id
from edge_cache.versions import MAX_NUMBER, NOT_PUBLISHED, UNREADABLE, Published, Versions

RELATIONS = [
    EVERYTHING,
    *(relation_id("public", name) for name in ("a", "aa", "b", "a b", "#5", "x;y=1", "*")),
]
FLOOR = 1_700_000_000_000

numbers = st.one_of(st.integers(0, 20), st.integers(FLOOR - 5, FLOOR + 20))
versions = st.builds(
    Versions,
    numbers,
    numbers,
    st.dictionaries(st.sampled_from(RELATIONS), numbers),
    numbers,
    st.dictionaries(st.sampled_from([0, 1, 5, 0x3F, 0x3FF, BUCKETS - 1]), numbers),
)


def test_the_text_is_the_one_of_the_docstring() -> None:
    """An entry in KV outlives a release, so its form matters."""
    known = Versions(FLOOR, FLOOR + 9, {"public.authors": FLOOR + 4}, FLOOR + 2, {0x3F: FLOOR + 9})
    text = "1700000000000 1700000000009;public.authors=4;#=2;#3f=9;"
    assert known.to_text() == text
    assert Published.of(text) == Published(text, FLOOR, FLOOR + 9)


def test_what_is_not_above_the_floor_is_left_out() -> None:
    known = Versions(5, 9, {"public.b": 4, "public.a": 5, "public.c": 6}, 5, {1: 5, 2: 0})
    assert known.to_text() == "5 9;public.c=1;"
    assert Versions().to_text() == "0 0;"


@given(
    known=versions,
    relations=st.lists(st.sampled_from([*RELATIONS, "public.unknown"])),
    buckets=st.lists(st.sampled_from([0, 1, 3, 5, 0x3F, 0x3FF])),
)
def test_a_reader_needs_what_the_target_needs(
    known: Versions, relations: list[str], buckets: list[int]
) -> None:
    published = Published.of(known.to_text())
    assert published.needed(relations, buckets) == known.needed(relations, buckets)
    assert (published.floor, published.highest) == (known.floor, known.highest)


def test_an_answer_needs_the_latest_of_what_it_depends_on() -> None:
    known = Versions(5, 9, {"public.a": 7, "public.b": 9}, 6, {1: 8})
    for each in (known, Published.of(known.to_text())):
        assert each.needed([], []) == 5
        assert each.needed(["public.c"], []) == 5
        assert each.needed(["public.a"], []) == 7
        assert each.needed(["public.a", "public.b"], [1]) == 9
        assert each.needed([], [2]) == 6
        assert each.needed([], [2, 1]) == 8


def test_without_versions_no_entry_is_outdated() -> None:
    """Entries of another Worker have no version at all."""
    assert NOT_PUBLISHED.needed([EVERYTHING, "public.a"], [0, 5]) == 0


@pytest.mark.parametrize(
    "text",
    [
        *("", ";", "5;", "5 6", " 6;", "5 ;", "5  6;", "5 6 7;", "x 6;", "5 x;", "-1 6;", "1.5 6;"),
        *(
            "٣ 6;",
            "² 6;",
            "5 6;#=1",
            f"{MAX_NUMBER} 6;",
            f"5 {MAX_NUMBER};",
            "5\n6;",
            "{};",
            "null;",
        ),
    ],
)
def test_a_text_that_nobody_can_have_written_makes_every_entry_outdated(text: str) -> None:
    """No entry has so high a number (`edge_cache.entries.parse_metadata`)."""
    assert Published.of(text) == UNREADABLE
    assert UNREADABLE.needed([], []) >= MAX_NUMBER


@pytest.mark.parametrize("number", ["", "x", "-1", "1.5", "٣", str(MAX_NUMBER)])
def test_a_member_that_nobody_can_have_written_makes_what_depends_on_it_outdated(
    number: str,
) -> None:
    published = Published.of(f"5 6;public.a={number};#={number};public.b=1;")
    assert published.needed(["public.a"], []) >= MAX_NUMBER
    assert published.needed([], [0]) >= MAX_NUMBER
    assert published.needed(["public.b"], []) == 6


def test_no_name_is_found_inside_another() -> None:
    """Neither is a relation found in a bucket, or a bucket in all rows."""
    published = Published.of("0 9;public.aa=1;xpublic.a=2;public.a.b=3;#3f=4;#f=5;")
    for missing in ("public.a", "public.b", "a", "9", ""):
        assert published.needed([missing], []) == 0
    assert published.needed([], [3]) == 0
    assert published.needed([], [0x3F]) == 4
    assert published.needed([], [0xF]) == 5


def test_a_text_is_parsed_once() -> None:
    """Most hits are for few targets."""
    assert Published.of("78 79;") is Published.of("78 79;")


@pytest.mark.parametrize(("edits", "most"), [(0, 30), (10, 150), (1000, 6_000), (100_000, 12_000)])
def test_the_text_stays_small(edits: int, most: int) -> None:
    """It is read with every entry, so its size is part of every hit."""
    chance = random.Random(edits)  # noqa: S311  it has to be the same each time
    buckets = {chance.randrange(BUCKETS): FLOOR + edit for edit in range(1, edits + 1)}
    relations = {relation_id("public", name): FLOOR + edits for name in ("articles", "authors")}
    text = Versions(FLOOR, FLOOR + edits, relations, 0, buckets).to_text()
    assert text.isascii()
    assert len(text) <= most


def test_the_longest_text_is_twenty_kilobytes() -> None:
    """Its floor is far below the numbers of all buckets."""
    buckets = dict.fromkeys(range(BUCKETS), FLOOR)
    assert len(Versions(0, FLOOR, {}, FLOOR, buckets).to_text()) <= 20_000
