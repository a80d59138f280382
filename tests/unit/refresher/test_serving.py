"""The Durable Object's side of the wire."""

from __future__ import annotations

import asyncio
import json

import pytest
from world import LIST, START_MS, TABLE, World, query, row

from edge_cache import wire
from edge_cache.errors import (
    ConfigurationError,
    FinalAnswer,
    Reply,
    UpstreamTimeout,
)
from edge_cache.http import Answer
from edge_cache.ports import Announced
from edge_cache.refresher.host import Host
from edge_cache.refresher.serving import serve
from edge_cache.resources import Change
from edge_cache.tables import PROJECT, Declared, Scope, Table

OTHER = Table("products", key="sku")


async def asked(world: World, path: str, verb: str, body: str = "", *, number: int = 0) -> Answer:
    """Return what the object answers."""

    async def text() -> str:
        return body

    async def host_of(scope: Scope) -> Host:
        assert scope is world.scope
        return world.host

    url = wire.url_of(verb, path, number)
    return await serve(url, text, lambda: Declared((OTHER, TABLE)), host_of, world.log)


def document(answer: Answer) -> dict[str, object]:
    """Return a JSON body."""
    assert isinstance(answer.body, bytes)
    members: dict[str, object] = json.loads(answer.body)
    return members


def problem_in(answer: Answer) -> dict[str, object]:
    """Return the problem that an answer carries."""
    return wire.error_from(answer.headers[wire.ERROR], answer.body).document()


async def test_a_miss_is_filled(world: World) -> None:
    """With a version that the reader sees; the row's name may have any character."""
    world.source.write("a/ü", "x")
    answer = await asked(world, "/articles/a%2F%C3%BC", wire.FILL, number=7)
    filled = wire.filled_from(answer.headers.get, answer.body)
    assert filled.asked
    assert document(answer) == {"id": "a/ü", "title": "x"}
    newer = filled.entry.metadata.version + 5
    answer = await asked(world, "/articles/a%2F%C3%BC", wire.FILL, number=newer)
    assert wire.filled_from(answer.headers.get, answer.body).entry.metadata.version == newer


async def test_a_stale_entry_is_refilled(world: World) -> None:
    """Within the patience of who has it."""
    world.source.write("1", "x")
    world.source.hold("/articles/1")
    answer = await asked(world, "/articles/1", wire.REFILL)
    assert (answer.status, problem_in(answer)["type"]) == (
        504,
        "urn:supabase-edge-cache:supabase-slow",
    )
    assert world.passed_ms == 1000


async def test_a_miss_is_not_hurried(world: World) -> None:
    """Its reader has nothing else."""
    world.source.write("1", "x")
    world.source.delay_s = 5
    assert (await asked(world, "/articles/1", wire.FILL)).status == 200


async def test_an_aged_entry_is_renewed(world: World) -> None:
    """Unless a reader was known to want it later."""
    world.source.write("1", "x")
    filled = await world.fill(row("1"))
    asked_at_ms = filled.entry.metadata.asked_at_ms
    for at_ms, count in ((asked_at_ms - 1, 1), (asked_at_ms, 2)):
        answer = await asked(world, "/articles/1", wire.RENEW, number=at_ms)
        assert (answer.status, answer.body) == (204, None)
        assert world.source.count("/articles/1") == count


async def test_a_table_is_revalidated(world: World) -> None:
    """KV has it when that is answered."""
    answer = await asked(world, "/articles", wire.REVALIDATE)
    assert answer.status == 204
    assert world.shown(LIST) == []
    assert world.published


async def test_a_table_is_checked(world: World) -> None:
    """Which writes nothing where nothing differs."""
    await world.fill(LIST)
    await asyncio.sleep(2)
    answer = await asked(world, "/articles", wire.CHECK)
    assert (answer.status, answer.body) == (200, b"false")
    assert not world.published
    assert world.logged("unchanged")
    world.source.write("1", "new")
    answer = await asked(world, "/articles", wire.CHECK)
    assert (answer.status, answer.body) == (200, b"true")


async def test_what_no_webhook_brought_is_told(project: World) -> None:
    """But for the changes of those numbers that were recorded, since the last moment."""
    changes = Change(TABLE, row_ids=("1",), number=7), Change(TABLE, row_ids=None, number=8)
    project.outbox.announces = Announced("c1", complete=True, changes=changes, unwatched=())
    await asked(project, "/", wire.RECORD, "[]", number=7)
    told = document(await asked(project, "/", wire.MISSED))
    assert told == {
        "cursor": "c1",
        "changes": 1,
        "rows": {"articles": None},
        "unwatched": [],
        "complete": True,
    }
    answer = await asked(project, "/", wire.CAUGHT_UP, "c1")
    assert (answer.status, answer.body) == (204, None)
    await asked(project, "/", wire.MISSED)
    assert project.outbox.asked == [None, "c1"]


async def test_without_an_outbox_that_cannot_be_told(project: World) -> None:
    """Which is an answer too."""
    assert (await asked(project, "/", wire.MISSED)).body == b"null"


