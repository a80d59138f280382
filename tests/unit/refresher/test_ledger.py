"""The ledger numbers changes, and keeps them until every target that needs them knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from clock import START_MS, Clock
from durable import Storage
from hypothesis import given
from hypothesis import strategies as st

from edge_cache.changes import (
    ANYTHING,
    MAX_KEYS,
    Change,
    Heard,
    Keys,
    Notice,
    Subscribed,
    Subscription,
)
from edge_cache.dependencies import EVERYTHING, bucket_of
from edge_cache.refresher.ledger import Accounts, Ledger
from edge_cache.refresher.state import State
from edge_cache.refresher.stored import restored
from edge_cache.versions import NOT_PUBLISHED, Published

A, B, C = "public.a", "public.b", "public.c"
BOTH = {"a": "public a id", "b": "public b id"}
LEDGER = Ledger("l", 5, BOTH, {"a": frozenset({A}), "b": frozenset({B, C})})


def untold(ledger: Ledger) -> dict[str, list[dict[str, Keys]]]:
    """Return what each target still has to hear, notice by notice."""
    return {
        name: [dict(notice.changes) for notice in notices]
        for name, notices in ledger.untold.items()
    }


def next_of(ledger: Ledger, name: str) -> Notice:
    """Return what a target has to hear next. It has to hear something."""
    notice = ledger.next_for(name)
    assert notice is not None
    return notice


def asking(life: str, number: int) -> Subscription:
    """Return what the target a asks if it knows this life and number."""
    return Subscription("a", (A, B), number, life, "")


def test_each_change_has_the_next_number() -> None:
    """So has a change that no target depends on."""
    ledger = LEDGER.after([Change(A, ("1",)), Change("public.other"), Change(B)])
    assert ledger.number == 8
    assert ledger.untold == {
        "a": (Notice("l", 6, {A: ("1",)}),),
        "b": (Notice("l", 8, {B: None}),),
    }
    assert LEDGER.after([]) == LEDGER


def test_a_target_is_told_what_it_subscribed_to() -> None:
    ledger = LEDGER.after([Change(A, ("1",)), Change(C, ("2",)), Change("public.other")])
    assert untold(ledger) == {"a": [{A: ("1",)}], "b": [{C: ("2",)}]}


@pytest.mark.parametrize("relation", ["public.other", A, EVERYTHING])
def test_a_target_that_has_not_subscribed_is_told_everything(relation: str) -> None:
    ledger = replace(LEDGER, subscriptions={}).after([Change(relation)])
    assert untold(ledger) == {"a": [{relation: None}], "b": [{relation: None}]}
    known = replace(LEDGER, subscriptions={"b": frozenset()}).after([Change("public.other")])
    assert untold(known) == {"a": [{"public.other": None}]}


def test_if_anything_may_have_changed_all_targets_are_told() -> None:
    ledger = LEDGER.after([ANYTHING])
    assert untold(ledger) == {"a": [{EVERYTHING: None}], "b": [{EVERYTHING: None}]}


def test_a_target_that_depends_on_everything_is_told_every_change() -> None:
    ledger = LEDGER.subscribed("a", [EVERYTHING, A]).after([Change("public.other", ("1",))])
    assert untold(ledger) == {"a": [{"public.other": ("1",)}]}


def test_a_target_hears_the_first_changes_alone_and_then_all_later_ones_at_once() -> None:
    """It may be hearing the first ones already, so nothing is added to them."""
    begun = LEDGER.after([Change(A, ("1",)), Change(A, ("2",))])
    ledger = begun.after([Change(A, ("3",))]).after([Change(B), ANYTHING])
    first, later = Notice("l", 7, {A: ("1", "2")}), Notice("l", 10, {A: ("3",), EVERYTHING: None})
    assert ledger.untold["a"] == (first, later)
    assert ledger.next_for("a") == first
    after = ledger.told("a", first, Heard(7, (A,)))
    assert after.next_for("a") == later
    assert after.told("a", later, Heard(10, (A,))).next_for("a") is None
    assert LEDGER.next_for("a") is LEDGER.next_for("nobody") is None


@pytest.mark.parametrize("before", [[], [Change(A, ("0",))]])
def test_changes_of_one_relation_become_one(before: list[Change]) -> None:
    """Its number is that of the latest. Each key stays once, and after too many keys, none does."""
    begun = LEDGER.after(before)
    ledger = begun.after([Change(A, ("1",)), Change(A, ("2", "1"))])
    assert ledger.untold["a"][-1] == Notice("l", ledger.number, {A: ("1", "2")})
    many = [Change(A, (str(number),)) for number in range(MAX_KEYS)]
    assert len(untold(begun.after(many))["a"][-1][A] or ()) == MAX_KEYS
    assert untold(begun.after([*many, Change(A, ("one more",))]))["a"][-1] == {A: None}
    assert untold(begun.after([Change(A), Change(A, ("1",))]))["a"][-1] == {A: None}


def test_what_a_target_heard_is_not_told_again() -> None:
    ledger = LEDGER.after([Change(A), Change(B)])
    after = ledger.told("a", next_of(ledger, "a"), Heard(6, (A,)))
    assert untold(after) == {"b": [{B: None}]}
    assert after.number == ledger.number


def test_an_answer_drops_no_change_that_came_meanwhile() -> None:
    before = LEDGER.after([Change(A, ("1",))])
    ledger = before.after([Change(A, ("2",))])
    after = ledger.told("a", next_of(before, "a"), Heard(6, (A,)))
    assert after.untold["a"] == (Notice("l", 7, {A: ("2",)}),)
    assert untold(after.told("a", next_of(after, "a"), Heard(7, (A,)))) == {}


def test_an_answer_that_comes_twice_drops_nothing() -> None:
    first = LEDGER.after([Change(A, ("1",))])
    notice, heard = next_of(first, "a"), Heard(6, (A,))
    again = first.told("a", notice, heard).after([Change(A, ("1",))]).told("a", notice, heard)
    assert untold(again) == {"a": [{A: ("1",)}]}


def test_a_target_that_heard_of_a_change_has_subscribed() -> None:
    """Its answer names what it depends on. But what it subscribed to itself counts more."""
    ledger = replace(LEDGER, subscriptions={}).after([ANYTHING])
    notice = next_of(ledger, "a")
    after = ledger.told("a", notice, Heard(6, (A,))).after([Change(B), Change(A)])
    assert untold(after)["a"] == [{A: None}]
    later = ledger.subscribed("a", [A, B]).told("a", notice, Heard(6, (A,)))
    assert untold(later.after([Change(B)]))["a"] == [{B: None}]


def test_a_target_that_asked_hears_each_change_of_what_it_named() -> None:
    ledger = LEDGER.after_asking(asking("l", 5))
    assert ledger == LEDGER.subscribed("a", [A, B])
    assert untold(ledger.after([Change(B)]))["a"] == [{B: None}]


def test_asking_drops_nothing_that_the_target_still_has_to_hear() -> None:
    ledger = LEDGER.after([Change(A, ("1",))]).after([Change(A, ("2",))])
    assert ledger.after_asking(asking("l", 5)).untold == ledger.untold
    assert ledger.after_asking(asking("", 0)).untold == ledger.untold


@pytest.mark.parametrize(
    ("life", "known", "number"),
    [("l", 3, 5), ("l", 9, 9), ("", 0, 6), ("m", 3, 6), ("m", 5, 6), ("m", 9, 10)],
)
def test_if_a_target_knows_another_life_the_number_is_above_all_that_both_know(
    life: str, known: int, number: int
) -> None:
    """One of them lost its storage. The target's answers in KV may have any of these numbers."""
    assert LEDGER.after_asking(asking(life, known)).number == number


