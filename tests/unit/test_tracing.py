"""Whose trace Supabase gets with a read of the cache."""

from __future__ import annotations

import asyncio

import pytest
from program import KEY, Program
from refreshing import write

from edge_cache.tracing import HEADER, well_formed

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = TRACE.replace("b7ad", "c8be")
LIST = "/rest/v1/articles?select=title"


async def traces(program: Program, *asked: tuple[str, str]) -> list[str | None]:
    """Ask at once for paths with a traceparent each. Return what Supabase got with each read."""
    before = len(program.supabase.requests)
    headers = [(path, {"apikey": KEY, HEADER: trace}) for path, trace in asked]
    await asyncio.gather(*(program.ask("GET", path, sent) for path, sent in headers))
    await program.live()
    return [one.request.headers.get(HEADER) for one in program.supabase.requests[before:]]


@pytest.mark.parametrize("path", ["/articles", "/articles/1", LIST])
async def test_a_read_has_the_trace_of_the_reader_who_waits_for_it(path: str) -> None:
    program = Program(trace_fills="on")
    write(program, 1)
    assert set(await traces(program, (path, TRACE))) == {TRACE}
    assert set(
        await traces(program, (path + "&id=gt.0" if "?" in path else "/articles/2", ""))
    ) == {None}


async def test_readers_who_wait_together_have_the_first_ones_trace() -> None:
    program = Program(trace_fills="on")
    write(program, 1)
    assert await traces(program, (LIST, TRACE), (LIST, OTHER)) == [TRACE]


async def test_a_refresh_after_a_change_has_nobodys_trace() -> None:
    program = Program(trace_fills="on")
    write(program, 1)
    await traces(program, ("/articles", TRACE), (LIST, TRACE))
    before = len(program.supabase.requests)
    await program.webhook("articles", 1)
    await program.live(5)
    refreshed = program.supabase.requests[before:]
    assert len(refreshed) > 1
    assert {one.request.headers.get(HEADER) for one in refreshed} == {None}


async def test_a_refresh_that_a_readers_success_begins_has_nobodys_trace() -> None:
    """After a failure, the object tries pending changes again as soon as Supabase answers."""
    program = Program(trace_fills="on")
    write(program, 1)
    await traces(program, ("/articles", TRACE))
    program.supabase.fail()
    await program.webhook("articles", 1)
    await program.live(60)
    program.supabase.mend()
    got = await traces(program, (LIST, TRACE))
    assert got.count(TRACE) == 1
    assert None in got


@pytest.mark.parametrize("trace_fills", ["off", None])
async def test_no_read_has_a_trace_unless_it_is_wanted(trace_fills: str | None) -> None:
    program = Program(trace_fills=trace_fills)
    assert await traces(program, (LIST, TRACE)) == [None]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        TRACE.upper(),
        TRACE + "-00",
        TRACE + "\n",
        TRACE.replace("00-", "ff-", 1),
        "00-" + 32 * "0" + TRACE[35:],
        TRACE[:36] + 16 * "0" + "-01",
        "somebody's name",
    ],
)
def test_only_the_standards_form_is_handed_on(value: str | None) -> None:
    assert not well_formed(value)
