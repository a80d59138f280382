"""The ledger's memory: it numbers changes, and keeps them until every target that needs them knows.

A target is told the changes of the relations that it subscribed to. The ledger tells a target every
change until it knows what the target depends on. So nothing is missed if the ledger's storage is
lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from edge_cache.changes import Change, Heard, Keys, Notice, Subscription, keys_in, merged
from edge_cache.dependencies import EVERYTHING
from edge_cache.ports import NowMs, Storage
from edge_cache.refresher.stored import Stored, restored

_KEY = "ledger"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The numbers, the subscriptions, and what is still to be told.

    - ``life`` names this storage. ``number`` is the latest change's.
    - ``subscriptions`` has the relations that each target depends on, by the target's name.
    - ``untold`` has the changes that each target still has to hear: those that it may be hearing
      now, and those that came since.
    - ``declared`` describes each declared target, by its name.
    """

    life: str
    number: int
    declared: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    untold: Mapping[str, tuple[Notice, ...]] = field(default_factory=dict)

    def after(self, changes: Iterable[Change]) -> Ledger:
        """Return the value after more changes."""
        number, added = self.number, dict[str, Notice]()
        for change in changes:
            number += 1
            for name in self.declared:
                if self._depends(name, change):
                    known = added.get(name) or self._came_since(name)
                    changes_of_it = merged(known.changes if known else {}, change)
                    added[name] = Notice(self.life, number, changes_of_it)
        # The first notice stays as it is, because the target may be hearing it.
        untold = {name: (*self.untold.get(name, ())[:1], notice) for name, notice in added.items()}
        return replace(self, number=number, untold={**self.untold, **untold})

    def _came_since(self, name: str) -> Notice | None:
        """Return what came since a target may have begun to hear its first notice."""
        return next(iter(self.untold.get(name, ())[1:]), None)

    def next_for(self, name: str) -> Notice | None:
        """Return what a target has to hear next, or None."""
        return next(iter(self.untold.get(name, ())), None)

    def _depends(self, name: str, change: Change) -> bool:
        relations = self.subscriptions.get(name)
        if relations is None or change.relation == EVERYTHING:
            return True
        return bool(relations & {change.relation, EVERYTHING})

    def hearers(self, changes: Iterable[Change]) -> list[str]:
        """Return the names of the targets that would hear one of these changes."""
        found = {
            name for change in changes for name in self.declared if self._depends(name, change)
        }
        return sorted(found)

    def told(self, name: str, notice: Notice, heard: Heard) -> Ledger:
        """Return the value after a target heard a notice.

        If it knows a higher number than the ledger, the ledger's storage was lost while its clock
        was behind. Then everything is told once more under a number that is higher.
        """
        known = self.with_number(heard.number)
        known = known if name in self.subscriptions else known.subscribed(name, heard.relations)
        untold = dict(known.untold)
        if heard.number > notice.number and heard.number > self.number:
            untold[name] = (Notice(self.life, known.number + 1, {EVERYTHING: None}),)
            return replace(known, number=known.number + 1, untold=untold)
        if known.next_for(name) == notice:
            untold[name] = untold[name][1:]
        return replace(known, untold={name: notices for name, notices in untold.items() if notices})

    def after_asking(self, asked: Subscription) -> Ledger:
        """Return the value after a target named all relations that it depends on.

        If the target or the ledger lost its storage, the number must be above all that the target's
        answers in KV can have.
        """
        known = self.with_number(asked.number)
        if asked.life == self.life:
            return known.subscribed(asked.name, asked.relations)
        # If this answer is lost, the target's earlier answers still need their changes.
        relations = {*self.subscriptions.get(asked.name, ()), *asked.relations}
        return replace(known.subscribed(asked.name, relations), number=known.number + 1)

    def subscribed(self, name: str, relations: Iterable[str]) -> Ledger:
        """Return the value after a target named all relations that it depends on."""
        return replace(self, subscriptions={**self.subscriptions, name: frozenset(relations)})

    def with_number(self, number: int) -> Ledger:
        """Return the value after somebody named a number that was given before."""
        return replace(self, number=max(self.number, number))

    def declaring(self, declared: Mapping[str, str]) -> Ledger:
        """Return the value for these declared targets.

        If one is new, or described in another way than before, nobody told it of changes since.
        """
        number = self.number
        untold = {name: notices for name, notices in self.untold.items() if name in declared}
        for name, description in declared.items():
            if self.declared.get(name) != description:
                number = self.number + 1
                untold[name] = (Notice(self.life, number, {EVERYTHING: None}),)
        subscriptions = {name: on for name, on in self.subscriptions.items() if name in declared}
        return Ledger(self.life, number, declared, subscriptions, untold)

    def to_json(self) -> str:
        """Return the text to store."""
        return json.dumps(
            {
                "life": self.life,
                "number": self.number,
                "declared": dict(self.declared),
                "subscriptions": {name: sorted(of) for name, of in self.subscriptions.items()},
                "untold": {
                    name: [[one.number, one.changes] for one in notices]
                    for name, notices in self.untold.items()
                },
            }
        )

    @classmethod
    def of(cls, told: Stored) -> Ledger:
        """Return the value that was stored. Raises TypeError if a member is missing or wrong."""
        life = told.get("life", str)
        subscriptions = Stored(told.get("subscriptions", dict)).each(list)
        untold = Stored(told.get("untold", dict)).each(list)
        return cls(
            life,
            told.get("number", int),
            Stored(told.get("declared", dict)).each(str),
            {name: frozenset(relations) for name, relations in subscriptions.items()},
            {
                name: tuple(_notice_in(life, Stored(one)) for one in notices)
                for name, notices in untold.items()
            },
        )


def _notice_in(life: str, told: Stored) -> Notice:
    changes: dict[str, Keys] = {
        relation: keys_in(keys) for relation, keys in told.get(1, dict).items()
    }
    return Notice(life, told.get(0, int), changes)


class Accounts:
    """Holds the `Ledger`. What is noted is safe before anything leaves the object.

    A new ledger begins with the time in milliseconds as its number. If an earlier one's storage is
    lost, that is above every number that it can have reached by counting changes.
    """

    def __init__(self, storage: Storage, declared: Mapping[str, str], now_ms: NowMs) -> None:
        self._storage = storage
        stored = restored(storage.get(_KEY), Ledger.of)
        began_ms = now_ms()
        self.ledger = stored or Ledger(str(began_ms), began_ms, declared)
        if stored is None:
            self._store()  # targets must hear of one life only
        self.note(self.ledger.declaring(declared))

    def note(self, ledger: Ledger) -> None:
        """Replace the ledger."""
        if ledger != self.ledger:
            self.ledger = ledger
            self._store()

    def _store(self) -> None:
        self._storage.put(_KEY, self.ledger.to_json())
