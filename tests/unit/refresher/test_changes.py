"""A table's versions and its pending changes."""

from __future__ import annotations

import pytest
from world import LIST, row

from edge_cache.entries import Versions
from edge_cache.refresher.changes import MAX_ROWS, Changes


def test_every_change_raises_the_version() -> None:
    """The table and each row that it touches need the latest change."""
    changes = Changes(version=7).with_change(["1"]).with_change(["2", "1"])
    assert changes == Changes(version=9, listed=9, rows={"1": 9, "2": 9})
    assert changes.pending == 3


def test_a_change_of_no_known_row_touches_the_table() -> None:
    """It is pending too."""
    assert Changes(version=7).with_change([]) == Changes(version=8, listed=8)


def test_a_read_needs_what_happened_to_its_resource() -> None:
    """A table's everything; a row's its own changes, and those of all rows."""
    changes = (
        Changes(version=5, stale=Versions(3), published=Versions(3))
        .with_change(["1"])
        .with_change(["2"])
    )
    assert [changes.needed(each) for each in (LIST, row("1"), row("2"), row("3"))] == [7, 6, 7, 3]


def test_a_row_that_changed_before_all_rows_did_needs_the_later() -> None:
    """The higher of both versions."""
    assert Changes(stale=Versions(9), rows={"1": 4}).needed(row("1")) == 9


def test_what_nobody_told_of_raises_the_version_alone() -> None:
    """Nothing is pending for it."""
    changes = Changes(version=5).with_change(["1"])
    assert changes.raised() == Changes(version=7, listed=6, rows={"1": 6})


def test_many_rows_become_all_rows() -> None:
    """A burst costs a bounded number of reads and writes."""
    changes = Changes()
    for number in range(MAX_ROWS):
        changes = changes.with_change([str(number)])
    assert (len(changes.rows), changes.stale.rows, changes.pending) == (20, 0, 21)
    changes = changes.with_change(["one more"])
    assert changes == Changes(version=21, listed=21, stale=Versions(21))
    assert changes.pending == 2
    assert changes.with_change(["x"]) == Changes(version=22, listed=22, stale=Versions(22))


def test_once_readers_know_the_rows_version_rows_are_named_again() -> None:
    """A burst does not have every later change refresh everything."""
    changes = Changes(version=5, stale=Versions(5)).with_published(Versions(5))
    assert changes.is_published
    assert changes.with_change(["1"]).rows == {"1": 6}


def test_a_version_that_kv_took_is_never_taken_back() -> None:
    """Writes may end in another order than they began."""
    assert Changes(version=5, stale=Versions(5), published=Versions(5)).with_published(
        Versions(4)
    ).published == Versions(5)


def test_an_older_version_of_the_rows_is_not_enough() -> None:
    """Readers have to see the latest."""
    assert not Changes(version=5, stale=Versions(5)).with_published(Versions(4)).is_published


def test_stale_rows_are_not_pending_up_to_that_version() -> None:
    """Later changes of single rows stay."""
    changes = Changes(version=9, rows={"1": 6, "2": 7, "3": 8}).with_all_rows(7)
    assert (changes.rows, changes.stale.rows) == ({"3": 8}, 7)
    assert changes.with_all_rows(5).stale.rows == 7


@pytest.mark.parametrize(("version", "listed"), [(5, 6), (6, 0), (7, 0)])
def test_a_table_is_done_once_an_entry_has_its_latest_change(version: int, listed: int) -> None:
    """One that was read before is not enough."""
    assert Changes(version=8, listed=6).with_list(version).listed == listed


@pytest.mark.parametrize(("version", "rows"), [(5, {"1": 6, "2": 3}), (6, {"2": 3}), (7, {"2": 3})])
def test_a_row_is_done_once_an_entry_has_its_latest_change(
    version: int, rows: dict[str, int]
) -> None:
    """The others are left as they are."""
    assert Changes(version=8, rows={"1": 6, "2": 3}).with_row("1", version).rows == rows


def test_a_row_that_is_not_pending_may_be_done() -> None:
    """It changes nothing."""
    changes = Changes(version=8, rows={"2": 3})
    assert changes.with_row("1", 8) == changes


def test_what_a_reader_saw_in_kv_is_learned() -> None:
    """An earlier life's storage may be lost; its versions still count."""
    seen = Changes(version=5).with_seen(row("1"), 9)
    assert seen == Changes(version=9, stale=Versions(9), published=Versions(9))
    assert seen.needed(row("1")) == 9
    assert seen.with_change(["1"]) == Changes(
        10, Versions(9), Versions(9), listed=10, rows={"1": 10}
    )


def test_what_a_reader_saw_is_never_less_than_what_is_known() -> None:
    """KV may show an old version for a while, and a version may wait to be published."""
    known = Changes(version=9, stale=Versions(8), published=Versions(7))
    assert known.with_seen(row("1"), 7) == known
    assert known.with_seen(row("1"), 6) == known
    assert known.with_seen(row("1"), 8) == Changes(
        version=9, stale=Versions(8), published=Versions(8)
    )


def test_it_survives_a_restart() -> None:
    """What is stored is what is read."""
    changes = Changes(9, Versions(8), Versions(7), listed=6, rows={"1": 5, "ü": 4})
    assert Changes.from_json(changes.to_json()) == changes
    assert changes.pending == 4


def test_nothing_is_pending_in_the_beginning() -> None:
    """Readers know all there is to know."""
    assert Changes(version=5).pending == 0
    assert Changes(version=5).is_published
