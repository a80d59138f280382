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
LIST = Resource(TABLE)
QUERY = Resource(TABLE, query=Query("articles"))


def row(row_id: str) -> Resource:
    """Return a row of the table."""
    return Resource(TABLE, row_id)


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
    assert changes.with_row("1", 8) is changes


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


def test_nothing_is_pending_in_the_beginning() -> None:
    """Readers know all there is to know."""
    assert Changes(version=5).pending == 0
    assert Changes(version=5).is_published


def with_queries(version: int = 5, **members: object) -> Changes:
    """Return the value once a query was read."""
    return replace(Changes(version, **members), has_queries=True)  # type: ignore[arg-type]


def test_a_change_makes_every_query_stale() -> None:
    """Which rows one reads, nobody can tell."""
    changes = with_queries().with_change(["1"])
    assert changes.stale == Versions(0, 6)
    assert (changes.queried, changes.is_published) == (6, False)
    assert changes.pending == 4
    assert changes.needed(QUERY) == 6
    assert changes.needed(row("2")) == 0


def test_where_no_query_was_ever_read_none_is_stale() -> None:
    """Nothing is published for them."""
    changes = Changes(5).with_change([]).with_all_queries(6)
    assert (changes.stale, changes.queried, changes.pending) == (NO_VERSIONS, 0, 1)


def test_who_is_going_to_have_an_entry_is_known_beforehand() -> None:
    """A query, or the table; a row says nothing."""
    changes = Changes(5, has_list=False)
    assert changes.with_entry(row("1")) == changes
    assert changes.with_entry(QUERY) == Changes(5, has_list=False, has_queries=True)
    assert changes.with_entry(LIST) == Changes(5, has_list=True)
    assert Changes(5).with_entry(row("1")) == Changes(5).with_entry(LIST) == Changes(5)


def test_a_table_without_an_entry_is_not_pending() -> None:
    """Until it has one; one that is being removed is."""
    without = Changes(5, has_list=False)
    assert without.with_change([]) == Changes(6, has_list=False)
    assert without.with_entry(LIST).with_change([]).listed == 6
    removing = Changes(5).with_change([]).without_list()
    assert removing == Changes(6, listed=6, has_list=False)
    assert removing.with_change([]).listed == 7
    assert removing.with_list(6) == Changes(6, has_list=False)


@pytest.mark.parametrize(("version", "queried"), [(5, 6), (6, 0), (7, 0)])
def test_queries_are_done_once_they_were_read_as_of_the_latest_change(
    version: int, queried: int
) -> None:
    """Whether readers know that the old ones are stale is another matter."""
    changes = with_queries().with_change([]).with_queries(version)
    assert changes.queried == queried
    assert not changes.is_published


def test_queries_that_became_stale_later_stay_so() -> None:
    """A revalidation that began before is no news."""
    changes = with_queries(version=9).with_change([])
    assert changes.with_all_queries(8) == changes
    assert changes.with_all_queries(11).stale == Versions(0, 11)
    assert changes.with_all_queries(11).queried == 11


def test_both_versions_have_to_be_published() -> None:
    """And neither is ever taken back."""
    changes = with_queries(stale=Versions(3, 4))
    for published, done in (((3, 4), True), ((2, 4), False), ((3, 3), False), ((4, 5), True)):
        assert changes.with_published(Versions(*published)).is_published is done
    both = changes.with_published(Versions(3, 2)).with_published(Versions(1, 4))
    assert both.published == Versions(3, 4)


def test_queries_that_wait_to_be_published_do_not_make_rows_stale() -> None:
    """Rows go on being named one by one."""
    changes = with_queries().with_change(["1"]).with_change(["2"])
    assert (changes.rows, changes.stale) == ({"1": 6, "2": 7}, Versions(0, 7))


def test_what_a_reader_of_a_query_saw_is_learned() -> None:
    """It says nothing of rows."""
    seen = with_queries().with_seen(QUERY, 9)
    assert seen == with_queries(version=9, stale=Versions(0, 9), published=Versions(0, 9))
    assert seen.needed(QUERY) == 9
    assert seen.with_seen(QUERY, 8) == seen
    rows = seen.with_seen(row("1"), 8)
    assert (rows.version, rows.stale, rows.published) == (9, Versions(8, 9), Versions(8, 9))


def test_what_a_reader_of_a_table_saw_is_nothing() -> None:
    """It depends on no version."""
    assert Changes(5).with_seen(LIST, 0) == Changes(5)


def test_neither_version_falls_where_storage_was_lost() -> None:
    """Both are published together: of the one that is not known, what cannot be too low."""
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


@pytest.fixture
def storage() -> Storage:
    """Return an empty storage."""
    return Storage(Clock(), lambda: None)


def test_what_is_noted_is_stored(storage: Storage) -> None:
    """The next object reads it, so no version is given twice."""
    journal = Journal(storage, lambda: START_MS)
    journal.note(journal.changes.with_change(["1"]))
    assert Journal(storage, lambda: START_MS + 5000).changes == journal.changes
    assert [journal.raise_version() for _ in range(2)] == [START_MS + 2, START_MS + 3]
    assert Journal(storage, lambda: START_MS).raise_version() == START_MS + 4


def test_what_is_as_it_was_is_not_stored_again(storage: Storage) -> None:
    """Storage has its price."""
    journal = Journal(storage, lambda: START_MS)
    storage.texts.clear()
    journal.note(journal.changes.with_seen(LIST, 0))
    assert storage.texts == {}


@pytest.mark.parametrize("has_list", [True, False])
def test_a_new_object_keeps_the_version_that_it_begins_with(
    storage: Storage, *, has_list: bool
) -> None:
    """Entries are read at it, so a later life whose clock is behind must not begin below it."""
    new = Changes(version=START_MS, since=START_MS, has_list=has_list)
    assert Journal(storage, lambda: START_MS, has_list=has_list).changes == new
    assert Journal(storage, lambda: START_MS - 3_600_000).changes == new
