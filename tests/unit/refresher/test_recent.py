"""What was read lately, in memory, and how much of it."""

from __future__ import annotations

import pytest
from clock import Clock

from edge_cache.dependencies import Dependencies
from edge_cache.entries import Entry, Representation, entry_of
from edge_cache.refresher.recent import MAX_BYTES, Recent

BIG = b"x" * (MAX_BYTES // 5)
"""Two of these have room, three have not, as each is counted twice."""


@pytest.fixture
def recent() -> Recent:
    """Return a memory with nothing in it."""
    return Recent(Clock().now_ms)


def read(body: bytes) -> Entry[bytes]:
    """Return what was read at version 5."""
    depends = Dependencies(frozenset({"public.articles"}))
    return entry_of(Representation(body), "p", depends, read_at_ms=0, version=5, asked_at_ms=0)


def kept(recent: Recent, keys: str) -> list[bool]:
    """Return of which keys there is something."""
    return [recent.latest(key) is not None for key in keys]


def test_an_entry_is_kept_for_a_minute() -> None:
    """KV may say for so long that its key is absent. Readers may need something newer."""
    clock = Clock()
    recent = Recent(clock.now_ms)
    recent.put("a", read(b"[]"), b"shared")
    clock.set_by(59_999)
    assert [recent.get("a", version) is not None for version in (4, 5, 6)] == [True, True, False]
    found = recent.get("a", 5)
    assert found is not None
    assert (found.entry, found.sent.body) == (read(b"[]"), b"shared")
    clock.set_by(1)
    assert recent.get("a", 5) is None
    assert recent.latest("a") == read(b"[]")


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
def test_a_clock_that_was_set_back_makes_nothing_last_longer(back_ms: int) -> None:
    """How old an entry is cannot be told any more."""
    clock = Clock()
    recent = Recent(clock.now_ms)
    recent.put("a", read(b"[]"), b"[]")
    clock.set_by(-back_ms)
    assert recent.get("a", 5) is None


def test_the_oldest_make_room(recent: Recent) -> None:
    """One that is overwritten or forgotten takes none. One that is written again is the newest."""
    for key in "abaaacca":
        recent.put(key, read(BIG if key != "c" else b""), b"")
        recent.forget("c")
        recent.forget("c")
    assert kept(recent, "abc") == [True, True, False]
    recent.put("d", read(BIG), b"")
    assert kept(recent, "abd") == [True, False, True]


def test_many_small_ones_are_bounded_too(recent: Recent) -> None:
    """Each takes a kilobyte besides its body."""
    count, entry = MAX_BYTES // 1024, read(b"")
    for number in range(count + 1):
        recent.put(str(number), entry, b"")
    assert [recent.latest(key) is not None for key in ("0", "1", str(count))] == [False, True, True]


def test_what_has_no_room_at_all_is_not_kept(recent: Recent) -> None:
    """It does not stay in the way either."""
    recent.put("a", read(b"x" * (MAX_BYTES // 2)), b"")
    recent.put("b", read(BIG), BIG)
    assert kept(recent, "ab") == [False, True]
