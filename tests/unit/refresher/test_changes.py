"""A table's versions and its pending changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clock import START_MS, Clock
from durable import Storage

from edge_cache.entries import NO_VERSIONS, Versions
from edge_cache.queries import Query
from edge_cache.refresher.changes import MAX_ROWS, Changes, Journal
from edge_cache.refresher.stored import restored
from edge_cache.resources import Resource
from edge_cache.tables import Table

TABLE = Table("articles")
LIST, ROW, OTHER = Resource(TABLE), Resource(TABLE, "1"), Resource(TABLE, "2")
QUERY = Resource(TABLE, query=Query("articles"))


def with_queries(version: int = 5, **members: object) -> Changes:
    """Return the value once a query was read."""
    return replace(Changes(version, **members), has_queries=True)  # type: ignore[arg-type]


def test_every_change_raises_the_version() -> None:
    """The table and each row that it touches need the latest change; a query needs any."""
    changes = Changes(version=7).with_change(["1"]).with_change(["2", "1"])
    assert changes == Changes(version=9, listed=9, rows={"1": 9, "2": 9})
    assert changes.pending == 3
    assert Changes(version=7).with_change([]) == Changes(version=8, listed=8)
    assert changes.raised() == replace(changes, version=10)
    queried = with_queries().with_change(["1"])
    assert (queried.stale, queried.queried, queried.rows) == (Versions(0, 6), 6, {"1": 6})
    assert queried.pending == 4


def test_a_read_needs_what_happened_to_its_resource() -> None:
    """A table needs every change, a row its own and those of all rows, a query any."""
    published = Versions(3)
    changes = with_queries(stale=published, published=published).with_change(["1"]).raised()
    assert [changes.needed(each) for each in (LIST, ROW, OTHER, QUERY)] == [7, 6, 3, 6]
    assert Changes(stale=Versions(9), rows={"1": 4}).needed(ROW) == 9


def test_many_rows_become_all_rows() -> None:
    """A burst costs a bounded number of reads and writes, until readers know of it."""
    changes = Changes()
    for number in range(MAX_ROWS):
        changes = changes.with_change([str(number)])
    assert (len(changes.rows), changes.stale.rows, changes.pending) == (20, 0, 21)
    changes = changes.with_change(["one more"])
    assert changes == Changes(version=21, listed=21, stale=Versions(21))
    assert changes.with_change(["x"]) == Changes(version=22, listed=22, stale=Versions(22))
    assert changes.with_published(Versions(21)).with_change(["1"]).rows == {"1": 22}


def test_both_versions_have_to_be_published() -> None:
    """Neither is ever taken back, because writes may end in another order than they began."""
    changes = with_queries(stale=Versions(3, 4))
    for published, done in (((3, 4), True), ((2, 4), False), ((3, 3), False), ((4, 5), True)):
        assert changes.with_published(Versions(*published)).is_published is done
    both = changes.with_published(Versions(3, 2)).with_published(Versions(1, 4))
    assert both.published == Versions(3, 4)
    # Rows go on being named one by one while only those of queries wait.
    waiting = with_queries().with_change(["1"]).with_change(["2"])
    assert (waiting.rows, waiting.stale) == ({"1": 6, "2": 7}, Versions(0, 7))


def test_stale_rows_are_not_pending_up_to_that_version() -> None:
    """Later changes of single rows stay; a revalidation that began before is no news."""
    changes = Changes(version=9, rows={"1": 6, "2": 7, "3": 8}).with_all_rows(7)
    assert (changes.rows, changes.stale.rows) == ({"3": 8}, 7)
    assert changes.with_all_rows(5).stale.rows == 7
    queries = with_queries(version=9).with_change([])
    assert queries.with_all_queries(8) == queries
    assert queries.with_all_queries(11).stale == Versions(0, 11)


@pytest.mark.parametrize(("version", "is_done"), [(5, False), (6, True), (7, True)])
def test_an_entry_is_done_once_it_has_the_latest_change(version: int, *, is_done: bool) -> None:
    """One that was read before is not enough; the others are left as they are."""
    changes = Changes(version=8, listed=6, rows={"1": 6, "2": 3}, queried=6)
    left = 0 if is_done else 6
    assert changes.with_list(version) == replace(changes, listed=left)
    assert changes.with_queries(version) == replace(changes, queried=left)
    rows = {"2": 3} if is_done else changes.rows
    assert changes.with_row("1", version) == replace(changes, rows=rows)
    assert changes.with_row("not pending", version) is changes


def test_what_a_reader_saw_in_kv_is_learned() -> None:
    """An earlier life's storage may be lost. It is never less than what is known."""
    seen = Changes(version=5).with_seen(ROW, 9)
    assert seen == Changes(version=9, stale=Versions(9), published=Versions(9))
    assert seen.with_change(["1"]).needed(ROW) == 10
    known = Changes(version=9, stale=Versions(8), published=Versions(7))
    assert known.with_seen(ROW, 7) == known.with_seen(ROW, 6) == known
    assert known.with_seen(ROW, 8) == replace(known, published=Versions(8))
    queries = with_queries().with_seen(QUERY, 9)
    assert queries == with_queries(version=9, stale=Versions(0, 9), published=Versions(0, 9))
    assert queries.with_seen(QUERY, 8) == queries
    assert queries.with_seen(ROW, 8).published == Versions(8, 9)
    assert known.with_seen(LIST, 0) == known


