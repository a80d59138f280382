"""What an object keeps outlives a deploy and a rollback, so another version may have written it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from world import LIST, START_MS, World, query, row

from edge_cache.entries import Versions
from edge_cache.errors import UpstreamUnavailable

MEMBERS: dict[str, tuple[int | str, ...]] = {
    "changes": tuple(range(11)),
    "asked": tuple(range(3)),
    "record": ("refreshed_at_ms", "failures", "failed_at_ms", "error"),
    "outbox": ("cursor", "carried_out", "asked_at_ms", "installed", "error"),
}
"""Of each text, by name or place; of ``asked``, those of an item."""


async def keep_everything(world: World) -> None:
    """Have entries in KV, and a change of them that is pending when the object goes."""
    for row_id in ("1", "2"):
        world.source.write(row_id, "old")
    for resource in (LIST, row("1"), row("2"), query()):
        await world.fill(resource)
    world.host.catch_up.note_carried_out(7)
    world.host.catch_up.note_cursor("c1")
    await world.live(6)
    world.source.error = UpstreamUnavailable("Down.", supabase_status=503)
    world.source.write("1", "new")
    await world.host.backlog.record(["1"])
    await world.live(6)
    world.source.error = None
    assert world.storage.texts.keys() == {*MEMBERS, "record_detail"}


def change(world: World, key: str, changed: Callable[[Any], object]) -> None:
    """Change what is stored under a key."""
    value = json.loads(world.storage.texts[key])
    value = [changed(item) for item in value] if key == "asked" else changed(value)
    world.storage.texts[key] = json.dumps(value)


def with_more(value: Any) -> object:
    """Return a list or an object with one more member."""
    return value | {"later": [1]} if isinstance(value, dict) else [*value, {"later": 1}]


def without(name: int | str) -> Callable[[Any], object]:
    """Return what takes a member, and in a list all behind it, away."""

    def changed(value: Any) -> object:
        if isinstance(name, int):
            return value[:name]
        return {other: value[other] for other in value if other != name}

    return changed


def with_another(name: int | str, another: object) -> Callable[[Any], object]:
    """Return what puts something else in a member's place."""

    def changed(value: Any) -> object:
        value[name] = another
        return value

    return changed


CHANGED = [
    (key, f"{what} {name}", changed)
    for key, names in MEMBERS.items()
    for name in names
    for what, changed in (
        ("without", without(name)),
        ("a text as", with_another(name, "later")),
        ("a list as", with_another(name, [[1]])),
        ("an object as", with_another(name, {"later": "later"})),
        ("a bool as", with_another(name, another=True)),
    )
]


async def assert_serves(world: World) -> None:
    """Restart the object, and see that readers get what changed before."""
    await world.restart()
    await world.live(20)
    assert world.shown(LIST) in ([*world.source.rows.values()], None)
    for resource in (row("1"), LIST, query()):
        assert "new" in json.dumps(await world.read(resource))
    assert world.host.status()["pending"] == 0
    assert await world.host.catch_up.missed() is None


@pytest.mark.parametrize("key", MEMBERS)
async def test_one_more_member_changes_nothing(world: World, key: str) -> None:
    """Of a version to come."""
    await keep_everything(world)
    status = world.host.status()
    change(world, key, with_more)
    await world.restart()
    assert world.host.status() == status
    await assert_serves(world)
    assert not world.has_stale(row("2"))


@pytest.mark.parametrize(
    ("key", "changed"),
    [pytest.param(key, changed, id=f"{key} {what}") for key, what, changed in CHANGED],
)
async def test_whatever_a_member_is_the_object_serves(
    world: World, key: str, changed: Callable[[Any], object]
) -> None:
    """Changes that cannot be read are not lost: whatever was read before counts as out of date."""
    await keep_everything(world)
    change(world, key, changed)
    await assert_serves(world)


@pytest.mark.parametrize("key", MEMBERS)
@pytest.mark.parametrize("text", ["[", "{}", "[]", "null", "7", '"later"', "[7]", '{"0": 7}', ""])
async def test_whatever_a_text_is_the_object_serves(world: World, key: str, text: str) -> None:
    """Of what is stored, only the changes say what is out of date."""
    await keep_everything(world)
    world.storage.texts[key] = text
    await assert_serves(world)
    assert world.has_stale(row("2")) is (key == "changes")


AGO_MS = START_MS - 60_000
OLD = {
    "changes": f'[{AGO_MS + 2}, {AGO_MS + 1}, {AGO_MS + 1}, {AGO_MS + 2}, {{"2": {AGO_MS + 2}}}, '
    f"{AGO_MS + 2}, {AGO_MS + 1}, {AGO_MS + 2}, true, true, {AGO_MS}]",
    "asked": f'[["/rest/v1/articles?order=id", {AGO_MS}, false], ["/articles", {AGO_MS}, true]]',
    "record": f'{{"refreshed_at_ms": {AGO_MS}, "failures": 3, "failed_at_ms": {AGO_MS}, '
    '"error": "supabase-unavailable"}',
}
"""What version 0.1.0 stored."""

OUTBOX = (
    f'{{"cursor": "c1", "carried_out": [7, 8], "asked_at_ms": {AGO_MS}, '
    '"installed": true, "error": ""}'
)
"""What version 0.2.0 stored beside that."""


async def restarted_on(world: World, texts: dict[str, str]) -> None:
    """Have an object find these texts and no others."""
    world.storage.texts = dict(texts)
    await world.restart()


@pytest.mark.parametrize("newer", [{}, {"record_detail": "No.", "outbox": OUTBOX}])
async def test_what_earlier_versions_stored_is_known(world: World, newer: dict[str, str]) -> None:
    """By 0.1.0, and by 0.2.0."""
    await restarted_on(world, OLD | newer)
    status = world.host.status()
    assert (status["pending"], status["queries"], status["failures"]) == (4, 1, 3)
    assert status["last_error"] == "supabase-unavailable"
    assert status["last_error_detail"] == newer.get("record_detail")
    assert status["failed_at_ms"] == status["refreshed_at_ms"] == START_MS - 60_000
    world.source.write("2", "new")
    await world.live(10)
    assert world.shown(row("2")) == {"id": "2", "title": "new"}
    assert world.versions == Versions(AGO_MS + 1, AGO_MS + 2)
    await world.host.catch_up.missed()
    assert world.outbox.asked == ["c1" if newer else None]


async def test_earlier_versions_can_read_what_is_stored(world: World) -> None:
    """A rollback brings them back; they take no other members than these."""
    await restarted_on(world, OLD | {"outbox": OUTBOX.replace("true", "false")})
    world.host.known.journal.note(world.host.known.journal.changes.with_change(["3"]))
    world.host.known.demand.note(query("order=id"))
    world.host.known.record.answered(LIST.key)
    world.host.catch_up.note_carried_out(9)
    await world.live(6)
    told = {key: json.loads(world.storage.texts[key]) for key in MEMBERS}
    kinds = [int, int, int, int, dict, int, int, int, bool, bool, int]
    assert [type(member) for member in told["changes"]] == kinds
    assert [[type(member) for member in item] for item in told["asked"]] == 2 * [[str, int, bool]]
    for key in ("record", "outbox"):
        assert tuple(told[key]) == MEMBERS[key]