async def test_all_rows_may_have_changed(world: World) -> None:
    """Then readers know that the entries of all are out of date."""
    await asked(world, "/articles", wire.RECORD, "null")
    await world.live(1)
    assert world.published == world.host.known.journal.changes.version


async def test_a_change_is_recorded(world: World) -> None:
    """With the rows that it touches."""
    answer = await asked(world, "/articles", wire.RECORD, '["1", "2"]')
    assert answer.status == 204
    assert world.due_in_ms == 0
    assert document(await asked(world, "/articles", wire.STATUS))["pending"] == 3


async def test_status_is_json(world: World) -> None:
    """As the host tells it."""
    answer = await asked(world, "/articles", wire.STATUS)
    assert answer.status == 200
    assert document(answer) == world.host.status()


async def test_a_query_is_served(world: World) -> None:
    """With the headers that are replayed; its values may have what URLs have."""
    answer = await asked(world, query("a=eq.http:%2F%2Fx%3F/y").path, wire.FILL)
    filled = wire.filled_from(answer.headers.get, answer.body)
    assert (answer.status, filled.entry.body) == (200, b"[]")
    assert filled.entry.metadata.headers == {"content-range": "0-0/*"}


async def test_what_supabase_said_of_a_query_is_carried(world: World) -> None:
    """As it said it."""
    reply = Reply(400, {"content-type": "application/json"}, b"{}")
    world.source.error = FinalAnswer("No.", supabase_status=400, reply=reply)
    answer = await asked(world, query().path, wire.FILL)
    assert (answer.status, answer.body) == (502, b"{}")
    error = wire.error_from(answer.headers[wire.ERROR], answer.body)
    assert isinstance(error, FinalAnswer)
    assert error.reply == reply


async def test_what_supabase_said_of_a_row_is_not_carried(world: World) -> None:
    """Who asks for a row gets a problem; it may quote another."""
    reply = Reply(503, {}, b"private")
    world.source.error = UpstreamTimeout("x", supabase_status=504, reply=reply)
    answer = await asked(world, "/articles/1", wire.FILL)
    assert answer.body is None
    assert "reply" not in json.loads(answer.headers[wire.ERROR])


async def test_the_project_is_served_by_its_own_object(project: World) -> None:
    """It has no path, and is told of no rows."""
    for verb, body, status in (
        (wire.RECORD, "[]", 204),
        (wire.REVALIDATE, "", 204),
        (wire.STATUS, "", 200),
    ):
        assert (await asked(project, "/", verb, body)).status == status
    assert project.host.known.journal.changes.version == START_MS + 2
    embedding = query("select=id,author(name)", PROJECT)
    assert (await asked(project, embedding.path, wire.FILL)).status == 200
    assert {key for _, key in project.source.asked} == {embedding.key}


@pytest.mark.parametrize("path", ["/unknown", "/articles/1/2", "/rest/v1/unknown", "/rest/v1/a.b"])
async def test_an_unknown_table_is_a_problem(world: World, path: str) -> None:
    """Nothing is made for it."""
    answer = await asked(world, path, wire.FILL)
    assert (answer.status, problem_in(answer)["detail"]) == (
        404,
        "The refresher knows no such table.",
    )


async def test_errors_become_problems(world: World) -> None:
    """With all that a client may know."""
    world.source.error = UpstreamTimeout("Too slow.")
    answer = await asked(world, "/articles", wire.FILL)
    error = wire.error_from(answer.headers[wire.ERROR], answer.body)
    assert (answer.status, error.retry_after_s, error.detail) == (504, 5, "Too slow.")


async def test_unexpected_errors_become_problems_that_tell_nothing(world: World) -> None:
    """The log names their place."""
    world.source.error = ValueError("private")
    answer = await asked(world, "/articles", wire.FILL)
    assert (answer.status, problem_in(answer)["type"]) == (
        500,
        "urn:supabase-edge-cache:internal-error",
    )
    assert "private" not in str(answer)
    (line,) = world.logged("internal_error")
    assert line["exception"] == "ValueError"


async def test_a_configuration_that_is_wrong_is_a_problem(world: World) -> None:
    """It is read with the first request."""

    async def text() -> str:
        return ""

    async def host_of(_scope: Scope) -> Host:
        raise AssertionError

    def declared() -> Declared:
        raise ConfigurationError(["TABLES is wrong."])

    url = wire.url_of(wire.STATUS, "/articles")
    answer = await serve(url, text, declared, host_of, world.log)
    assert (answer.status, problem_in(answer)["detail"]) == (500, "TABLES is wrong.")


async def test_an_unknown_verb_is_an_error(world: World) -> None:
    """It must not do what another verb does."""
    before = world.host.known.journal.changes
    answer = await asked(world, "/articles", "frobnicate")
    assert answer.status == 500
    assert problem_in(answer)["detail"] == "The refresher does not know this verb."
    assert world.host.known.journal.changes == before
