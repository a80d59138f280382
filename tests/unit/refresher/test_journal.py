"""A table's changes in storage."""

from __future__ import annotations

import pytest
from clock import START_MS, Clock
from durable import Storage

from edge_cache.refresher.changes import Changes
from edge_cache.refresher.journal import Journal
from edge_cache.resources import Resource
from edge_cache.tables import Table


def test_what_is_noted_is_stored() -> None:
    """The next object reads it."""
    storage = Storage(Clock())
    journal = Journal(storage, lambda: START_MS)
    journal.note(journal.changes.with_change(["1"]))
    later = Journal(storage, lambda: START_MS + 5000)
    assert (
        later.changes
        == journal.changes
        == Changes(START_MS + 1, listed=START_MS + 1, rows={"1": START_MS + 1}, since=START_MS)
    )


def test_raising_the_version_is_stored_too() -> None:
    """No version is given to two reads between which something changed."""
    storage = Storage(Clock())
    assert Journal(storage, lambda: START_MS).raise_version() == START_MS + 1
    assert Journal(storage, lambda: START_MS).raise_version() == START_MS + 2


def test_what_is_as_it_was_is_not_stored_again() -> None:
    """Storage has its price."""
    storage = Storage(Clock())
    journal = Journal(storage, lambda: START_MS)
    journal.note(journal.changes.with_change(["1"]))
    storage.texts.clear()
    journal.note(journal.changes.with_seen(Resource(Table("articles")), 0))
    assert storage.texts == {}


@pytest.mark.parametrize("has_list", [True, False])
def test_a_new_object_keeps_the_version_that_it_begins_with(*, has_list: bool) -> None:
    """Entries are read at it, so a later life whose clock is behind must not begin below it."""
    storage = Storage(Clock())
    new = Changes(version=START_MS, since=START_MS, has_list=has_list)
    assert Journal(storage, lambda: START_MS, has_list=has_list).changes == new
    assert Journal(storage, lambda: START_MS - 3_600_000).changes == new


def test_kv_is_taken_to_have_an_entry_of_the_table() -> None:
    """And of no query, before one is read."""
    changes = Journal(Storage(Clock()), lambda: START_MS).changes
    assert (changes.has_list, changes.has_queries) == (True, False)
