"""Reads of long tables in pages, from a database without the function."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from remote_tables import ARTICLES, MISSING, Project, numbered

from edge_cache.config import Settings
from edge_cache.errors import TornRead, UpstreamRejected
from edge_cache.supabase.pages import CONCURRENT_PAGES, MAX_PASSES
from edge_cache.supabase.rest import Supabase


def test_all_pages_are_joined_in_order() -> None:
    """A reader gets all rows, even if there are more than `max_rows`."""
    project = Project(numbered(25), function=MISSING)
    assert json.loads(project.read()) == numbered(25)
    assert all("order=id.asc" in target for target in project.asked if "rpc/" not in target)


@pytest.mark.parametrize("count", [11, 19, 20, 21, 30])
def test_every_length_is_read(count: int) -> None:
    """The last page may be full."""
    assert Project(numbered(count), function=MISSING).ids() == list(range(count))


def test_the_pages_bytes_are_kept() -> None:
    """Only the brackets between two pages become a comma."""
    bodies = [b' [{"id" : 1},\n {"id":2}] ', b'\n[ {"id":3.0} ]']

    def remote(request: httpx.Request) -> httpx.Response:
        if "rpc" in request.url.path:
            return MISSING()
        offset = int(request.url.params.get("offset", "0"))
        headers = {
            "content-type": "application/json",
            "content-range": "2-2/3" if offset else "0-1/3",
        }
        return httpx.Response(206, content=bodies[offset > 0], headers=headers)

    settings = Settings("https://abc.supabase.co", "sb_publishable_x")
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    assert asyncio.run(supabase.read(ARTICLES)).body == b'[{"id" : 1},\n {"id":2},{"id":3.0}]'


def test_few_pages_are_asked_for_at_once() -> None:
    """A Worker may have six open connections."""
    open_now = most = 0

    async def remote(request: httpx.Request) -> httpx.Response:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.001)
        open_now -= 1
        return project.answer(request)

    project = Project(numbered(200), function=MISSING)
    settings = Settings("https://abc.supabase.co", "sb_publishable_x")
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    asyncio.run(supabase.read(ARTICLES))
    assert most == CONCURRENT_PAGES == 4


def test_when_a_page_fails_the_others_are_not_read_to_the_end() -> None:
    """The caller gets the error at once."""
    project = Project(numbered(200), function=MISSING)
    asked: list[int] = []

    async def remote(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params.get("offset", "0"))
        asked.append(offset)
        if offset == 20:
            return httpx.Response(401)
        await asyncio.sleep(0.01)
        return project.answer(request)

    async def read() -> int:
        settings = Settings("https://abc.supabase.co", "sb_publishable_x")
        supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
        with pytest.raises(UpstreamRejected):
            await supabase.read(ARTICLES)
        await asyncio.sleep(0.05)
        return len(asyncio.all_tasks())

    assert asyncio.run(read()) == 1
    assert max(asked) < 100


def test_a_table_that_changes_between_pages_is_read_again() -> None:
    """An edit of a page that was already read must not be mixed with later pages."""
    project = Project(numbered(25), function=MISSING)

    def edit(number: int) -> None:
        if number == 3:
            project.rows[0], project.rows[24] = {"id": 0, "edited": 1}, {"id": 24, "edited": 2}

    project.before = edit
    assert json.loads(project.read()) == project.rows
    assert len(project.requests()) == 1 + 3 * 3


def test_a_row_that_moves_between_pages_is_neither_lost_nor_doubled() -> None:
    """A delete and an insert keep the count and shift the pages."""
    project = Project(numbered(25), function=MISSING)

    def move(number: int) -> None:
        if number == 3:
            project.rows.pop(0)
            project.rows.append({"id": 25})

    project.before = move
    assert json.loads(project.read()) == project.rows


def test_a_pass_that_was_torn_is_not_compared() -> None:
    """Only two whole passes, one right after the other, show that nothing changed."""
    project = Project(numbered(25), function=MISSING)

    def edit(number: int) -> None:
        # The passes begin with requests 1, 5, 8 and 11. The second is torn.
        project.rows = numbered(26 if number == 6 else 25)

    project.before = edit
    assert project.ids() == list(range(25))
    assert project.requests() == ["0", "f", "10", "20", *["0", "10", "20"] * 3]


@pytest.mark.parametrize("shown", ["11-20/25", "10-19/26"])
def test_a_page_of_other_rows_does_not_fit(shown: str) -> None:
    """Each page must hold the rows that follow the last page's rows."""
    project = Project(numbered(25), function=MISSING)

    def remote(request: httpx.Request) -> httpx.Response:
        response = project.answer(request)
        if request.url.params.get("offset") == "10":
            response.headers["content-range"] = shown
        return response

    settings = Settings("https://abc.supabase.co", "sb_publishable_x")
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    with pytest.raises(TornRead):
        asyncio.run(supabase.read(ARTICLES))
    assert project.requests().count("10") == MAX_PASSES


def test_a_table_that_becomes_short_while_it_is_read_is_handed_on_untouched() -> None:
    """Its only page is the whole table."""
    project = Project(numbered(25), function=MISSING)

    def shorten(number: int) -> None:
        if number == 3:
            project.rows = numbered(5)

    project.before = shorten
    assert project.ids() == list(range(5))
    assert project.requests() == ["0", "f", "10", "20", "0"]


@pytest.mark.parametrize("grow", [True, False])
def test_a_table_that_never_holds_still_is_given_up(grow: bool) -> None:
    """After a few tries there is an error, not a torn answer."""
    project = Project(numbered(200), function=MISSING)
    project.before = lambda n: project.rows.append({"id": 200 + n}) if grow else project.rows.pop()
    with pytest.raises(TornRead) as caught:
        project.read()
    assert project.requests().count("0") == MAX_PASSES == 4
    assert caught.value.detail == (
        "articles changed during each of 4 attempts to read its pages; the function of "
        "`npm run sql` would read it at one moment."
    )
    assert caught.value.retry_after_s == 5


def test_a_table_of_which_each_pass_differs_is_given_up() -> None:
    """It is given up even if the count stays the same."""
    project = Project(numbered(25), function=MISSING)
    project.before = lambda n: project.rows.__setitem__(0, {"id": 0, "edit": n})
    with pytest.raises(TornRead):
        project.read()
