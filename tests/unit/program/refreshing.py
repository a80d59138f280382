"""What tests of refreshes do and look at over and over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from program import KEY, Answer, Program

LIST = "/articles"
ALL = "/rest/v1/articles?select=*"
"""A query of the whole table."""

VERSIONS = "/articles?versions"
"""The KV key of the table's versions."""

MINUTE_OF_CHECKS = 28_333_335
"""A minute of the Unix time at which the cron trigger compares the tables."""

DAY_S = 24 * 60 * 60.0

QUIET = {
    "refreshed_at": None,
    "pending": 0,
    "failures": 0,
    "last_error": None,
    "last_error_detail": None,
    "failed_at": None,
    "queries": 0,
    "shared": False,
}
"""What /health says of refreshes if there were none."""


def row(key: object, title: str = "old") -> dict[str, object]:
    """Return a row of the table."""
    return {"id": key, "title": title}


def write(program: Program, *keys: object, title: str = "new") -> None:
    """Insert or update rows."""
    for key in keys:
        program.supabase.write("articles", **row(key, title))


async def read(program: Program, path: str, at: str = "home") -> Answer:
    """Read a table, a row or a query as anybody does."""
    return await program.ask("GET", path, {"apikey": KEY}, at=at)


async def read_all(program: Program, paths: Iterable[str]) -> list[Answer]:
    """Read all of them at once."""
    return list(await asyncio.gather(*(read(program, path) for path in paths)))


async def hit(program: Program, path: str) -> Any:
    """Read what KV has for good; return its JSON value."""
    answer = await read(program, path)
    told = answer.cache_status.split("; ")
    assert told[0] == "hit", answer.cache_status
    assert not told[1:] or told[1].startswith("ttl="), answer.cache_status
    return answer.json


async def fill(program: Program, *paths: str) -> None:
    """Have entries in KV; forget what was asked for them."""
    await read_all(program, paths)
    await program.live(2)
    forget(program)


async def with_entries(program: Program, *keys: object) -> None:
    """Have the table and rows in KV."""
    write(program, *keys, title="old")
    await fill(program, LIST, *(f"/articles/{key}" for key in keys))


async def with_outdated(program: Program, *paths: str) -> None:
    """Have entries in KV that are out of date, and that nothing reads again but its readers."""
    await fill(program, *paths)
    # It had no time to store what readers want: no query is kept warm.
    program.restart("articles")
    assert (await program.revalidate()).status == 200
    await program.live(6)
    write(program, *(one["id"] for one in program.supabase.tables["articles"]))
    forget(program)


def forget(program: Program) -> None:
    """Forget what was asked, tried, done and logged."""
    program.supabase.requests.clear()
    program.kv.tried.clear()
    program.kv.done.clear()
    program.log.clear()


async def status(program: Program, table: str = "articles") -> dict[str, Any]:
    """Return what health tells of a table, or of the project, ``*``."""
    report = (await program.get("/health")).json
    told: dict[str, Any] = report["project"] if table == "*" else report["tables"][table]
    return told


async def pending(program: Program, table: str = "articles") -> int:
    """Return how many steps are not carried out yet."""
    steps: int = (await status(program, table))["pending"]
    return steps
