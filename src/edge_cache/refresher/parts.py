"""What the parts of an object share: the world outside, and what a target knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_cache.ports import (
    CallObject,
    Database,
    Log,
    NowMs,
    Share,
    Source,
    Storage,
    WritableStore,
)
from edge_cache.refresher.demand import Demand
from edge_cache.refresher.lookups import Lookups
from edge_cache.refresher.new_keys import NewKeys
from edge_cache.refresher.record import Record
from edge_cache.refresher.state import Journal
from edge_cache.refresher.subscriber import Subscriber
from edge_cache.supabase.asking import Asking
from edge_cache.tables import Target


@dataclass(frozen=True, slots=True)
class Outside:
    """What the parts need from outside.

    ``project`` is the digest that entries name it by. ``asking`` counts what ``source`` and
    ``database`` ask. ``signed_in`` is as in `Declared`.
    """

    source: Source
    project: str
    database: Database
    asking: Asking
    store: WritableStore
    storage: Storage
    call: CallObject
    share: Share
    signed_in: Mapping[tuple[str, str], str]
    now_ms: NowMs
    log: Log


@dataclass(frozen=True, slots=True)
class Known:
    """What an object knows of its target: changes, the outcome of reads, and what readers want."""

    target: Target
    journal: Journal
    subscriber: Subscriber
    record: Record
    demand: Demand
    lookups: Lookups
    new_keys: NewKeys


def known_of(target: Target, outside: Outside) -> Known:
    """Return what the object's storage has."""
    storage, now_ms, log = outside.storage, outside.now_ms, outside.log
    journal = Journal(storage)
    subscriber = Subscriber(
        target,
        journal,
        storage=storage,
        store=outside.store,
        call=outside.call,
        signed_in=outside.signed_in,
        log=log,
    )
    return Known(
        target,
        journal,
        subscriber,
        Record(storage, now_ms),
        Demand(target, storage, now_ms),
        Lookups(now_ms),
        NewKeys(now_ms),
    )
