"""What the parts of an object share: the world outside, and what the object knows of its scope."""

from __future__ import annotations

from dataclasses import dataclass

from edge_cache.ports import Log, NowMs, Outbox, Share, Source, Storage, WritableStore
from edge_cache.refresher.changes import Journal
from edge_cache.refresher.demand import Demand
from edge_cache.refresher.lookups import Lookups
from edge_cache.refresher.new_keys import NewKeys
from edge_cache.refresher.record import Record
from edge_cache.tables import Scope, Table


@dataclass(frozen=True, slots=True)
class Outside:
    """What the parts need from outside. ``project`` is the digest that entries name it by."""

    source: Source
    project: str
    outbox: Outbox
    store: WritableStore
    storage: Storage
    share: Share
    now_ms: NowMs
    log: Log


@dataclass(frozen=True, slots=True)
class Known:
    """What an object knows of its scope: changes, the outcome of reads, and what readers want."""

    scope: Scope
    journal: Journal
    record: Record
    demand: Demand
    lookups: Lookups
    new_keys: NewKeys


def known_of(scope: Scope, outside: Outside) -> Known:
    """Return what the object's storage has."""
    storage, now_ms = outside.storage, outside.now_ms
    return Known(
        scope,
        Journal(storage, now_ms, has_list=isinstance(scope, Table)),
        Record(storage, now_ms),
        Demand(scope, storage, now_ms),
        Lookups(now_ms),
        NewKeys(now_ms),
    )
