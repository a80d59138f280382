"""PostgREST's own answers are true now: clients get them, and older entries are deleted."""

from __future__ import annotations

from functools import partial

import httpx
import pytest
from edge import Edge, Variables, eventually
from upstream import Act, Handler, Server, answering, forward

QUERY = "/rest/v1/books?select=title&order=id&limit=10"
CALL = "/rest/v1/rpc/search_books?query=engine"

ROWS = answering(200, b'[{"title":"Old"}]', content_range="0-0/*")


def error(status: int, code: str, **headers: str) -> Act:
    """Return an act that answers with an error of PostgREST's."""
    body = f'{{"code":"{code}","message":"Sad","details":null,"hint":null}}'.encode()
    return answering(status, body, **headers)


VERDICTS: dict[str, tuple[str, Act]] = {
    "no such column": (QUERY, error(400, "42703")),
    "void": (CALL, answering(204, content_type=[], content_range="*/*")),
    "SQL redirects": (CALL, answering(302, content_range="0-0/*", location="/else")),
    "a media type of SQL's": (
        CALL,
        answering(200, b"<p>", content_range="0-0/*", content_type="text/html"),
    ),
}


@pytest.fixture
def edge(library_edge: Edge, variables: Variables) -> Edge:
    """Return the library's Worker, asked with the public key."""
    library_edge.http.headers["apikey"] = variables["SUPABASE_ANON_KEY"]
    library_edge.http.headers["accept"] = "application/json"
    return library_edge


def to_queries(act: Act) -> Act:
    """Return an act that answers queries and calls, and passes on reads of whole tables."""

    def acting(handler: Handler) -> None:
        (forward if "select=%2A" in handler.path or "select=*" in handler.path else act)(handler)

    return acting


def failures(edge: Edge) -> int:
    """Return how many failures `/health` counts, for all objects together."""
    health = edge.get("/health").json()
    return sum(told["failures"] for told in (*health["tables"].values(), health["project"]))


def told(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Return what an answer says, as a client sees it."""
    names = ("content-type", "content-range", "location", "vary", "content-disposition", "warning")
    headers = {name: response.headers[name] for name in names if name in response.headers}
    return response.status_code, response.content, headers


@pytest.mark.parametrize("verdict", VERDICTS)
def test_it_is_handed_on_as_it_came_and_drops_the_old_one(
    edge: Edge, upstream: Server, verdict: str
) -> None:
    path, act = VERDICTS[verdict]
    edge.upstream.always = ROWS
    edge.get(path).raise_for_status()
    assert edge.kv.queries()
    edge.upstream.always = to_queries(act)
    direct = httpx.get(upstream.url + path)
    edge.webhook("UPDATE", {"id": 1}, table="books").raise_for_status()
    eventually(lambda: told(edge.get(path)) == told(direct), "readers get it")
    assert edge.kv.queries() == []
    later = edge.get(path)
    assert told(later) == told(direct)
    assert f"fwd=uri-miss; fwd-status={direct.status_code}" in later.headers["cache-status"]
    assert "stored" not in later.headers["cache-status"]
    assert edge.kv.queries() == []
    assert failures(edge) == 0


FAILURES: dict[str, Act] = {
    "a gateway refuses the key": answering(401, b'{"message":"Invalid API key"}'),
    "a gateway redirects": answering(302, location="https://elsewhere.example/"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_leaves_the_last_good_answer(edge: Edge, failure: str) -> None:
    edge.upstream.always = ROWS
    edge.get(QUERY).raise_for_status()
    edge.kv.wait()
    edge.upstream.always = FAILURES[failure]
    edge.webhook("UPDATE", {"id": 1}, table="books").raise_for_status()
    eventually(lambda: failures(edge) > 0, "it is read again")
    assert edge.get(QUERY).json() == [{"title": "Old"}]
    assert edge.kv.queries()


def is_refused(edge: Edge, path: str) -> bool:
    """Tell whether Supabase's refusal is what readers get."""
    said = edge.get(path)
    told = said.json()["type"] if said.status_code == 502 else None
    return told == "urn:supabase-edge-cache:supabase-rejected"


@pytest.mark.parametrize("by", ["a webhook", "the hourly comparison"])
def test_a_table_that_is_refused_goes_with_its_rows(edge: Edge, by: str) -> None:
    edge.upstream.always = None
    for path in ("/books", "/books/1", "/books/2"):
        edge.get(path).raise_for_status()
    edge.kv.wait()
    edge.upstream.always = error(401, "42501")
    if by == "a webhook":
        edge.webhook("UPDATE", {"id": 1}, table="books").raise_for_status()
    else:
        edge.tick()
    edge.settle_all()
    for path in ("/books", "/books/1", "/books/2"):
        # A reader gets the old row if Supabase takes more than a second.
        eventually(partial(is_refused, edge, path), f"{path} is refused")
    health = edge.get("/health").json()["tables"]["books"]
    assert (health["serving"], health["refused"], health["failures"]) == (False, True, 0)
    assert not {"/books", "/books/1", "/books/2"} & edge.kv.contents().keys()


def test_an_answer_with_a_header_beyond_ascii_is_handed_on(edge: Edge) -> None:
    name = 'attachment; filename="Übersicht, 中.csv"'
    edge.upstream.always = answering(
        200,
        b"[]",
        content_range="0-0/*",
        content_disposition=name.encode().decode("latin-1"),  # so that http.server sends UTF-8
    )
    said = edge.get(CALL)
    assert (said.status_code, said.headers["content-disposition"]) == (200, name)
    assert edge.kv.queries() == []
