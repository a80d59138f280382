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


def query(parameters: str) -> Resource:
    """Return a query of the table."""
    return Resource(TABLE, query=Query("articles", parameters))


def numbered(count: int) -> list[Resource]:
    """Return so many queries."""
    return [query(f"a={number}") for number in range(count)]


@pytest.fixture
def demand(storage: Storage, clock: Clock) -> Demand:
    """Return what remembers, with nothing noted."""
    return Demand(TABLE, storage, clock.now_ms)


@pytest.mark.parametrize("resource", [LIST, query("a=1")])
async def test_what_is_asked_for_is_wanted_for_a_day(
    demand: Demand, clock: Clock, resource: Resource
) -> None:
    """If the clock was set back, it is wanted for longer: too much is read, not too little."""
    assert not demand.is_wanted(resource)
    assert demand.asked_at_ms(resource) == START_MS
    demand.note(resource)
    await asyncio.sleep(DAY_S - 0.001)
    assert demand.is_wanted(resource)
    assert demand.asked_at_ms(resource) == START_MS
    await asyncio.sleep(0.001)
    assert not demand.is_wanted(resource)
    clock.set_by(-2 * DAY_S * 1000)
    assert demand.is_wanted(resource)


async def test_two_hundred_are_popular_those_asked_for_most_lately_first(
    demand: Demand,
) -> None:
    """The one that was asked for longest ago goes. The table is none of them."""
    demand.note(LIST)
    known = numbered(202)
    for resource in (*known, known[2], query("b=1")):
        demand.note(resource)
    assert demand.popular() == [query("b=1"), known[2], *reversed(known[4:])]
    assert demand.is_wanted(LIST)


async def test_queries_that_are_asked_for_once_do_not_push_out_others(
    demand: Demand, storage: Storage, clock: Clock
) -> None:
    """The same holds after an eviction. If all others were asked for again, the oldest goes."""
    known = numbered(199)
    for resource in known * 2:
        demand.note(resource)
    for number in range(300):
        demand.note(query(f"flood={number}"))
    await asyncio.sleep(6)
    later = Demand(TABLE, storage, clock.now_ms)
    later.note(query("once=1"))
    assert later.popular() == [query("once=1"), *reversed(known)]
    later.note(query("once=1"))
    later.note(query("once=2"))
    assert later.popular() == [query("once=2"), query("once=1"), *reversed(known[1:])]


async def test_what_cannot_be_read_is_forgotten(
    demand: Demand, storage: Storage, clock: Clock
) -> None:
    """The next object does not know it either. To forget what is not known stores nothing."""
    one, other, unknown = numbered(3)
    demand.note(one)
    demand.note(other)
    await asyncio.sleep(6)
    demand.forget(one)
    assert demand.popular() == [other]
    await asyncio.sleep(6)
    later = Demand(TABLE, storage, clock.now_ms)
    assert later.popular() == [other]
    storage.texts.clear()
    later.forget(unknown)
    await asyncio.sleep(6)
    assert storage.texts == {}


async def test_long_queries_are_not_remembered(demand: Demand) -> None:
    """One text in storage has the paths of all."""
    spare = 1000 - len(query("a=").path)
    for resource in (
        query("a=" + "x" * spare),
        query("a=" + "x" * (spare + 1)),
    ):
        demand.note(resource)
    assert demand.popular() == [query("a=" + "x" * spare)]


async def test_rows_can_be_popular_too(demand: Demand) -> None:
    """It is remembered at which number each was read last."""
    one, other = Resource(TABLE, "1"), Resource(TABLE, "a/b?c")
    for resource in (one, other):
        demand.note(resource)
    demand.note_read(other, 7)
    demand.note_read(other, 5)
    assert demand.popular() == [other, one]
    assert (demand.read_at(one), demand.read_at(other)) == (0, 7)


async def test_what_is_noted_is_stored_together(
    demand: Demand, storage: Storage, clock: Clock
) -> None:
    """That happens five seconds after the first. The next object knows it."""
    one, other = numbered(2)
    for resource in (one, other):
        demand.note(resource)
        before = dict(storage.texts)
        await asyncio.sleep(4)
        demand.note(LIST)
        await asyncio.sleep(0.9)
        assert storage.texts == before
        await asyncio.sleep(0.2)
        later = Demand(TABLE, storage, clock.now_ms)
        assert later.popular() == demand.popular()
        assert later.asked_at_ms(LIST) == clock.now_ms() - 1100
