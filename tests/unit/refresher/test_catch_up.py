"""What the database announced and no webhook brought."""

from __future__ import annotations

import pytest
from world import TABLE, World

from edge_cache.errors import UpstreamRejected
from edge_cache.ports import Announced, Missed
from edge_cache.refresher.catch_up import MAX_CARRIED_OUT
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
        unwatched=(TABLE,),
    )
    rows = {"articles": ["1", "2", "3"], "notes": None}
    assert await missed(project) == Missed("c1", 6, rows, ["articles"], complete=True)


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


async def test_an_outbox_that_is_not_there_is_asked_every_15_minutes(project: World) -> None:
    """Also by the next life of the object; then it may be there."""
    assert await missed(project) is None
    project.outbox.announces = announced()
    await project.live(14 * 60 - 1)
    await project.restart()
    assert await missed(project) is None
    assert len(project.outbox.asked) == 1
    await project.live(1)
    assert await missed(project) is not None
    assert await missed(project) is not None
    assert len(project.outbox.asked) == 3


async def test_health_tells_how_asking_goes(project: World) -> None:
    """Of the project's object only."""
    assert project.host.status()["outbox"] == {"installed": None, "asked_at": None, "error": None}
    await missed(project)
    asked_at = "2023-11-14T22:13:20+00:00"
    told = {"installed": False, "asked_at": asked_at, "error": None}
    assert project.host.status()["outbox"] == told
    project.clock.set_by(14 * 60 * 1000)
    project.outbox.announces = UpstreamRejected("No.")
    with pytest.raises(UpstreamRejected):
        await missed(project)
    assert project.host.status()["outbox"] == {**told, "error": "supabase-rejected"}
    project.outbox.announces = announced()
    await missed(project)
    asked_at = "2023-11-14T22:27:20+00:00"
    assert project.host.status()["outbox"] == {
        "installed": True,
        "asked_at": asked_at,
        "error": None,
    }
    assert "outbox" not in World().host.status()
