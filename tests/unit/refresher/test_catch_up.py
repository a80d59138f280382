"""What the database announced and no webhook brought."""

from __future__ import annotations

import asyncio

import pytest
from world import START_MS, TABLE, World

from edge_cache.errors import UpstreamRejected
from edge_cache.ports import Announced, Missed
from edge_cache.refresher.catch_up import LAG_S, MAX_CARRIED_OUT
from edge_cache.refresher.changes import MAX_ROWS
from edge_cache.resources import Change
from edge_cache.tables import Table

NOTES = Table("notes")


def announced(
    *changes: Change, cursor: str = "c1", complete: bool = True, unwatched: tuple[Table, ...] = ()
) -> Announced:
    """Return what the outbox announces."""
    return Announced(cursor, complete, changes, unwatched)


async def missed(world: World) -> Missed | None:
    """Return what the object says was missed."""
    return await world.host.catch_up.missed()


def carry_out(world: World, *numbers: int) -> None:
    """Tell the object that webhooks brought changes."""
    for number in numbers:
        world.host.catch_up.note_carried_out(number)


async def test_changes_are_told_by_table(project: World) -> None:
    """Each row once; all rows, where one change may have touched any."""
    project.outbox.announces = announced(
        Change(TABLE, row_ids=("1", "2"), number=1),
        Change(NOTES, row_ids=("a",), number=2),
        Change(TABLE, row_ids=("2", "3"), number=3),
        Change(NOTES, row_ids=None, number=4),
        Change(NOTES, row_ids=("b",), number=5),
        Change(None, number=6),
        Change(TABLE, row_ids=("4",), number=7),
        unwatched=(TABLE,),
    )
    rows = {"articles": ["1", "2", "3", "4"], "notes": None}
    assert await missed(project) == Missed("c1", 7, rows, ["articles"], complete=True)


async def test_what_webhooks_brought_is_not_missed(project: World) -> None:
    """By its number, also after a restart; a webhook without a number says nothing."""
    carry_out(project, 1, 0, 3)
    await project.restart()
    project.outbox.announces = announced(
        Change(TABLE, row_ids=("1",), number=1),
        Change(TABLE, row_ids=("2",), number=2),
        Change(NOTES, row_ids=("3",), number=3),
        Change(NOTES, row_ids=("0",), number=0),
    )
    assert await missed(project) == Missed(
        "c1", 2, {"articles": ["2"], "notes": ["0"]}, [], complete=True
    )


async def test_not_all_that_webhooks_brought_is_remembered(project: World) -> None:
    """What is told twice costs a refresh, no more."""
    carry_out(project, *range(1, MAX_CARRIED_OUT + 2))
    changes = [Change(None, number=number) for number in range(1, MAX_CARRIED_OUT + 2)]
    project.outbox.announces = announced(*changes)
    told = await missed(project)
    assert told is not None
    assert told.changes == 1


async def test_what_was_missed_is_told_until_it_is_recorded(project: World) -> None:
    """The outbox is asked from the last moment on that was caught up with."""
    project.outbox.announces = announced(Change(TABLE, row_ids=("1",), number=1))
    first = await missed(project)
    assert first == await missed(project)
    project.host.catch_up.note_cursor("c1")
    await project.restart()
    await missed(project)
    assert project.outbox.asked == [None, None, "c1"]


async def test_where_nothing_was_missed_the_moment_is_caught_up_with(project: World) -> None:
    """Without another word."""
    carry_out(project, 1)
    project.outbox.announces = announced(Change(TABLE, row_ids=("1",), number=1))
    told = await missed(project)
    assert told == Missed("c1", 0, {}, [], complete=True)
    await missed(project)
    assert project.outbox.asked == [None, "c1"]


async def test_an_outbox_that_cannot_tell_makes_numbers_worthless(project: World) -> None:
    """One that was made anew counts from 1 again; nor is the moment caught up with."""
    carry_out(project, 1)
    project.outbox.announces = announced(complete=False)
    assert await missed(project) == Missed("c1", 0, {}, [], complete=False)
    project.outbox.announces = announced(Change(TABLE, row_ids=("1",), number=1))
    told = await missed(project)
    assert told is not None
    assert told.changes == 1
    assert project.outbox.asked == [None, None]


async def test_an_outbox_that_is_not_there_is_asked_again(project: World) -> None:
    """Each time, as it may be there now; nor is one answer proof that it will not be."""
    assert await missed(project) is None
    project.outbox.announces = announced()
    assert await missed(project) is not None
    assert project.outbox.asked == [None, None]


async def test_without_a_secret_nobody_is_asked(project: World) -> None:
    """So nobody knows whether there is an outbox."""
    project.outbox.is_open = False
    assert await missed(project) is None
    assert project.outbox.asked == []
    assert project.host.status()["outbox"] == {"installed": None, "asked_at_ms": 0, "error": None}


async def test_webhooks_that_are_on_their_way_have_a_moment(project: World) -> None:
    """What they bring meanwhile was not missed."""
    changes = [Change(TABLE, row_ids=(str(number),), number=number) for number in (1, 2)]
    project.outbox.announces = announced(*changes)
    asking = asyncio.ensure_future(missed(project))
    await asyncio.sleep(LAG_S - 0.1)
    carry_out(project, 2)
    assert not asking.done()
    assert await asking == Missed("c1", 1, {"articles": ["1"]}, [], complete=True)
    assert project.passed_ms == LAG_S * 1000


@pytest.mark.parametrize("complete", [True, False])
async def test_nobody_waits_for_nothing(project: World, *, complete: bool) -> None:
    """Nor where everything counts as changed anyway."""
    project.outbox.announces = announced(complete=complete)
    await missed(project)
    assert project.passed_ms == 0


async def test_many_rows_are_all_rows(project: World) -> None:
    """More are not refreshed one by one anyway; an object has other things to do than to count."""
    few = [Change(TABLE, row_ids=(str(number),)) for number in range(MAX_ROWS)]
    project.outbox.announces = announced(*few, *few)
    told = await missed(project)
    assert told is not None
    assert told.rows == {"articles": [str(number) for number in range(MAX_ROWS)]}
    project.outbox.announces = announced(
        *few, Change(NOTES, row_ids=("a",)), few[0], Change(TABLE, row_ids=("x",))
    )
    told = await missed(project)
    assert told is not None
    assert told.rows == {"articles": None, "notes": ["a"]}


async def test_health_tells_how_asking_goes(project: World) -> None:
    """Of the project's object only."""
    await missed(project)
    asked_at = START_MS
    told = {"installed": False, "asked_at_ms": asked_at, "error": None}
    assert project.host.status()["outbox"] == told
    project.clock.set_by(14 * 60 * 1000)
    project.outbox.announces = UpstreamRejected("No.")
    with pytest.raises(UpstreamRejected):
        await missed(project)
    assert project.host.status()["outbox"] == {**told, "error": "supabase-rejected"}
    project.outbox.announces = announced()
    await missed(project)
    asked_at = START_MS + 14 * 60_000
    assert project.host.status()["outbox"] == {
        "installed": True,
        "asked_at_ms": asked_at,
        "error": None,
    }
    assert "outbox" not in World().host.status()
