"""`/health`: whether readers can be served, and how the refreshes go."""

from __future__ import annotations

from unittest.mock import ANY

import pytest
from program import Answer, Program
from refreshing import QUIET

TABLES = {"articles": {}, "products": {"key": "sku"}, "notes": {}}
OTHERS = {"add": {"function": True}, "recent": {"view": True}, "tags": {"watch": True}}
NO_ENTRY = dict.fromkeys(("rows", "bytes", "read_at", "age", "version"))
"""What the report says about an entry that is absent, or that another Worker wrote."""


@pytest.fixture
def program() -> Program:
    """Return a program with three tables and other things."""
    program = Program(tables={**TABLES, **OTHERS})
    for table in TABLES:
        program.supabase.write(table, id=1, text="one")
    return program


async def table(program: Program, name: str) -> dict[str, object]:
    """Return what the report says of a table."""
    told: dict[str, object] = (await program.get("/health")).json["tables"][name]
    return told


def failing(answer: Answer) -> bool:
    """Tell whether the report says that readers cannot be served."""
    assert (answer.json["status"] == "failing") == (answer.status == 503)
    return answer.status == 503


async def test_all_is_told(program: Program) -> None:
    """The entry's metadata describes it; the value in KV is not read."""
    await program.get("/articles")
    await program.live(12.5)
    report = await program.get("/health")
    assert report.status == 200
    assert report.headers["cache-control"] == "no-store"
    read_at, version = "2023-11-14T22:13:20+00:00", program.kv.metadata("/articles")["version"]
    entry = {"rows": 1, "bytes": 26, "read_at": read_at, "age": 12, "version": version}
    quiet = {"serving": True, "cached": False, **NO_ENTRY, **QUIET, "refused": False}
    told = report.json
    assert list(told["tables"]) == list(TABLES)
    assert told == {
        "status": "ok",
        "configuration": "ok",
        "tables": {
            "articles": {**quiet, "cached": True, **entry, "refreshed_at": read_at},
            "products": quiet,
            "notes": quiet,
        },
        "project": {
            "serves": ["recent", "rpc/add", "tags"],
            "watched": ["tags"],
            **QUIET,
            "shared": [],
            "outbox": {"installed": None, "asked_at": None, "error": None, "unwatched": None},
        },
        "traffic": {
            "since": read_at,
            "totals": [["articles", "miss", "", 1, 26, 0]],
            "hour": [["articles", "miss", "", 1, 26, 0]],
            "own": [["*", 1, ANY, 0], ["articles", 1, 26, 0]],
            "minutes": [[1_699_999_980, 1, 0, 0, 0, 2, ANY, 26]],
            "hours": [[1_699_999_200, 1, 0, 0, 0, 2, ANY, 26]],
        },
        "revalidation": "secret",
        "now": "2023-11-14T22:13:32+00:00",
    }
    again, head = await program.get("/health"), await program.head("/health")
    assert (head.status, head.body, head.headers) == (200, None, again.headers)


@pytest.mark.parametrize("metadata", [None, "{}", "null"])
async def test_nothing_is_known_of_another_workers_entry(
    program: Program, metadata: str | None
) -> None:
    """Readers still get it."""
    program.kv.set("/notes", b"[]", metadata)
    told = await table(program, "notes")
    assert told.items() >= {"serving": True, "cached": True, **NO_ENTRY}.items()


async def test_an_entry_of_another_project_is_none(program: Program) -> None:
    other = Program(supabase_url="https://other.supabase.co")
    other.supabase.tables = {"articles": []}
    await other.get("/articles")
    await other.live(1)
    kept = other.kv.kept("/articles")
    assert kept is not None
    program.kv.set("/articles", kept.content, kept.metadata)
    told = await table(program, "articles")
    assert told.items() >= {"serving": True, "cached": False, **NO_ENTRY}.items()


async def test_the_project_has_no_say_in_whether_tables_are_served(program: Program) -> None:
    """The tables are served even if the project's object cannot be asked."""
    program.durable("*").is_reachable = False
    report = await program.get("/health")
    assert not failing(report)
    assert report.json["project"]["serves"] == ["recent", "rpc/add", "tags"]
    assert report.json["project"]["error"]["type"].endswith(":refresher-unavailable")


async def test_without_an_entry_a_failing_supabase_is_unhealthy(program: Program) -> None:
    """One such table is enough. If the failure is older, nobody knows whether it still holds."""
    program.supabase.fail(of="/products")
    await program.get("/products")
    report = await program.get("/health")
    assert failing(report)
    told = report.json["tables"]["products"]
    assert told.items() >= {"serving": False, "cached": False, "failures": 1}.items()
    assert told["last_error"] == "supabase-unreachable"
    assert told["failed_at"] == "2023-11-14T22:13:20+00:00"
    await program.live(298)
    assert failing(await program.get("/health"))
    await program.live(2)
    assert not failing(await program.get("/health"))
    program.supabase.mend()
    await program.get("/products")
    assert (await table(program, "products"))["failures"] == 0


async def test_with_an_entry_a_failing_supabase_is_none_of_the_readers_business(
    program: Program,
) -> None:
    await program.get("/products")
    await program.live(1)
    program.supabase.fail()
    await program.revalidate()
    report = await program.get("/health")
    assert failing(report)
    assert report.json["tables"]["products"]["serving"]
    assert not report.json["tables"]["articles"]["serving"]


async def test_a_table_that_is_refused_is_unhealthy(program: Program) -> None:
    """It stays so while PostgREST refuses: every reader would get the same answer."""
    program.supabase.refuse(401, "42501", of="/products")
    await program.get("/products")
    await program.live(600)
    assert failing(await program.get("/health"))
    told = await table(program, "products")
    assert told.items() >= {"serving": False, "refused": True, "failures": 0}.items()
    assert "grant select" in str(told["last_error_detail"])


async def test_a_table_that_cannot_be_looked_at_hides_no_other(program: Program) -> None:
    """Its problem, from KV or from its object, stands in its place. Unread bodies are cancelled."""
    program.kv.refuse("get", "/articles")
    program.kv.set("/notes", b"[]")
    program.durable("notes").is_reachable = False
    report = await program.get("/health")
    assert failing(report)
    told = report.json["tables"]
    for name, slug in (("articles", "kv-unavailable"), ("notes", "refresher-unavailable")):
        assert told[name].keys() == {"serving", "cached", "error"}
        assert (told[name]["serving"], told[name]["cached"]) == (False, None)
        assert told[name]["error"]["type"].endswith(slug)
    assert told["products"]["serving"]


async def test_tables_are_looked_at_side_by_side(program: Program) -> None:
    """A monitor waits for the slowest table, not for the sum."""
    program.kv.delay_s = 1
    await program.get("/health")
    assert program.clock.passed_s == 1
