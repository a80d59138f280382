"""What readers want, as far as the object remembers it."""

from __future__ import annotations

import asyncio

import pytest
from clock import START_MS, Clock
from durable import Storage

from edge_cache.queries import Query
from edge_cache.refresher.demand import Demand
from edge_cache.resources import Resource
from edge_cache.tables import Table

DAY_S = 24 * 60 * 60
TABLE = Table("articles")
LIST = Resource(TABLE)


def query(parameters: str = "") -> Resource:
    """Return a query of the table."""
    return Resource(TABLE, query=Query("articles", parameters))


@pytest.fixture
def clock() -> Clock:
    """Return a clock that the tests may set."""
    return Clock()


@pytest.fixture
def storage(clock: Clock) -> Storage:
    """Return an empty storage."""
    return Storage(clock, lambda: None)


@pytest.fixture
def demand(storage: Storage, clock: Clock) -> Demand:
    """Return what remembers, with nothing noted."""
    return Demand(TABLE, storage, clock.now_ms)


async def test_what_is_asked_for_is_wanted_for_a_day(demand: Demand) -> None:
    """The table, and a query."""
    for resource in (LIST, query("a=1")):
        assert not demand.is_wanted(resource)
        demand.note(resource)
        await asyncio.sleep(DAY_S - 0.001)
        assert demand.is_wanted(resource)
        await asyncio.sleep(0.001)
        assert not demand.is_wanted(resource)


async def test_it_is_known_when_it_was_asked_for_last(demand: Demand, clock: Clock) -> None:
    """Now, where nothing is known."""
    assert demand.asked_at_ms(LIST) == START_MS
    demand.note(LIST)
    await asyncio.sleep(2)
    assert demand.asked_at_ms(LIST) == START_MS
    assert demand.asked_at_ms(query()) == START_MS + 2000
    demand.note(LIST)
    assert demand.asked_at_ms(LIST) == clock.now_ms() == START_MS + 2000


async def test_a_clock_that_was_set_back_makes_nothing_unwanted(
    demand: Demand, clock: Clock
) -> None:
    """Too much is read, not too little."""
    demand.note(query())
    clock.set_by(-2 * DAY_S * 1000)
    assert demand.is_wanted(query())
    assert demand.warm() == [query()]


async def test_fifty_queries_are_kept_warm_and_the_table_is_not_forgotten(demand: Demand) -> None:
    """The one that was asked for longest ago goes."""
    demand.note(LIST)
    for number in range(52):
        demand.note(query(f"a={number}"))
    assert demand.warm() == [query(f"a={number}") for number in range(51, 1, -1)]
    demand.note(query("a=2"))
    demand.note(query("a=x"))
    assert query("a=2") in demand.warm()
    assert query("a=3") not in demand.warm()
    assert len(demand.warm()) == 50
    assert demand.is_wanted(LIST)


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
    demand: Demand, storage: Storage, clock: Clock
) -> None:
    """By the next object too; to forget what is not known is nothing."""
    demand.note(query("a=1"))
    demand.note(query("a=2"))
    await asyncio.sleep(6)
    demand.forget(query("a=1"))
    demand.forget(query("a=3"))
    assert demand.warm() == [query("a=2")]
    await asyncio.sleep(6)
    later = Demand(TABLE, storage, clock.now_ms)
    assert later.warm() == [query("a=2")]
    storage.texts.pop("asked")
    later.forget(query("a=3"))
    await asyncio.sleep(6)
    assert storage.get("asked") is None


async def test_that_something_was_asked_for_again_is_stored(
    demand: Demand, storage: Storage, clock: Clock
) -> None:
    """So that an eviction does not give a flood its place."""
    known = [query(f"a={number}") for number in range(49)]
    for resource in known * 2:
        demand.note(resource)
    demand.note(query("once=1"))
    await asyncio.sleep(6)
    later = Demand(TABLE, storage, clock.now_ms)
    later.note(query("once=2"))
    assert later.warm() == [query("once=2"), *reversed(known)]


async def test_a_long_query_is_not_kept_warm(demand: Demand) -> None:
    """The names of all are kept in one text."""
    longest = query("a=" + "x" * (2000 - len(query("a=").path)))
    too_long = query("a=" + "x" * (2001 - len(query("a=").path)))
    demand.note(longest)
    demand.note(too_long)
    assert demand.warm() == [longest]


async def test_what_is_noted_is_stored_together(
    demand: Demand, storage: Storage, clock: Clock
) -> None:
    """Five seconds after the first; the next object knows it."""
    demand.note(query("a=1"))
    await asyncio.sleep(4)
    demand.note(LIST)
    await asyncio.sleep(0.9)
    assert storage.get("asked") is None
    await asyncio.sleep(0.2)
    later = Demand(TABLE, storage, clock.now_ms)
    assert later.warm() == [query("a=1")]
    assert later.asked_at_ms(LIST) == START_MS + 4000
    demand.note(query("a=2"))
    await asyncio.sleep(4.9)
    assert Demand(TABLE, storage, clock.now_ms).warm() == [query("a=1")]
    await asyncio.sleep(0.2)
    assert Demand(TABLE, storage, clock.now_ms).warm() == [
        query("a=2"),
        query("a=1"),
    ]