def test_a_higher_number_that_was_given_before_is_not_given_again() -> None:
    """The ledger's storage was lost while its clock was behind. It tells everything once more."""
    assert LEDGER.with_number(9).after([Change(A)]).number == 10
    assert LEDGER.with_number(4) == LEDGER
    ledger = LEDGER.after([Change(A)]).after([Change(A)])
    told = ledger.told("a", next_of(ledger, "a"), Heard(900, (A,)))
    assert told.untold["a"] == (Notice("l", 901, {EVERYTHING: None}),)
    assert told.number == 901


def test_a_new_target_hears_that_anything_may_have_changed() -> None:
    """Nobody told it of changes while it was not declared. The others hear nothing."""
    ledger = LEDGER.declaring({**BOTH, "c": "public c id"})
    assert ledger.untold == {"c": (Notice("l", 6, {EVERYTHING: None}),)}
    assert ledger.number == 6
    assert untold(ledger.after([Change("public.other")])).keys() == {"c"}


def test_a_target_that_is_declared_in_another_way_counts_as_new() -> None:
    """Its entries may have come from another table, or its rows were told apart by another key."""
    pending = LEDGER.after([Change(A, ("1",))]).after([Change(A, ("2",))])
    ledger = pending.declaring({**BOTH, "a": "public a slug"})
    assert ledger.untold == {"a": (Notice("l", 8, {EVERYTHING: None}),)}
    assert ledger.number == 8


