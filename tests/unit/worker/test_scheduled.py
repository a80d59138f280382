"""How the cron trigger finds changes whose poke or webhook never came."""

from __future__ import annotations

import json

import pytest
from fake_postgrest import Outbox
from program import BEARER, SECRET, Program

QUARTER = 28_333_335
"""A minute of the Unix time. A quarter of an hour begins there, but no hour does."""

HOUR = 28_333_380
ASKING = "/rest/v1/rpc/edge_cache_changes"
TABLES = ["articles", "products", "notes"]
EMBEDDING = "articles?select=title,author(name)"


@pytest.fixture
def program() -> Program:
    """Return a program with three tables and no outbox."""
    program = Program(tables={name: {} for name in TABLES})
    for table in TABLES:
        for number in (1, 2, 3):
            program.supabase.write(table, id=number, title="old")
    return program


@pytest.fixture
def watched(program: Program) -> Program:
    """Return the same program, with the database's outbox."""
    program.supabase.outbox = Outbox(SECRET, [("public", name) for name in TABLES])
    return program


async def fill(program: Program) -> None:
    """Make KV hold the tables, some rows and a query, all fresh; forget the requests so far."""
    for table in TABLES:
        await program.get(f"/{table}")
    for number in (1, 2, 3):
        await program.get(f"/articles/{number}")
    await program.query(EMBEDDING)
    await program.live(2)
    await program.tick()
    await program.live(10)
    program.supabase.requests.clear()
    program.log.clear()


def change(program: Program, table: str, *keys: int, is_known: bool = True) -> None:
    """Change rows, or all rows if none is named. The outbox may know of it."""
    for key in keys or (1, 2, 3):
        program.supabase.write(table, id=key, title="new")
    if is_known and program.supabase.outbox:
        program.supabase.outbox.note(table, list(keys) or None)


def asked(program: Program) -> list[str]:
    """Return the requests to Supabase, except those to the outbox; then forget them."""
    names = [name for name in program.supabase.asked if name != ASKING]
    program.supabase.requests.clear()
    return names


@pytest.mark.parametrize("minute", range(16))
async def test_without_an_outbox_tables_are_compared_every_15_minutes(
    program: Program, minute: int
) -> None:
    """A comparison reads the whole table. It writes nothing if all is well."""
    await fill(program)
    writes = len(program.kv.done)
    await program.tick(QUARTER + minute)
    assert asked(program) == (["/articles", "/products", "/notes"] if minute in {0, 15} else [])
    assert len(program.kv.done) == writes
    assert all(line["event"] == "unchanged" for line in program.log)


async def test_tables_that_the_outbox_watches_are_compared_every_hour(watched: Program) -> None:
    """If a partition is dropped or a policy is changed, no trigger fires."""
    assert watched.supabase.outbox
    watched.supabase.outbox.watched.remove(("public", "products"))
    await fill(watched)
    for minute, compared in (
        (QUARTER, ["/products"]),
        (HOUR, ["/articles", "/products", "/notes"]),
    ):
        await watched.tick(minute)
        assert asked(watched) == compared


@pytest.mark.parametrize("table", ["articles", "notes"])
async def test_a_table_that_changed_unseen_is_fresh_after_a_quarter_of_an_hour(
    program: Program, table: str
) -> None:
    """What depends on several tables is fresh too, because it may lack the same change."""
    await fill(program)
    program.kv.lose("/articles/2")
    change(program, table, 2)
    await program.tick(QUARTER)
    await program.live(2)
    assert program.kv.json(f"/{table}")[1]["title"] == "new"
    changed = program.events("changed")
    assert changed == [{"event": "changed", "key": f"/{table}", "entries": 1}]
    assert asked(program).count(f"/rest/v1/{EMBEDDING}") == 1


async def test_of_a_table_the_rows_are_compared_too(program: Program) -> None:
    await fill(program)
    program.kv.lose("/articles")
    change(program, "articles", 2)
    await program.tick(QUARTER)
    await program.live(2)
    assert program.events("changed") == [{"event": "changed", "key": "/articles", "entries": 1}]
    assert (await program.get("/articles/2")).json["title"] == "new"


@pytest.mark.parametrize("failing", ["/articles", "/notes"])
async def test_a_table_that_fails_stops_no_other(program: Program, failing: str) -> None:
    """Each failure is logged."""
    await fill(program)
    change(program, "products", 2)
    program.supabase.refuse(401, "PGRST301", of=failing)
    await program.tick(QUARTER)
    (line,) = program.events("check_failed")
    assert (line["table"], line["type"]) == (failing.strip("/"), "supabase-rejected")
    await program.live(2)
    assert program.kv.json("/products")[1]["title"] == "new"


async def test_a_project_that_cannot_be_revalidated_is_logged(program: Program) -> None:
    """The next run may not notice it, so the log has to show it."""
    await fill(program)
    change(program, "notes", 2)
    program.durable("*").is_reachable = False
    await program.tick(QUARTER)
    types = [line["type"] for line in program.events("check_failed")]
    assert types == ["refresher-unavailable"]


