"""What an object keeps outlives a deploy and a rollback, so another version may have written it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from clock import START_MS
from fake_postgrest import Outbox
from program import SECRET, Program

QUERY = "articles?select=title"
MEMBERS: dict[str, tuple[int | str, ...]] = {
    "changes": tuple(range(11)),
    "asked": tuple(range(3)),
    "record": ("refreshed_at_ms", "failures", "failed_at_ms", "error"),
    "outbox": ("cursor", "carried_out", "asked_at_ms", "installed", "error"),
}
"""Of each text, by name or place; of ``asked``, those of an item."""


@pytest.fixture
def program() -> Program:
    """Return a program whose only table has two rows, and an outbox."""
    program = Program(tables={"articles": {}})
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    for number in (1, 2):
        program.supabase.write("articles", id=number, title="old")
    return program


def texts(program: Program, key: str = "changes") -> dict[str, str]:
    """Return what the object has stored that keeps a key: the outbox's is the project's."""
    return program.durable("*" if key == "outbox" else "articles").storage.texts


async def keep_everything(program: Program) -> None:
    """Have entries in KV, and a change of them that is pending when the objects go."""
    for path in ("/articles", "/articles/1", "/articles/2"):
        await program.get(path)
    await program.query(QUERY)
    await program.tick()
    await program.live(10)
    for path in ("/articles", "/articles/1", "/articles/2"):
        await program.get(path)
    await program.query(QUERY)
    await program.live(6)
    program.supabase.answer(503)
    program.supabase.write("articles", id=1, title="new")
    assert program.supabase.outbox
    number = program.supabase.outbox.note("articles", [1])
    await program.webhook("articles", 1, number=number)
    await program.live(6)
    program.supabase.mend()
    assert texts(program).keys() == {"changes", "asked", "record", "record_detail"}
    assert "outbox" in texts(program, "outbox")


def change(program: Program, key: str, changed: Callable[[Any], object]) -> None:
    """Change what is stored under a key."""
    value = json.loads(texts(program, key)[key])
    value = [changed(item) for item in value] if key == "asked" else changed(value)
    texts(program, key)[key] = json.dumps(value)


def restart(program: Program) -> None:
    """Lose what is in memory."""
    for name in ("articles", "*"):
        program.restart(name)


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
    pytest.param(key, changed, id=f"{key} {what} {name}")
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


async def assert_serves(program: Program) -> None:
    """Restart the objects, and see that readers get what changed before."""
    restart(program)
    await program.status()
    await program.live(20)
    assert (await program.get("/articles/1")).json["title"] == "new"
    assert (await program.get("/articles")).json[0]["title"] == "new"
    assert (await program.query(QUERY)).json[0]["title"] == "new"
    assert (await program.status())["pending"] == 0
    await program.tick()
    await program.tick()
    assert program.events("catch_up_failed", "internal_error") == []


@pytest.mark.parametrize("key", MEMBERS)
async def test_one_more_member_changes_nothing(program: Program, key: str) -> None:
    """Of a version to come."""
    await keep_everything(program)
    status = await program.status("*" if key == "outbox" else "articles")
    change(program, key, with_more)
    restart(program)
    assert await program.status("*" if key == "outbox" else "articles") == status
    await assert_serves(program)
    assert (await program.get("/articles/2")).cache_status == "hit"
    assert program.events("caught_up") == program.events("caught_up")[:1]


@pytest.mark.parametrize(("key", "changed"), CHANGED)
async def test_whatever_a_member_is_the_object_serves(
    program: Program, key: str, changed: Callable[[Any], object]
) -> None:
    """Changes that cannot be read are not lost: whatever was read before counts as out of date."""
    await keep_everything(program)
    change(program, key, changed)
    await assert_serves(program)


@pytest.mark.parametrize("key", MEMBERS)
@pytest.mark.parametrize("text", ["[", "{}", "[]", "null", "7", '"later"', "[7]", '{"0": 7}', ""])
async def test_whatever_a_text_is_the_object_serves(program: Program, key: str, text: str) -> None:
    """Of what is stored, only the changes say what is out of date."""
    await keep_everything(program)
    texts(program, key)[key] = text
    restart(program)
    await program.live(20)
    is_stale = (await program.get("/articles/2")).cache_status.startswith("fwd=stale")
    assert is_stale is (key == "changes")
    await assert_serves(program)


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
    '{"cursor": "92e1a739905cbb4d first 0", "carried_out": [7, 8], '
    f'"asked_at_ms": {AGO_MS}, "installed": true, "error": ""}}'
)
"""What version 0.2.0 stored of the project beside that."""


@pytest.mark.parametrize("detail", [None, "No."])
async def test_what_earlier_versions_stored_is_known(program: Program, detail: str | None) -> None:
    """By 0.1.0, and by 0.2.0."""
    texts(program).update(OLD if detail is None else OLD | {"record_detail": detail})
    status = await program.status()
    assert (status["pending"], status["queries"], status["failures"]) == (4, 1, 3)
    assert status["last_error"] == "supabase-unavailable"
    assert status["last_error_detail"] == detail
    assert status["failed_at"] == status["refreshed_at"] == "2023-11-14T22:12:20+00:00"
    await program.live(10)
    assert program.kv.json("/articles/2") == {"id": 2, "title": "old"}
    kept = program.kv.kept("/articles?version")
    assert kept is not None
    assert kept.content.decode() == f"{AGO_MS + 1} {AGO_MS + 2}"


async def test_what_an_earlier_version_stored_of_the_outbox_is_known(program: Program) -> None:
    texts(program, "outbox")["outbox"] = OUTBOX
    told = (await program.status("*"))["outbox"]
    assert told == {"installed": True, "asked_at": "2023-11-14T22:12:20+00:00", "error": None}
    await program.tick()
    assert json.loads(program.supabase.requests[0].request.content)["after"] == "first 0"


async def test_earlier_versions_can_read_what_is_stored(program: Program) -> None:
    """A rollback brings them back; they take no other members than these."""
    await keep_everything(program)
    told = {key: json.loads(texts(program, key)[key]) for key in MEMBERS}
    kinds = [int, int, int, int, dict, int, int, int, bool, bool, int]
    assert [type(member) for member in told["changes"]] == kinds
    assert [[type(member) for member in item] for item in told["asked"]] == 2 * [[str, int, bool]]
    for key in ("record", "outbox"):
        assert tuple(told[key]) == MEMBERS[key]
