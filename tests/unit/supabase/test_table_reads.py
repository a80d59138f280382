"""Reads of whole tables: what holds for the function and for pages, and how they differ."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from remote_tables import ARTICLES, JSON_TYPE, MISSING, Answer, Project, numbered

from edge_cache.config import Settings
from edge_cache.errors import InvalidAnswer, UpstreamTimeout
from edge_cache.resources import Resource
from edge_cache.supabase.rest import Supabase
from edge_cache.tables import Table

Read = Callable[..., bytes]


def answer(status: int, **kwargs: object) -> Callable[[httpx.Request], httpx.Response]:
    """Return a remote that always gives the same answer."""
    return lambda _request: httpx.Response(status, **kwargs)  # type: ignore[arg-type]


def test_one_page_is_handed_on_untouched(read: Read) -> None:
    """No byte of Supabase's answer changes."""
    body = b'[ {"id":1,\n"t":"\\u00e4"} ]'
    headers = {"content-range": "0-0/1", "content-type": "application/json"}
    assert read(answer(200, content=body, headers=headers)) == body


def test_a_short_table_is_one_request_each_time() -> None:
    """The function is for long tables."""
    project = Project(numbered(10))
    assert project.ids() == project.ids() == list(range(10))
    assert project.requests() == ["0", "0"]


def test_an_empty_table_is_an_empty_array() -> None:
    """A table without rows is an answer, not a failure."""
    assert Project([]).read() == b"[]"


def test_a_table_that_grows_and_shrinks_again() -> None:
    """If the table fits into one page, it is read as a page."""
    project = Project(numbered(10))
    project.read()
    project.rows = numbered(11)
    assert project.ids() == list(range(11))
    assert project.requests() == ["0", "0", "f"]
    project.rows = numbered(10)
    assert project.ids() == project.ids() == list(range(10))
    assert project.requests() == ["f", "0"]


def test_that_one_table_is_long_says_nothing_of_another() -> None:
    """We remember this for each table."""
    project = Project(numbered(25))
    project.read()
    project.requests()
    project.read(Resource(Table("products")))
    assert project.requests() == ["0", "f"]


@pytest.mark.parametrize("function", [None, MISSING], ids=["the function", "pages"])
@pytest.mark.parametrize("count", [0, 10, 25])
def test_the_rows_of_a_table_are_counted(count: int, function: Answer | None) -> None:
    """They are counted in each way of reading. For a single row there is no count."""
    project = Project(numbered(count), function=function)
    assert asyncio.run(project.supabase.read(ARTICLES)).rows == count


def test_reads_at_the_same_time_do_not_disturb_each_other() -> None:
    """They may find out different things about the table."""
    project = Project(numbered(25), function=MISSING)

    async def both() -> list[bytes]:
        one, other = project.supabase.read(ARTICLES), project.supabase.read(ARTICLES)
        return [answered.body for answered in await asyncio.gather(one, other)]

    assert [len(json.loads(body)) for body in asyncio.run(both())] == [25, 25]


def there_and_back(project: Project) -> None:
    """Change two distant rows together before each last page, and back before the next pass."""

    def edit(_number: int) -> None:
        stamp = "B" if project.asked[-1].endswith("offset=20") else "A"
        project.rows[0], project.rows[24] = {"id": 0, "t": stamp}, {"id": 24, "t": stamp}

    project.before = edit


def test_a_change_that_is_taken_back_is_no_danger_to_the_function() -> None:
    """One statement sees one moment, so it sees both changes or neither."""
    project = Project(numbered(25))
    there_and_back(project)
    for _ in range(3):
        rows = json.loads(project.read())
        assert rows[0]["t"] == rows[24]["t"]


def test_a_change_that_is_taken_back_may_fool_the_pages() -> None:
    """Two passes are equal, but such a table never existed. This is what the function is for."""
    project = Project(numbered(25), function=MISSING)
    there_and_back(project)
    rows = json.loads(project.read())
    assert (rows[0]["t"], rows[24]["t"]) == ("A", "B")


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        (answer(200, json={"id": 1}), "not an array of rows"),
        (answer(200, json=[{"id": 1}, 1]), "not an array of rows"),
        (answer(200, content=b"null", headers=JSON_TYPE), "not an array of rows"),
        (answer(200, json=[{"id": 1}]), "without a Content-Range that counts them"),
        (
            answer(200, json=[{"id": 1}], headers={"content-range": "0-0/*"}),
            "without a Content-Range that counts them",
        ),
        (
            answer(206, json=[{"id": 1}], headers={"content-range": "0-1/2"}),
            "1 rows, but its Content-Range says 2",
        ),
        (
            answer(206, json=[{"id": 1}], headers={"content-range": "*/0"}),
            "1 rows, but its Content-Range says 0",
        ),
        (
            answer(206, json=[], headers={"content-range": "*/2"}),
            "no rows, but says that the table has some",
        ),
    ],
)
def test_rows_that_are_not_all_there_are_no_table(
    read: Read, remote: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    """The rows of an answer must agree with what the answer says about them."""
    with pytest.raises(InvalidAnswer, match=words):
        read(remote)


def test_the_time_limit_bounds_all_requests_of_a_read() -> None:
    """Many pages may come quickly, but together they take too long."""

    async def slowly(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.02)
        return project.answer(request)

    project = Project(numbered(500), function=MISSING)
    settings = Settings("https://abc.supabase.co", "sb_publishable_x", 0.1)
    supabase = Supabase(httpx.MockTransport(slowly), settings, now_ms=lambda: 0)
    with pytest.raises(UpstreamTimeout, match=r"0\.1 s"):
        asyncio.run(supabase.read(ARTICLES))