def test_a_target_that_is_no_longer_declared_is_forgotten() -> None:
    """If it is declared again, nobody knows what it missed."""
    pending = LEDGER.after([Change(A), Change(B)])
    ledger = pending.declaring({"b": BOTH["b"]})
    assert untold(ledger) == {"b": [{B: None}]}
    assert untold(ledger.after([Change(A)])) == {"b": [{B: None}]}
    assert untold(ledger.declaring(BOTH))["a"] == [{EVERYTHING: None}]
    assert "a" not in ledger.declaring(BOTH).subscriptions


def test_an_equal_declaration_changes_nothing() -> None:
    ledger = LEDGER.after([Change(A)])
    assert ledger.declaring(dict(BOTH)) == ledger


@pytest.mark.parametrize(
    "ledger",
    [
        Ledger("l", 5),
        LEDGER.after([Change(A, ("1", "ü")), Change(B), Change(C, ("2",))]),
        LEDGER.after([Change(A, ()), ANYTHING]).after([Change(A, ("1",))]),
    ],
)
def test_all_of_it_survives_a_restart(ledger: Ledger) -> None:
    assert restored(ledger.to_json(), Ledger.of) == ledger


def accounts(storage: Storage, declared: dict[str, str] = BOTH, now_ms: int = START_MS) -> Accounts:
    """Return the accounts of an object that begins at a time."""
    return Accounts(storage, declared, lambda: now_ms)


def test_a_ledger_keeps_its_life_and_its_numbers() -> None:
    """It does so whatever the clock says later."""
    storage = Storage(Clock())
    first = accounts(storage)
    assert first.ledger == Ledger(str(START_MS), START_MS, BOTH)
    assert accounts(storage, now_ms=START_MS + 1000).ledger == first.ledger
    first.note(first.ledger.after([Change(A)]))
    for now_ms in (0, START_MS - 1000, START_MS + 1000):
        assert accounts(storage, now_ms=now_ms).ledger == first.ledger


def test_a_new_ledger_is_stored_before_it_is_used() -> None:
    """If it ends before its first change, targets must not hear of another life."""
    storage = Storage(Clock())
    life = accounts(storage).ledger.life
    assert accounts(storage, now_ms=START_MS + 1).ledger.life == life


def test_a_ledger_whose_storage_is_lost_begins_above_its_old_numbers() -> None:
    """It counts milliseconds that passed, and there are fewer changes than these."""
    first = accounts(Storage(Clock()))
    first.note(first.ledger.after([Change(A)] * 1000))
    later = accounts(Storage(Clock()), now_ms=START_MS + 60_000).ledger
    assert later.number > first.ledger.number
    assert later.life != first.ledger.life


def test_a_new_declaration_is_noticed_when_the_object_begins() -> None:
    storage = Storage(Clock())
    accounts(storage)
    begun = accounts(storage, {"a": BOTH["a"], "c": "public c id"}).ledger
    assert untold(begun) == {"c": [{EVERYTHING: None}]}
    assert accounts(storage, {"a": BOTH["a"], "c": "public c id"}).ledger == begun


@pytest.mark.parametrize("text", ["", "{", "[]", '{"life": "l"}', '{"number": 5}'])
def test_a_text_of_another_release_is_as_if_nothing_was_stored(text: str) -> None:
    storage = Storage(Clock())
    storage.texts["ledger"] = text
    assert accounts(storage).ledger.life == str(START_MS)


# The ledger and the targets together.


@dataclass
class Read:
    """An answer that a target has read, and which changes since then it lacks."""

    version: int
    relations: tuple[str, ...]
    keys: tuple[str, ...]
    is_touched: bool = False

    def touch(self, own: str, change: Change) -> None:
        """Note a change that came after the read."""
        keys = {*self.keys} if change.relation == own else set()
        by_key = bool(keys) and (change.keys is None or bool(keys & {*change.keys}))
        named = bool({EVERYTHING, change.relation} & {*self.relations})
        self.is_touched |= by_key or named or change == ANYTHING


