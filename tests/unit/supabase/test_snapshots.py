"""Reads of long tables by the function in the database, and what happens if it is missing."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from remote_tables import JSON_TYPE, MISSING, Answer, Project, error, numbered

from edge_cache.config import Settings
from edge_cache.errors import (
    InvalidAnswer,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from edge_cache.resources import Resource
from edge_cache.supabase.rest import Supabase
from edge_cache.supabase.snapshots import PAUSE_MS
from edge_cache.tables import Table

FORBIDDEN = error(401, "42501")


def test_a_long_table_is_read_by_the_function() -> None:
    """From the second read on, one request is enough."""
    project = Project(numbered(25))
    assert [project.ids(), project.ids()] == [list(range(25))] * 2
    assert project.requests() == ["0", "f", "f"]


def test_the_functions_answer_is_handed_on_untouched() -> None:
    """No byte of its answer changes."""
    body = b'[ {"id":1},\n {"id":2,"t":"\\u00e4"} ]'
    project = Project(numbered(2), 1, lambda: httpx.Response(200, content=body, headers=JSON_TYPE))
    assert project.read() == body


def test_what_the_function_is_asked() -> None:
    """It gets the schema as an argument. The function itself is in the first exposed schema."""
    seen: list[httpx.Request] = []

    def remote(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        headers = {} if "rpc" in request.url.path else {"content-range": "0-0/2"}
        return httpx.Response(200, json=[{"id": 1}], headers=headers)

    settings = Settings("https://abc.supabase.co", "eyJ.a.b")
    supabase = Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)
    asyncio.run(supabase.read(Resource(Table("x", "the key", "x+y", own_name="a b&c"))))
    page, function = seen
    assert function.method == "GET"
    assert function.url.raw_path == (
        b"/rest/v1/rpc/edge_cache_snapshot?schema_name=x%2By&table_name=a%20b%26c&key_column=the%20key"
    )
    assert function.headers["authorization"] == "Bearer eyJ.a.b"
    assert page.headers["accept-profile"] == "x+y"
    assert "accept-profile" not in function.headers


@pytest.mark.parametrize(
    "function",
    [MISSING, FORBIDDEN, error(403, "42501"), error(404, "42883")],
)
def test_without_the_function_a_long_table_is_read_in_pages(function: Answer) -> None:
    """The function is missing, or the key may not call it. We remember that for a while."""
    project = Project(numbered(25), function=function)
    assert project.ids() == list(range(25))
    assert project.requests() == ["0", "f", "10", "20", "0", "10", "20"]
    assert project.ids() == list(range(25))
    assert project.requests() == ["0", "10", "20"] * 2


def test_a_function_that_was_missing_is_looked_for_after_a_while() -> None:
    """If it was installed meanwhile, it is used within five minutes."""
    project = Project(numbered(25), function=MISSING, now_ms=1_000_000)
    project.read()
    project.function = None
    project.requests()
    project.now_ms += PAUSE_MS - 1
    assert project.ids() == list(range(25))
    assert "f" not in project.requests()
    project.now_ms += 1
    assert project.ids() == list(range(25))
    assert project.requests() == ["f"]
    assert PAUSE_MS == 5 * 60 * 1000


def test_a_function_that_is_still_missing_costs_one_request_in_a_while() -> None:
    """The table is still read in pages."""
    project = Project(numbered(25), function=MISSING)
    project.read()
    project.requests()
    project.now_ms = PAUSE_MS
    project.read()
    assert project.requests() == ["f", *["0", "10", "20"] * 2]
    project.now_ms += PAUSE_MS - 1
    project.read()
    assert "f" not in project.requests()


def test_a_clock_that_is_set_back_ends_the_pause() -> None:
    """Nothing waits longer than it should, and no pause begins again."""
    project = Project(numbered(25), function=MISSING, now_ms=1_000_000)
    project.read()
    project.function = None
    project.now_ms = 999_999
    project.requests()
    project.read()
    assert project.requests() == ["f"]
    project.now_ms = 1_000_001
    project.read()
    assert project.requests() == ["f"]


def test_what_is_missing_for_one_table_is_not_for_another() -> None:
    """The function may be unable to read every schema."""
    project = Project(numbered(25), function=FORBIDDEN)
    project.read()
    project.function = None
    project.requests()
    project.read(Resource(Table("products")))
    assert project.requests() == ["0", "f"]


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (error(500, "57014"), UpstreamUnavailable),
        (lambda: httpx.Response(503), UpstreamUnavailable),
        (lambda: httpx.Response(504), UpstreamTimeout),
        (lambda: httpx.Response(404, html="<p>"), UpstreamRejected),
        (error(404, "PGRST205"), UpstreamRejected),
        (error(400, "PGRST202"), UpstreamRejected),
        (error(401, "PGRST301"), UpstreamRejected),
        (error(400, "42501"), UpstreamRejected),
        (lambda: httpx.Response(302), InvalidAnswer),
        (lambda: httpx.Response(200, html="<p>"), InvalidAnswer),
        (lambda: httpx.Response(200, json={"id": 1}), InvalidAnswer),
        (lambda: httpx.Response(200, json=[[1]]), InvalidAnswer),
        (lambda: httpx.Response(200, content=b"null", headers=JSON_TYPE), InvalidAnswer),
        (lambda: httpx.Response(200, json=[], headers={"content-range": "0-9/*"}), InvalidAnswer),
        (lambda: httpx.Response(200, json=[], headers={"content-range": "0-0/1"}), InvalidAnswer),
        (lambda: httpx.Response(206, json=[]), InvalidAnswer),
        (lambda: httpx.Response(200, content=b'[{"id":1}', headers=JSON_TYPE), InvalidAnswer),
    ],
)
def test_anything_else_that_goes_wrong_with_the_function_is_an_error(
    function: Answer, kind: type[UpstreamError]
) -> None:
    """The read does not fall back to pages, because pages may show a table that never existed."""
    project = Project(numbered(25), function=function)
    for _ in range(2):
        with pytest.raises(kind):
            project.read()
        assert set(project.requests()) <= {"0", "f"}
    project.function = None
    assert project.ids() == list(range(25))


def test_a_function_that_returns_rows_is_another_one() -> None:
    """Its answer would have been cut. The error tells the operator what to do."""
    cut = httpx.Response(200, json=numbered(10), headers={"content-range": "0-9/*"})
    with pytest.raises(InvalidAnswer, match=r"run the script of `npm run sql` again") as caught:
        Project(numbered(25), function=lambda: cut).read()
    assert caught.value.supabase_status == 200
    one = httpx.Response(200, json=numbered(25), headers={"content-range": "0-0/*"})
    assert Project(numbered(25), function=lambda: one).ids() == list(range(25))


def test_transient_failures_of_the_function_are_tried_again() -> None:
    """Transient failures of pages are tried again, too."""
    answers = [httpx.Response(503), httpx.Response(503), httpx.Response(200, json=numbered(25))]
    project = Project(numbered(25), function=lambda: answers.pop(0))
    assert project.ids() == list(range(25))
    assert project.requests() == ["0", "f", "f", "f"]
