"""What a target knows of changes, and which answers it takes for outdated."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clock import Clock
from durable import Storage

from edge_cache.changes import Keys, Notice, Subscribed
from edge_cache.dependencies import EVERYTHING, bucket_of
from edge_cache.refresher.state import Journal, State
from edge_cache.refresher.stored import restored

OWN, AUTHORS, OTHER = "public.articles", "public.authors", "public.other"
SUBSCRIBED = State(5, 5, {OWN: 5, AUTHORS: 5}, life="l", is_settled=True)


def heard(state: State, number: int, life: str = "l", **changes: Keys) -> State:
    """Return the state after a notice. The names of relations are those without a schema."""
    named = {f"public.{name}" if name != "all" else EVERYTHING: changes[name] for name in changes}
    return state.after(Notice(life, number, named), OWN)


def needed(state: State, *relations: str, key: str | None = None) -> int:
    """Return the number that an answer needs."""
    return state.versions.needed(relations, [bucket_of(key)] if key else [])


def test_a_changed_row_makes_its_own_answers_and_those_of_the_table_outdated() -> None:
    state = heard(SUBSCRIBED, 7, articles=("1",))
    assert needed(state, key="1") == 7
    assert needed(state, OWN) == 7
    assert needed(state, key="2") == needed(state, AUTHORS) == 5
    assert (state.number, state.changed, state.is_published, state.is_refreshed) == (
        *(7, 1),
        *(False, False),
    )


def test_a_changed_row_counts_even_if_no_answer_depends_on_the_whole_table() -> None:
    state = heard(replace(SUBSCRIBED, relations={AUTHORS: 5}), 7, articles=("1",))
    assert (needed(state, key="1"), needed(state, key="2"), state.changed) == (7, 5, 1)


def test_if_any_row_may_have_changed_every_rows_answer_is_outdated() -> None:
    """Later changes of single rows count beside that."""
    state = heard(heard(SUBSCRIBED, 7, articles=("1",)), 9, articles=None)
    assert needed(state, key="1") == needed(state, key="2") == needed(state, OWN) == 9
    assert state.buckets == {}
    state = heard(state, 11, articles=("1",))
    assert (needed(state, key="1"), needed(state, key="2")) == (11, 9)


def test_a_change_of_another_relation_does_not_touch_rows() -> None:
    """Its keys mean nothing here."""
    state = heard(SUBSCRIBED, 7, authors=("1",))
    assert (needed(state, AUTHORS), needed(state, OWN), needed(state, key="1")) == (7, 5, 5)
    assert state.changed == 1


def test_a_change_that_nothing_depends_on_raises_the_number_alone() -> None:
    """What is read from now on has that change too."""
    assert heard(SUBSCRIBED, 7, other=None) == replace(SUBSCRIBED, number=7)


def test_answers_that_depend_on_everything_are_outdated_by_every_change() -> None:
    state = replace(SUBSCRIBED, relations={EVERYTHING: 5, OWN: 5})
    assert needed(heard(state, 7, other=("1",)), EVERYTHING) == 7
    state = heard(state, 7, articles=("1",))
    assert (needed(state, EVERYTHING), needed(state, OWN), needed(state, key="2")) == (7, 7, 5)


@pytest.mark.parametrize("others", [(), ("articles",)])
def test_if_anything_may_have_changed_every_answer_is_outdated(others: tuple[str, ...]) -> None:
    """The catalogue may be another one, so the ledger is asked before the next read."""
    before = heard(SUBSCRIBED, 6, articles=("1",))
    state = heard(before, 7, "l", all=None, **dict.fromkeys(others, ("1",)))
    assert needed(state) == needed(state, OWN, key="1") == 7
    assert (state.floor, state.changed, state.is_settled) == (7, 2, False)
    assert state.relations.keys() == SUBSCRIBED.relations.keys()
    assert state.versions.to_text() == "7 7;"


def test_a_notice_that_comes_late_lowers_no_number() -> None:
    """It may have been sent twice. Its changes count as new ones."""
    state = heard(heard(SUBSCRIBED, 9, articles=("1",)), 7, articles=("2",))
    assert (state.number, needed(state, key="1"), needed(state, key="2")) == (9, 9, 9)
    assert needed(heard(state, 8, all=None)) == 9


def test_another_life_of_the_ledger_makes_every_answer_outdated() -> None:
    """Changes that were not told yet are lost with its storage."""
    state = heard(SUBSCRIBED, 1000, "m", authors=("1",))
    assert needed(state) == 1000
    assert not state.is_settled


def test_only_the_ledgers_promise_makes_its_life_the_targets() -> None:
    """Until then each notice makes every answer outdated: the target may depend on more."""
    state = heard(SUBSCRIBED, 1000, "m", authors=("1",))
    assert state.life == "l"
    assert needed(heard(state, 1001, "m", authors=("1",))) == 1001
    settled = state.subscribed(Subscribed("m", 1001, ""), (OWN, AUTHORS))
    assert needed(heard(settled, 1002, "m", authors=("1",))) == 1001


@pytest.mark.parametrize("number", [3, 5])
def test_another_life_whose_clock_is_behind_makes_every_answer_outdated_too(number: int) -> None:
    """What was read at the highest number that the target knew may lack the lost changes."""
    state = heard(SUBSCRIBED, number, "m", authors=("1",))
    assert needed(state) > SUBSCRIBED.number
    assert state.number >= needed(state)


def test_a_target_that_knows_nothing_does_not_make_old_entries_fresh() -> None:
    """It may be one whose storage is lost, and its versions replace those of its earlier life."""
    state = heard(State(), 7, articles=("1",))
    assert needed(state) == 7
    assert not state.is_published
    assert not state.is_settled


def test_a_relation_that_is_new_to_the_target_counts_as_changed_now() -> None:
    """An earlier change of it was not told."""
    state = SUBSCRIBED.subscribed(Subscribed("l", 9, "f"), (OWN, AUTHORS, OTHER))
    assert state.relations == {OWN: 5, AUTHORS: 5, OTHER: 9}
    assert (state.number, state.floor, state.fingerprint) == (9, 5, "f")
    assert state.is_settled
    assert state.is_published


def test_a_promise_that_comes_late_lowers_no_number() -> None:
    """A notice overtook it, and may have named a relation that the target did not know yet."""
    later = heard(SUBSCRIBED, 9, other=None)
    state = later.subscribed(Subscribed("l", 8, "f"), (OTHER,))
    assert (state.number, needed(state, OTHER)) == (9, 9)


@pytest.mark.parametrize("before", [State(), replace(SUBSCRIBED, life="m")])
def test_if_target_or_ledger_lost_its_storage_the_promise_makes_every_answer_outdated(
    before: State,
) -> None:
    """KV may have old answers of the target, and readers have to know that they are outdated."""
    state = before.subscribed(Subscribed("l", 9, "f"), (OWN, AUTHORS, OTHER))
    assert needed(state) == needed(state, OWN) == needed(state, OTHER) == 9
    assert (state.number, state.changed, state.life, state.fingerprint) == (9, 1, "l", "f")
    assert state.is_settled
    assert not state.is_published


def test_a_target_that_lost_its_storage_has_nothing_to_refresh() -> None:
    """It does not know any more which answers are popular. If the ledger lost its own, it does."""
    got = Subscribed("l", 9, "")
    assert State().subscribed(got, (OWN,)).is_refreshed
    assert not replace(SUBSCRIBED, life="m").subscribed(got, (OWN,)).is_refreshed


def test_a_reader_who_saw_a_higher_number_shows_that_storage_was_lost() -> None:
    state = heard(SUBSCRIBED, 7, articles=("1",))
    for number in (0, 6, 7):
        assert state.with_seen(number) is state
    seen = state.with_seen(8)
    assert (needed(seen), seen.number, seen.is_published, seen.is_settled) == (8, 8, False, False)
    assert State().with_seen(0) == State()


def test_it_is_published_once_kv_has_the_latest_change() -> None:
    """A change of something else needs no write to KV."""
    state = heard(SUBSCRIBED, 7, articles=("1",))
    assert not replace(state, published=0).is_published
    assert replace(state, published=7).is_published
    assert heard(replace(state, published=7), 8, other=None).is_published
    assert not replace(state, refreshed=0).is_refreshed
    assert replace(state, refreshed=7).is_refreshed


STORED = State(
    number=9,
    floor=3,
    relations={OWN: 5, "public.ü": 9},
    rows=4,
    buckets={0: 6, 1023: 7},
    changed=9,
    published=8,
    refreshed=7,
    listed=6,
    life="l",
    fingerprint="f",
    is_settled=True,
)


@pytest.mark.parametrize("state", [State(), STORED])
def test_all_of_it_survives_a_restart(state: State) -> None:
    assert restored(state.to_json(), State.of) == state


def test_a_journal_stores_what_is_new_and_nothing_else() -> None:
    storage = Storage(Clock())
    journal = Journal(storage)
    assert journal.state == State()
    journal.note(State())
    assert storage.texts == {}
    journal.note(STORED)
    assert Journal(storage).state == journal.state == STORED


@pytest.mark.parametrize("text", ["", "{", "[]", '{"number": 5}', '{"number": "5"}'])
def test_a_text_of_another_release_is_as_if_nothing_was_stored(text: str) -> None:
    storage = Storage(Clock())
    storage.texts["versions"] = text
    assert Journal(storage).state == State()
