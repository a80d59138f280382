"""What a target knows of changes, as one small value, and where it keeps that.

The ledger numbers the changes of the project, and tells each target those that its answers depend
on. A read has the highest number that the target knew before the read began. So its answer has
every change up to that number, and only numbers decide which of two answers is newer. Clocks differ
and jump, so no time is compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from edge_cache.changes import Keys, Notice, Subscribed
from edge_cache.dependencies import EVERYTHING, bucket_of
from edge_cache.ports import Storage
from edge_cache.refresher.stored import Stored, restored
from edge_cache.versions import Versions

_KEY = "versions"
"""The object's storage keeps the value under this key."""


@dataclass(frozen=True, slots=True)
class State:
    """What a target knows of changes.

    - ``number`` is the highest number that it knows.
    - Everything that was read below ``floor`` is outdated.
    - ``relations`` are those whose changes the ledger tells it, with the latest change of each.
    - ``rows`` is the latest change of all rows that it tells apart, ``buckets`` the latest one of
      each bucket of their keys.
    - ``changed`` counts the notices that touched something that its answers depend on. Workers KV
      shows the first ``published`` of them. The popular answers have the first ``refreshed``.
    - ``listed`` is the number at which a table's entry was read last.
    - ``life`` is the ledger's (see `Notice`), or empty if the target never asked the ledger.
    - ``fingerprint`` is that of the catalogue that the dependencies come from, or empty.
    - ``is_settled`` is whether the ledger was asked since the last time that anything may have
      changed. The catalogue may be another one since then.
    """

    number: int = 0
    floor: int = 0
    relations: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    buckets: dict[int, int] = field(default_factory=dict)
    changed: int = 0
    published: int = 0
    refreshed: int = 0
    listed: int = 0
    life: str = ""
    fingerprint: str = ""
    is_settled: bool = False

    @property
    def versions(self) -> Versions:
        """The versions to publish."""
        return Versions(self.floor, self.number, self.relations, self.rows, self.buckets)

    @property
    def is_published(self) -> bool:
        """Whether readers know which entries are outdated."""
        return self.published >= self.changed

    @property
    def is_refreshed(self) -> bool:
        """Whether the popular answers have every change."""
        return self.refreshed >= self.changed

    def after(self, notice: Notice, keyed: str | None) -> State:
        """Return the value after a notice. ``keyed`` is the relation whose rows are told apart."""
        known = replace(self, number=max(self.number, notice.number))
        if self.life != notice.life:
            # The numbers of another ledger may be too low. Then it hears of ours, and tells again.
            return known.without_anything_below(max(self.number + 1, notice.number))
        if EVERYTHING in notice.changes:
            return known.without_anything_below(known.number)
        for relation, keys in notice.changes.items():
            known = known.after_change(relation, keys, keyed)
        return known

    def without_anything_below(self, number: int) -> State:
        """Return the value after everything that was read below the number became outdated."""
        return replace(
            self,
            number=max(self.number, number),
            floor=max(self.floor, number),
            relations=dict.fromkeys(self.relations, 0),
            rows=0,
            buckets={},
            changed=self.changed + 1,
            is_settled=False,
        )

    def subscribed(self, got: Subscribed, relations: Iterable[str]) -> State:
        """Return the value after the ledger promised to tell the changes of these relations.

        An earlier change of a relation may not have been told. So a relation that is new to the
        target counts as changed now. If the target or the ledger lost its storage, everything does.
        """
        known = self if self.life == got.life else self.without_anything_below(got.number)
        if not self.life:  # nobody knows what is popular
            known = replace(known, refreshed=known.changed)
        number = max(known.number, got.number)
        return replace(
            known,
            number=number,
            relations={**dict.fromkeys(relations, number), **known.relations},
            life=got.life,
            fingerprint=got.fingerprint,
            is_settled=True,
        )

    def with_listed(self, number: int) -> State:
        """Return the value after a table's entry was read at this number."""
        return replace(self, listed=max(self.listed, number))

    def with_seen(self, number: int) -> State:
        """Return the value after a reader saw this number in KV.

        If it is higher than the target's own, the target's storage was lost.
        """
        return self.without_anything_below(number) if number > self.number else self

    def after_change(self, relation: str, keys: Keys, keyed: str | None) -> State:
        """Return the value after a change of a relation under the highest number."""
        touched = self.relations.keys() & {relation, EVERYTHING}
        if not touched and relation != keyed:
            return self
        relations = {**self.relations, **dict.fromkeys(touched, self.number)}
        changed = replace(self, relations=relations, changed=self.changed + 1)
        if relation != keyed:
            return changed
        if keys is None:
            return replace(changed, rows=self.number, buckets={})
        buckets = dict.fromkeys(map(bucket_of, keys), self.number)
        return replace(changed, buckets={**self.buckets, **buckets})

    def to_json(self) -> str:
        """Return the text to store."""
        return json.dumps(
            {
                "number": self.number,
                "floor": self.floor,
                "relations": self.relations,
                "rows": self.rows,
                "buckets": list(self.buckets.items()),
                "changed": self.changed,
                "published": self.published,
                "refreshed": self.refreshed,
                "listed": self.listed,
                "life": self.life,
                "fingerprint": self.fingerprint,
                "is_settled": self.is_settled,
            }
        )

    @classmethod
    def of(cls, told: Stored) -> State:
        """Return the value that was stored. Raises TypeError if a member is missing or wrong."""
        buckets = map(Stored, told.get("buckets", list))
        return cls(
            told.get("number", int),
            told.get("floor", int),
            Stored(told.get("relations", dict)).each(int),
            told.get("rows", int),
            {bucket.get(0, int): bucket.get(1, int) for bucket in buckets},
            changed=told.get("changed", int),
            published=told.get("published", int),
            refreshed=told.get("refreshed", int),
            listed=told.get("listed", int),
            life=told.get("life", str),
            fingerprint=told.get("fingerprint", str),
            is_settled=told.get("is_settled", bool),
        )


class Journal:
    """Holds a target's `State`. What is noted is safe before anything leaves the object.

    A new object, or one whose storage this release cannot read, begins with an empty state. Then it
    asks the ledger before its first read.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.state = restored(storage.get(_KEY), State.of) or State()

    def note(self, state: State) -> None:
        """Replace the state."""
        if state != self.state:
            self.state = state
            self._storage.put(_KEY, state.to_json())