async def test_what_no_poke_told_is_made_up_for(watched: Program) -> None:
    """Within a minute readers know of the named rows, or of all rows if any may have changed."""
    await fill(watched)
    change(watched, "articles", 1)
    change(watched, "articles", 1, 3)
    change(watched, "notes")
    await watched.tick()
    await watched.live(7)
    assert watched.events("announced") == [{"event": "announced", "changes": 3, "complete": True}]
    names = asked(watched)
    assert names.count("/articles/1") == names.count("/articles/3") == 1
    assert "/articles/2" not in names
    assert "/products" not in names
    assert [row["title"] for row in watched.kv.json("/articles")] == ["new", "old", "new"]
    assert {row["title"] for row in watched.kv.json("/notes")} == {"new"}
    await watched.tick()
    await watched.live(3)
    assert asked(watched) == []


async def test_the_next_asking_begins_where_the_last_one_ended(watched: Program) -> None:
    """The ledger remembers that in its storage."""
    await fill(watched)
    change(watched, "articles", 1)
    await watched.tick()
    watched.restart("*")
    await watched.tick()
    after = [
        json.loads(one.request.content)["after"]
        for one in watched.supabase.requests
        if one.name == ASKING
    ]
    assert after == ["first 0", "first 1"]
    assert len(watched.events("announced")) == 1


async def test_changes_of_another_table_concern_what_may_read_it(watched: Program) -> None:
    """Without a catalogue, nobody knows what an embedding reads."""
    await fill(watched)
    assert watched.supabase.outbox
    watched.supabase.outbox.note("users", [1])
    await watched.tick()
    await watched.live(6)
    assert asked(watched) == [f"/rest/v1/{EMBEDDING}"]


@pytest.mark.parametrize("why", ["new here", "made anew", "others are declared"])
async def test_where_the_outbox_cannot_tell_all_counts_as_changed(
    watched: Program, why: str
) -> None:
    await fill(watched)
    change(watched, "articles", 1, is_known=why != "new here")
    await watched.webhook("articles", 1)
    await watched.live(6)
    watched.log.clear()
    if why == "new here":
        watched.lose_storage("*")
    if why == "made anew":
        assert watched.supabase.outbox
        watched.supabase.outbox.changes.clear()
        watched.supabase.outbox.life = "second"
    if why == "others are declared":
        watched.declare(tables={name: {} for name in [*TABLES, "more"]})
        watched.supabase.tables["more"] = []
    asked(watched)
    change(watched, "products", 2, is_known=False)
    await watched.tick()
    (line,) = watched.events("announced")
    assert line["complete"] is False
    await watched.live(3)
    assert watched.kv.json("/products")[1]["title"] == "new"
    change(watched, "articles", 2)
    await watched.tick()
    assert watched.events("announced")[1:] == [
        {"event": "announced", "changes": 1, "complete": True}
    ]


@pytest.mark.parametrize("name", ["articles", "notes", "*"])
async def test_what_could_not_be_told_is_told_later(watched: Program, name: str) -> None:
    await fill(watched)
    change(watched, "articles", 1)
    change(watched, "notes", 2)
    watched.durable(name).is_reachable = False
    await watched.tick()
    failed = watched.events("catch_up_failed", "retry_scheduled")[0]
    assert failed["type"] == "refresher-unavailable"
    watched.durable(name).is_reachable = True
    await watched.tick()
    await watched.live(3)
    assert len(watched.events("announced")) == 1
    assert watched.kv.json("/articles")[0]["title"] == "new"
    assert watched.kv.json("/notes")[1]["title"] == "new"


async def test_an_outbox_that_fails_is_logged(watched: Program) -> None:
    """Then tables are compared as if there were no outbox.

    `/health` shows how the requests to it go.
    """
    await fill(watched)
    outbox = (await watched.get("/health")).json["project"]["outbox"]
    assert (outbox["installed"], outbox["error"]) == (True, None)
    watched.supabase.answer(504, of=ASKING)
    await watched.tick(QUARTER)
    (line,) = watched.events("catch_up_failed")
    assert line["type"] == "supabase-timeout"
    assert asked(watched) == ["/articles", "/products", "/notes"]
    failed = (await watched.get("/health")).json["project"]["outbox"]
    assert failed == {**outbox, "error": "supabase-timeout"}


async def test_without_a_secret_nobody_asks_for_an_outbox() -> None:
    program = Program(revalidate_secret=None)
    await program.tick()
    assert program.supabase.asked == []
    told = {"installed": None, "asked_at": None, "error": None, "unwatched": None}
    assert (await program.get("/health")).json["project"]["outbox"] == told


async def test_without_a_secret_any_more_nobody_knows_of_the_outbox(watched: Program) -> None:
    await fill(watched)
    watched.declare(revalidate_secret=None)
    assert (await watched.get("/health")).json["project"]["outbox"]["installed"] is None


async def test_an_outbox_that_is_not_there_is_asked_again(program: Program) -> None:
    """It may be there the next time, so each run asks again."""
    await program.tick()
    told = (await program.get("/health", **BEARER)).json["project"]["outbox"]
    assert (told["installed"], told["asked_at"]) == (False, "2023-11-14T22:13:20+00:00")
    assert (told["error"], told["unwatched"]) == (None, None)
    program.supabase.outbox = Outbox(SECRET, [])
    await program.tick()
    assert program.supabase.asked == [ASKING, ASKING]
    assert (await program.get("/health")).json["project"]["outbox"]["installed"] is True