@dataclass
class Remote:
    """A target: its state, what it has read, and what it published for its readers."""

    own: str
    state: State = field(default_factory=State)
    reads: list[Read] = field(default_factory=list)
    published: Published = NOT_PUBLISHED

    def note(self, state: State) -> None:
        """Replace the state, and publish its versions if readers need to know."""
        if not state.is_published:
            self.published = Published.of(state.versions.to_text())
            state = replace(state, published=state.changed)
        self.state = state

    def hear(self, notice: Notice) -> Heard:
        """Hear a notice."""
        self.note(self.state.after(notice, self.own))
        return Heard(self.state.number, tuple(sorted({self.own, *self.state.relations})))


class World:
    """A ledger and two targets, whose messages arrive late, twice, or in another order."""

    def __init__(self) -> None:
        self.ledger = Ledger("0", 100, BOTH)
        self.targets = {"a": Remote(A), "b": Remote(B)}
        self.sent: list[tuple[str, Notice]] = []
        self.answered: list[tuple[str, Notice, Heard, str]] = []
        self.lives = 0

    def change(self, change: Change) -> None:
        """Have something change, and the ledger know of it."""
        for target in self.targets.values():
            for read in target.reads:
                read.touch(target.own, change)
        self.note(self.ledger.after([change]))

    def note(self, ledger: Ledger) -> None:
        """Replace the ledger: its numbers only grow."""
        assert ledger.number >= self.ledger.number
        self.ledger = ledger

    def read(self, name: str, relations: tuple[str, ...], keys: tuple[str, ...]) -> None:
        """Have a target read something, once the ledger promised to tell of that."""
        target = self.targets[name]
        named = {*relations, *([target.own] if keys else [])}
        if not (target.state.is_settled and named <= target.state.relations.keys()):
            self.subscribe(name, named)
        target.reads.append(Read(target.state.number, relations, keys))

    def subscribe(self, name: str, named: set[str]) -> None:
        """Have a target ask the ledger, and get its promise at once."""
        target, state = self.targets[name], self.targets[name].state
        relations = tuple(sorted({target.own, *state.relations, *named}))
        self.note(
            self.ledger.after_asking(Subscription(name, relations, state.number, state.life, ""))
        )
        got = Subscribed(self.ledger.life, self.ledger.number, "")
        target.note(state.subscribed(got, relations))

    def send(self, name: str) -> None:
        """Send what a target has to hear next."""
        notice = self.ledger.next_for(name)
        if notice is not None:
            self.sent.append((name, notice))

    def deliver(self, position: int, *, twice: bool) -> None:
        """Have a notice arrive."""
        if self.sent:
            position %= len(self.sent)
            name, notice = self.sent[position] if twice else self.sent.pop(position)
            heard = self.targets[name].hear(notice)
            self.answered.append((name, notice, heard, notice.life))

    def acknowledge(self, position: int) -> None:
        """Have the answer to a notice arrive. It reaches only the ledger that sent the notice."""
        if self.answered:
            name, notice, heard, life = self.answered.pop(position % len(self.answered))
            if life == self.ledger.life:
                self.note(self.ledger.told(name, notice, heard))

    def lose_target(self, name: str) -> None:
        """Lose a target's storage. What it has read is still in KV."""
        self.targets[name].state = State()

    def lose_ledger(self, *, is_clock_behind: bool) -> None:
        """Lose the ledger's storage. Then the outbox says that anything may have changed."""
        self.lives += 1
        number = 100 if is_clock_behind else self.ledger.number + 1000
        self.sent.clear()
        self.ledger = Ledger(str(self.lives), number, BOTH)
        self.change(ANYTHING)

    def calm_down(self) -> None:
        """Have every message arrive, and everything be told."""
        for _ in range(100):
            for name in tuple(self.ledger.untold):
                self.send(name)
            while self.sent:
                self.deliver(0, twice=False)
            while self.answered:
                self.acknowledge(0)
            if not self.ledger.untold:
                return
        raise AssertionError("The ledger tells the same again and again.")

    def check(self, *, exactly: bool) -> None:
        """Compare what readers take for outdated with what has changed."""
        for target in self.targets.values():
            for read in target.reads:
                buckets = [bucket_of(key) for key in read.keys]
                needed = target.published.needed(read.relations, buckets)
                is_outdated = read.version < needed
                assert is_outdated or not read.is_touched, "stale, but taken for fresh"
                if exactly:
                    assert read.is_touched or not is_outdated, "fresh, but taken for outdated"


