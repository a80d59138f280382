"""Changes, and how the ledger and the targets tell each other of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge_cache.dependencies import EVERYTHING

Keys = tuple[str, ...] | None
"""The keys of the rows that changed, as Supabase's JSON spells them. None: any row may have."""

MAX_KEYS = 100
"""If more rows of a relation change at once, all its rows count as changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a relation (see `edge_cache.dependencies.relation_id`).

    If the relation is `EVERYTHING`, anything may have changed. An UPDATE that changes a row's key
    has two keys.
    """

    relation: str
    keys: Keys = None


ANYTHING = Change(EVERYTHING)
"""Nobody knows what changed."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the ledger tells a target: changes by relation, and the number of the latest of them.

    ``life`` names the ledger's storage. If a target hears another one than before, the ledger has
    lost its storage, and may have lost changes with it.
    """

    life: str
    number: int
    changes: Mapping[str, Keys]

    def to_json(self) -> str:
        """Return the text to send."""
        return json.dumps([self.life, self.number, self.changes])

    @classmethod
    def of(cls, text: str) -> Notice:
        """Return the notice that was sent. Raises ValueError."""
        life, number, changes = json.loads(text)
        return cls(life, number, {relation: keys_in(keys) for relation, keys in changes.items()})


@dataclass(frozen=True, slots=True)
class Heard:
    """What a target answers to a notice: the highest number it knows, and what it depends on."""

    number: int
    relations: tuple[str, ...]

    def to_json(self) -> str:
        """Return the text to send."""
        return json.dumps([self.number, self.relations])

    @classmethod
    def of(cls, text: str) -> Heard:
        """Return the answer that was sent. Raises ValueError."""
        number, relations = json.loads(text)
        return cls(number, tuple(relations))


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a target asks the ledger for: the changes of these relations, from now on.

    ``number`` is the highest that the target knows, and ``life`` the ledger's that told it, or
    empty. ``fingerprint`` is that of the target's catalogue, or empty.
    """

    name: str
    relations: tuple[str, ...]
    number: int
    life: str
    fingerprint: str

    def to_json(self) -> str:
        """Return the text to send."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Subscription:
        """Return the request that was sent. Raises ValueError and TypeError."""
        told: dict[str, Any] = json.loads(text)
        return cls(**{**told, "relations": tuple(told["relations"])})


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The ledger's answer: every change up to ``number`` was committed before.

    ``catalogue`` is its text if the target's is not the present one, else None. It is empty if the
    ledger has none.
    """

    life: str
    number: int
    fingerprint: str
    catalogue: str | None = None

    def to_json(self) -> str:
        """Return the text to send."""
        return json.dumps(asdict(self))


def merged(before: Mapping[str, Keys], change: Change) -> dict[str, Keys]:
    """Return changes by relation, and one more. Those of one relation become one."""
    keys = _union(before.get(change.relation, ()), change.keys)
    return {**before, change.relation: keys}


def keys_in(told: Iterable[str] | None) -> Keys:
    """Return keys from a JSON value."""
    return None if told is None else tuple(told)


def _union(some: Keys, others: Keys) -> Keys:
    if some is None or others is None:
        return None
    keys = tuple(dict.fromkeys((*some, *others)))
    return keys if len(keys) <= MAX_KEYS else None
