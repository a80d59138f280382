"""What readers want, as far as the object remembers it."""

from __future__ import annotations

import asyncio
import json

import pytest
from clock import START_MS, Clock
from durable import Storage

from edge_cache.queries import Query
from edge_cache.refresher.demand import Demand
from edge_cache.resources import Resource
from edge_cache.tables import PROJECT, Table

ARTICLES = Table("articles")
DAY_S = 24 * 60 * 60


def query(parameters: str = "") -> Resource:
    """Return a query of the table."""
    return Resource(ARTICLES, query=Query("articles", parameters))


@pytest.fixture
def storage(clock: Clock) -> Storage:
    """Return an object's storage."""
    return Storage(clock)


@pytest.fixture
def demand(clock: Clock, storage: Storage) -> Demand:
    """Return what remembers, with nothing noted."""
    return Demand(ARTICLES, storage, clock.now_ms)


async def test_a_clock_that_was_set_back_makes_nothing_unwanted(
    clock: Clock, demand: Demand
) -> None:
    """Too much is read, not too little."""
    demand.note(query())
    clock.set_by(-2 * DAY_S * 1000)
    assert demand.is_wanted(query())
    assert demand.warm() == [query()]


async def test_what_is_asked_for_again_comes_first(demand: Demand) -> None:
    for parameters in ("a=1", "a=2", "a=1"):
        demand.note(query(parameters))
    assert demand.warm() == [query("a=1"), query("a=2")]


async def test_queries_that_are_asked_for_once_do_not_push_out_others(demand: Demand) -> None:
    """Only when all the others were asked for again, the one that was longest ago goes."""
    known = [query(f"a={number}") for number in range(50)]
    for resource in known * 2:
        demand.note(resource)
    for number in range(100):
        demand.note(query(f"flood={number}"))
    assert demand.warm() == [query("flood=99"), *reversed(known[1:])]
    demand.note(query("flood=99"))
    demand.note(query("flood=100"))
    assert demand.warm() == [query("flood=100"), query("flood=99"), *reversed(known[2:])]


async def test_what_cannot_be_read_is_forgotten(
    clock: Clock, storage: Storage, demand: Demand
) -> None:
    """By the next object too; to forget what is not known is nothing."""
    demand.note(query("a=1"))
    demand.note(query("a=2"))
    await asyncio.sleep(6)
    demand.forget(query("a=1"))
    demand.forget(query("a=3"))
    assert demand.warm() == [query("a=2")]
    await asyncio.sleep(6)
    later = Demand(ARTICLES, storage, clock.now_ms)
    assert later.warm() == [query("a=2")]
    storage.texts.pop("asked")
    later.forget(query("a=3"))
    await asyncio.sleep(6)
    assert storage.get("asked") is None


async def test_that_something_was_asked_for_again_is_stored(
    clock: Clock, storage: Storage, demand: Demand
) -> None:
    """So that an eviction does not give a flood its place."""
    known = [query(f"a={number}") for number in range(49)]
    for resource in known * 2:
        demand.note(resource)
    demand.note(query("once=1"))
    await asyncio.sleep(6)
    later = Demand(ARTICLES, storage, clock.now_ms)
    later.note(query("once=2"))
    assert later.warm() == [query("once=2"), *reversed(known)]


async def test_a_long_query_is_not_kept_warm(demand: Demand) -> None:
    """The names of all are kept in one text."""
    longest = query("a=" + "x" * (2000 - len(query("a=").path)))
    too_long = query("a=" + "x" * (2001 - len(query("a=").path)))
    demand.note(longest)
    demand.note(too_long)
    assert demand.warm() == [longest]


def test_it_is_stored_in_the_order_of_asking() -> None:
    """As an object of this version reads it."""
    storage, clock = Storage(Clock()), Clock()
    asked = [
        ["/rest/v1/articles;count=exact?a=1", 5, False],
        ["/", 7, True],
        ["/rest/v1/no such", 8, True],
    ]
    storage.put("asked", json.dumps(asked))
    demand = Demand(PROJECT, storage, lambda: 10)
    assert demand.warm() == [Resource(PROJECT, query=Query("articles", "a=1", count="exact"))]
    assert clock.now_ms() == START_MS