NAMES = st.sampled_from(["a", "b"])
KEYS = st.sampled_from([None, ("1",), ("2",), ("1", "2")])
CHANGES = st.one_of(
    st.builds(Change, st.sampled_from([A, B, C]), KEYS),
    st.just(ANYTHING),
)
RELATIONS = st.sampled_from([(), (A,), (B,), (C,), (A, C), (EVERYTHING,)])
READ_KEYS = st.sampled_from([(), ("1",), ("2",), ("1", "2")])
STEPS = [
    st.tuples(st.just("change"), CHANGES),
    st.tuples(st.just("read"), NAMES, RELATIONS, READ_KEYS),
]
LATE = [
    st.tuples(st.just("send"), NAMES),
    st.tuples(st.just("deliver"), st.integers(0, 5), st.booleans()),
    st.tuples(st.just("acknowledge"), st.integers(0, 5)),
]
LOST_TARGETS = st.tuples(st.just("lose_target"), NAMES)
LOST_LEDGERS = st.tuples(st.just("lose_ledger"), st.booleans())


def played(steps: list[tuple[object, ...]], *, is_prompt: bool) -> World:
    """Return the world after these steps. Everything is told after them, or after each."""
    world = World()
    for step in steps:
        match step:
            case ("change", Change() as change):
                world.change(change)
            case ("read", str(name), tuple(relations), tuple(keys)):
                world.read(name, relations, keys)
            case ("send", str(name)):
                world.send(name)
            case ("deliver", int(position), bool(twice)):
                world.deliver(position, twice=twice)
            case ("acknowledge", int(position)):
                world.acknowledge(position)
            case ("lose_target", str(name)):
                world.lose_target(name)
            case ("lose_ledger", bool(is_clock_behind)):
                world.lose_ledger(is_clock_behind=is_clock_behind)
            case _:
                raise AssertionError(step)
        if is_prompt:
            world.calm_down()
    world.calm_down()
    return world


@given(st.lists(st.one_of(*STEPS, *LATE, LOST_TARGETS), max_size=30))
def test_a_target_that_loses_its_storage_takes_no_old_answer_for_fresh(
    steps: list[tuple[object, ...]],
) -> None:
    """Messages come late or twice, too."""
    played(steps, is_prompt=False).check(exactly=False)


@given(st.lists(st.one_of(*STEPS, *LATE, LOST_LEDGERS), max_size=30))
def test_if_the_ledger_loses_its_storage_no_old_answer_is_taken_for_fresh(
    steps: list[tuple[object, ...]],
) -> None:
    """Its clock may be behind, so that it gives numbers again."""
    played(steps, is_prompt=False).check(exactly=False)


@given(st.lists(st.one_of(*STEPS), max_size=30))
def test_only_what_changed_is_taken_for_outdated(steps: list[tuple[object, ...]]) -> None:
    """If notices come at once, an edit costs no reader of anything else a miss."""
    played(steps, is_prompt=True).check(exactly=True)


def test_a_row_that_no_change_names_stays_fresh_while_the_ledger_never_catches_up() -> None:
    """Each of 150 changes is acknowledged only after the next one came."""
    world = World()
    changed = [str(number) for number in range(MAX_KEYS + 50)]
    buckets = {bucket_of(key) for key in changed}
    unchanged = next(key for key in map(str, count()) if bucket_of(key) not in buckets)
    world.read("a", (), (unchanged,))
    world.read("a", (), (changed[0],))
    for key in changed:
        world.change(Change(A, (key,)))
        world.acknowledge(0)
        world.send("a")
        world.deliver(0, twice=False)
        assert len(world.ledger.untold["a"]) == 1
    world.calm_down()
    world.check(exactly=True)


def test_readers_learn_of_two_notices_even_if_a_promise_named_a_higher_number_before() -> None:
    """The target has that number already when it hears them, so none of them raises it."""
    world = World()
    world.read("a", (), ("1",))
    world.read("a", (), ("2",))
    world.change(Change(A, ("1",)))
    world.change(Change(A, ("2",)))
    world.read("a", (B,), ())
    world.calm_down()
    world.check(exactly=True)
