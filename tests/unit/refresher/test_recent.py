"""What was read lately, in memory."""

from __future__ import annotations

import pytest
from clock import Clock

from edge_cache.entries import Entry, Representation, entry_of
from edge_cache.refresher.recent import KEEP_MS, MAX_BYTES, Recent

BIG = b"x" * (MAX_BYTES // 5)
"""Two of these have room, three have not, as each is counted twice."""


def read(body: bytes, version: int) -> Entry[bytes]:
    """Return what was read at a version."""
    return entry_of(Representation(body), "p", 0, version, 0)


def test_a_entry_is_kept_for_a_minute() -> None:
    """As long as KV may say that its key is absent."""
    clock = Clock()
    recent = Recent(clock.now_ms)
    entry = read(b"[]", 5)
    recent.put("a", entry, b"shared")
    clock.set_by(KEEP_MS - 1)
    kept = recent.get("a", 5)
    assert kept is not None
    assert (kept.entry, kept.sent.body) == (entry, b"shared")
    clock.set_by(1)
    assert recent.get("a", 5) is None
    assert recent.latest("a") == entry


def test_a_entry_older_than_needed_is_not_given() -> None:
    """Something changed since."""
    recent = Recent(lambda: 0)
    recent.put("a", read(b"[]", 5), b"[]")
    assert recent.get("a", 4)
    assert recent.get("a", 5)
    assert recent.get("a", 6) is None


@pytest.mark.parametrize("back_ms", [1, 30_000, 3_600_000])
def test_a_clock_that_was_set_back_makes_nothing_last_longer(back_ms: int) -> None:
    """How old an entry is cannot be told any more."""
    clock = Clock()
    recent = Recent(clock.now_ms)
    recent.put("a", read(b"[]", 5), b"[]")
    clock.set_by(-back_ms)
    assert recent.get("a", 5) is None


def test_the_oldest_make_room() -> None:
    """The newest is always there."""
    recent = Recent(lambda: 0)
    for key in "abc":
        recent.put(key, read(BIG, 5), BIG)
    assert [recent.latest(key) is not None for key in "abc"] == [False, True, True]


def test_an_overwritten_entry_takes_no_room() -> None:
    """Nor does one that was forgotten; who is written again is the newest."""
    recent = Recent(lambda: 0)
    for key in "abaaacca":
        recent.put(key, read(BIG if key != "c" else b"", 5), b"")
        recent.forget("c")
        recent.forget("c")
    assert [recent.latest(key) is not None for key in "abc"] == [True, True, False]
    recent.put("d", read(BIG, 5), b"")
    assert [recent.latest(key) is not None for key in "abd"] == [True, False, True]


def test_many_small_ones_are_bounded_too() -> None:
    """Each takes a kilobyte besides its body."""
    recent = Recent(lambda: 0)
    count = MAX_BYTES // 1024
    for number in range(count + 1):
        recent.put(str(number), read(b"", 5), b"")
    assert [recent.latest(key) is not None for key in ("0", "1", str(count))] == [False, True, True]


def test_what_has_no_room_at_all_is_not_kept() -> None:
    """Nor does it stay in the way."""
    recent = Recent(lambda: 0)
    body = b"x" * (MAX_BYTES // 2)
    recent.put("a", read(body, 5), body)
    assert recent.latest("a") is None
    recent.put("b", read(BIG, 5), BIG)
    assert recent.latest("b") is not None