def test_what_has_no_entry_is_not_pending() -> None:
    """A query or the table has none until it is read. A removal is pending until KV has it."""
    without = Changes(5, has_list=False)
    assert without.with_change([]) == Changes(6, has_list=False)
    assert without.with_entry(LIST).with_change([]).listed == 6
    assert without.with_entry(ROW) == without
    assert without.with_entry(QUERY) == Changes(5, has_list=False, has_queries=True)
    removing = Changes(5).with_change([]).without_list()
    assert removing.with_change([]).listed == 7
    assert removing.with_list(6) == Changes(6, has_list=False)
    changes = Changes(5).with_change([]).with_all_queries(6)
    assert (changes.stale, changes.queried, changes.pending) == (NO_VERSIONS, 0, 1)


def test_neither_version_falls_where_storage_was_lost() -> None:
    """Both are published together. If one is not known, it gets a number that is not too low."""
    new = with_queries(version=50, since=50)
    assert new.with_change([]).stale == Versions(50, 51)
    assert new.with_all_rows(51).stale == Versions(51, 50)
    known = Versions(55, 57)
    later = with_queries(version=60, since=50, stale=known, published=known)
    assert later.with_change([]).stale == Versions(55, 61)
    assert later.with_all_rows(61).stale == Versions(61, 57)


def test_that_rows_of_a_lost_life_are_stale_does_not_make_others_so() -> None:
    """They were read since."""
    changes = with_queries(version=50, since=50).with_change(["1"]).with_change(["2"])
    assert (changes.rows, changes.stale) == ({"1": 51, "2": 52}, Versions(50, 52))
    burst = replace(changes, stale=Versions(51, 52)).with_change(["3"])
    assert (burst.rows, burst.stale) == ({}, Versions(53, 53))


def test_all_of_it_survives_a_restart() -> None:
    """What is stored is what is read."""
    changes = Changes(
        *(9, Versions(8, 7), Versions(6, 5), 4, {"1": 3, "ü": 2}, 2),
        has_list=False,
        has_queries=True,
        since=1,
    )
    assert restored(changes.to_json(), Changes.of) == changes
    assert changes.pending == 5


def test_a_journal_gives_no_version_twice() -> None:
    """No journal begins below an earlier one, whatever the clock says. Nothing is stored twice."""
    storage = Storage(Clock(), lambda: None)
    journal = Journal(storage, lambda: START_MS)
    assert journal.changes == Changes(version=START_MS, since=START_MS)
    assert Journal(storage, lambda: START_MS - 3_600_000).changes == journal.changes
    journal.note(journal.changes.with_change(["1"]))
    assert Journal(storage, lambda: START_MS + 5000).changes == journal.changes
    assert [journal.raise_version() for _ in range(2)] == [START_MS + 2, START_MS + 3]
    assert Journal(storage, lambda: START_MS).raise_version() == START_MS + 4
    storage.texts.clear()
    journal.note(journal.changes.with_seen(LIST, 0))
    assert storage.texts == {}
