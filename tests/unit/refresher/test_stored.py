"""What an object keeps outlives a deploy and a rollback, so another version may have written it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from clock import START_MS
from fake_postgrest import Outbox
from program import SECRET, Program
from refreshing import ALL, LIST, fill, hit, pending, read, row, status, write

MEMBERS: dict[str, tuple[int | str, ...]] = {
    "versions": (
        *("number", "floor", "relations", "rows", "buckets", "changed", "published", "refreshed"),
        *("listed", "life", "fingerprint", "is_settled"),
    ),
    "asked": tuple(range(3)),
    "record": ("refreshed_at_ms", "failures", "failed_at_ms", "error"),
    "outbox": ("cursor", "asked_at_ms", "installed", "error"),
    "ledger": ("life", "number", "declared", "subscriptions", "untold"),
    "traffic": ("since_ms", "totals", "hours"),
}
"""Of each text, by name or place; of ``asked``, those of an item."""

ANOTHER: tuple[object, ...] = (None, "later", {"later": "later"}, True)
"""What another version may have in a member's place; None stands for nothing."""


def owner(key: str) -> str:
    """Return the name of the object that keeps a text."""
    return "*" if key in {"outbox", "ledger", "traffic"} else "articles"


async def keep_everything(program: Program) -> None:
    """Have entries in KV, and a change of them that is pending when the objects go."""
    program.supabase.outbox = Outbox(SECRET, [("public", "articles")])
    await program.tick()
    await program.live(2)
    write(program, 1, 2, title="old")
    await fill(program, LIST, "/articles/1", "/articles/2", ALL)
    await program.live(6)
    program.supabase.answer(503)
    write(program, 1)
    program.supabase.outbox.note("articles", [1])
    await program.webhook("articles", 1)
    await program.live(6)
    program.supabase.mend()
    texts = program.durable("articles").storage.texts | program.durable("*").storage.texts
    assert texts.keys() == {*MEMBERS, "record_detail", "asked_read", "traffic_minutes"}


def change(program: Program, key: str, changed: Callable[[Any], object]) -> None:
    """Change what is stored under a key, and lose the rest of the object."""
    texts = program.durable(owner(key)).storage.texts
    value = json.loads(texts[key])
    value = [changed(item) for item in value] if key == "asked" else changed(value)
    texts[key] = json.dumps(value)
    program.restart(owner(key))


def with_more(value: Any) -> object:
    """Return a list or an object with one more member."""
    return value | {"later": [1]} if isinstance(value, dict) else [*value, {"later": 1}]


def with_another(name: int | str, another: object) -> Callable[[Any], object]:
    """Return what puts something else in a member's place, or in a list ends before it."""

    def changed(value: Any) -> object:
        if another is not None:
            value[name] = another
            return value
        if isinstance(name, int):
            return value[:name]
        return {other: value[other] for other in value if other != name}

    return changed


async def assert_serves(program: Program) -> None:
    """See that readers get what changed before, and that all is carried out."""
    assert program.supabase.outbox
    await pending(program)  # any request has the object carry on
    await program.live(20)
    for path in ("/articles/1", LIST, ALL):
        assert "new" in json.dumps((await read(program, path)).json)
    await program.live(10)
    assert await pending(program) == 0
    await program.tick()
    assert program.events("catch_up_failed") == []


@pytest.mark.parametrize("key", MEMBERS)
async def test_one_more_member_changes_nothing(program: Program, key: str) -> None:
    """A version to come may store more."""
    await keep_everything(program)
    before = await status(program), await status(program, "*")
    change(program, key, with_more)
    assert (await status(program), await status(program, "*")) == before
    await assert_serves(program)
    assert await hit(program, "/articles/2") == row(2)


@pytest.mark.parametrize(("key", "name"), [(key, name) for key in MEMBERS for name in MEMBERS[key]])
async def test_whatever_a_member_is_the_object_serves(key: str, name: int | str) -> None:
    """Changes that cannot be read are not lost: whatever was read before counts as outdated."""
    for another in ANOTHER:
        program = Program(tables={"articles": {}})
        await keep_everything(program)
        change(program, key, with_another(name, another))
        await assert_serves(program)


@pytest.mark.parametrize("key", MEMBERS)
@pytest.mark.parametrize("text", ["[", "{}", "[]", "null", "7", "[7]", ""])
async def test_whatever_a_text_is_the_object_serves(program: Program, key: str, text: str) -> None:
    """Of what is stored, only the changes say what is out of date."""
    await keep_everything(program)
    program.durable(owner(key)).storage.texts[key] = text
    program.restart(owner(key))
    await assert_serves(program)
    told = (await program.get("/articles/2")).cache_status
    assert told.startswith("hit") or key in {"versions", "ledger"}


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


@pytest.mark.parametrize("newer", [{}, {"record_detail": "No."}])
async def test_what_earlier_versions_stored_is_known(
    program: Program, newer: dict[str, str]
) -> None:
    """These texts are of 0.1.0 and of 0.2.0."""
    program.durable("articles").storage.texts |= OLD | newer
    if newer:
        program.durable("*").storage.texts["outbox"] = OUTBOX
    write(program, 2)
    told = await status(program)
    assert (told["pending"], told["queries"], told["failures"]) == (1, 1, 3)
    assert told["last_error"] == "supabase-unavailable"
    assert told["last_error_detail"] == newer.get("record_detail")
    assert told["failed_at"] == told["refreshed_at"] == "2023-11-14T22:12:20+00:00"
    assert (await status(program, "*"))["outbox"]["installed"] == (True if newer else None)
    await program.live(10)
    assert (await program.get("/articles/2")).json == row(2, "new")
    assert await pending(program) == 0


async def test_earlier_versions_can_read_what_is_stored(program: Program) -> None:
    """A rollback brings them back; they take no other members than these."""
    await keep_everything(program)
    texts = program.durable("articles").storage.texts | program.durable("*").storage.texts
    told = {key: json.loads(texts[key]) for key in ("asked", "record", "outbox")}
    assert [[type(member) for member in item] for item in told["asked"]] == 4 * [[str, int, bool]]
    assert tuple(told["record"]) == MEMBERS["record"]


async def test_nothing_is_wrong_after_a_rollback(program: Program) -> None:
    """Release 0.2.0 takes an entry of its own for fresh if its version is not below the published.

    It would read a table's entry without any version.
    """
    program.durable("articles").storage.texts |= OLD
    program.durable("*").storage.texts["changes"] = OLD["changes"]
    metadata = json.dumps({"v": 2, "etag": '"a"', "size": 2, "readAt": AGO_MS, "row": ""})
    for key in (LIST, "/articles/1"):
        program.kv.set(key, b"{}", metadata)
    await program.get("/health")
    await program.live(5)
    for key in ("/articles?version", "/?version"):
        kept = program.kv.kept(key)
        assert kept is not None
        assert kept.content == f"{AGO_MS + 3} {AGO_MS + 3}".encode()
    assert LIST not in program.kv.keys or program.kv.metadata(LIST)["v"] == 3


async def test_after_a_rollback_and_an_upgrade_everything_is_read_again(program: Program) -> None:
    """The earlier release took changes that this one was never told."""
    write(program, 1, title="old")
    await fill(program, "/articles/1")
    program.restart("*")
    program.durable("*").storage.texts["changes"] = OLD["changes"]
    write(program, 1)
    await program.tick()
    await program.live(3)
    assert (await program.get("/articles/1")).json == row(1, "new")
