"""Which request gets what: paths, methods, errors and health."""

from __future__ import annotations

import json

import pytest
from faked_edge import BEARER, EXPOSED, PRODUCTS, FakedWorker, problem_of, slug_of, webhook
from faked_ports import (
    FakeStream,
    filled_of,
    members,
    value_of,
)

from edge_cache.entries import etag_of
from edge_cache.errors import (
    ConfigurationError,
    LookupsExhausted,
    NotFound,
    UpstreamTimeout,
)
from edge_cache.resources import Resource
from edge_cache.worker import app


@pytest.mark.parametrize("path", ["/articles", "/articles/", "/articles?page=2"])
def test_a_tables_path_is_read(edge: FakedWorker, path: str) -> None:
    """Queries and trailing slashes make no other entry."""
    edge.store.values["/articles"] = value_of(b"[]")
    answer = edge.ask("GET", path)
    assert answer.status == 200
    assert isinstance(answer.body, FakeStream)
    assert edge.events() == ["hit"]


def test_a_rows_path_is_read(edge: FakedWorker) -> None:
    """Of any declared table."""
    edge.refresher.fills_with = filled_of(b"{}")
    assert edge.ask("GET", "/products/a%20b").status == 200
    assert edge.refresher.asked == [("fill", Resource(PRODUCTS, "a b"), 0, False)]


def test_conditions_are_passed_on(edge: FakedWorker) -> None:
    """If-None-Match, and whether it is HEAD."""
    edge.store.values["/articles"] = value_of(b"[]")
    assert edge.ask("GET", "/articles", {"if-none-match": etag_of(b"[]")}).status == 304
    assert edge.ask("GET", "/articles", {"if-none-match": '"x"'}).status == 200
    head = edge.ask("HEAD", "/articles")
    assert (head.status, head.body, head.headers["content-length"]) == (200, None, "2")


ROUTES = {
    "/articles": ("GET", "HEAD", "OPTIONS"),
    "/products/7": ("GET", "HEAD", "OPTIONS"),
    "/revalidate": ("GET", "POST", "OPTIONS"),
    "/health": ("GET", "HEAD", "OPTIONS"),
    "/": ("GET", "HEAD", "OPTIONS"),
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
REFUSED = [(path, method) for path in ROUTES for method in METHODS if method not in ROUTES[path]]


@pytest.mark.parametrize(("path", "method"), REFUSED)
def test_other_methods_are_405(edge: FakedWorker, path: str, method: str) -> None:
    """With those that are allowed; nothing is read, asked or recorded."""
    answer = edge.ask(method, path, BEARER, webhook())
    assert (answer.status, answer.headers["allow"]) == (405, ", ".join(ROUTES[path]))
    detail = f"{method} is not supported here; use {', '.join(ROUTES[path])}."
    assert (answer.body is None) if method == "HEAD" else problem_of(answer)["detail"] == detail
    assert (edge.refresher.asked, edge.store.asked, edge.limits) == ([], [], [])
    assert edge.log.lines == [
        {
            "event": "refused",
            "path": path,
            "method": method,
            "status": 405,
            "type": "method-not-allowed",
        }
    ]


@pytest.mark.parametrize("path", [*ROUTES, "/unknown", "/articles/1/2", "/articles/%ff"])
def test_a_preflight_succeeds_for_every_path(edge: FakedWorker, path: str) -> None:
    """So that a page can read whatever the request itself is answered with, a 404 too."""
    answer = edge.ask("OPTIONS", path, {"access-control-request-headers": "if-none-match"})
    allowed = ", ".join(ROUTES.get(path, ("GET", "HEAD", "OPTIONS")))
    assert (answer.status, answer.body) == (204, None)
    assert answer.headers == {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": EXPOSED,
        "allow": allowed,
        "access-control-allow-methods": allowed,
        "access-control-max-age": "86400",
        "vary": "Access-Control-Request-Headers",
        "access-control-allow-headers": "if-none-match",
    }
    assert (edge.refresher.asked, edge.store.asked) == ([], [])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/unknown", "/articles/1/2", "/articles/%ff", "/Articles"])
def test_an_unknown_path_is_404(edge: FakedWorker, path: str, method: str) -> None:
    """Whatever the method."""
    answer = edge.ask(method, path)
    assert answer.status == 404
    assert (answer.body is None) is (method == "HEAD")
    assert edge.log.lines[0]["type"] == "not-found"


@pytest.mark.parametrize("path", ["//x", "/articles/..", "/articles/%2e%2e", "/x/../articles"])
def test_a_path_that_is_not_normal_is_refused(edge: FakedWorker, path: str) -> None:
    answer = edge.ask("GET", path)
    assert (answer.status, problem_of(answer)["type"]) == (400, "urn:supabase-edge-cache:bad-path")
    assert (edge.refresher.asked, edge.store.asked) == ([], [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_is_not_normal_is_not_passed_on(edge: FakedWorker, method: str) -> None:
    answer = edge.ask(method, "/rest/v1/../../auth/v1/token")
    assert answer.status == 400
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["code"] == "EDGE_BAD_PATH"


def test_a_404_names_the_paths_that_there_are(edge: FakedWorker) -> None:
    """Those of the declared tables."""
    assert problem_of(edge.ask("GET", "/unknown")) == {
        "type": "urn:supabase-edge-cache:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this path; try /articles or /products.",
    }


@pytest.mark.parametrize(
    ("others", "detail"),
    [
        ({"rpc/add", "recent"}, "; try /rest/v1/recent or /rest/v1/rpc/add."),
        (set(), ", and no table is served."),
    ],
)
def test_a_404_where_no_table_is_served_names_what_is(
    edge: FakedWorker, others: set[str], detail: str
) -> None:
    """Views and functions, or nothing."""
    edge.tables, edge.others = (), frozenset((target, "public") for target in others)
    told = problem_of(edge.ask("GET", "/unknown"))["detail"]
    assert told == f"There is nothing at this path{detail}"


@pytest.mark.parametrize("path", ["/articles", "/articles/7"])
def test_an_error_of_a_read_is_a_problem(edge: FakedWorker, path: str) -> None:
    """With Retry-After, where waiting helps; the log tells what was refused."""
    edge.refresher.failing["articles"] = UpstreamTimeout("Slow.")
    answer = edge.ask("GET", path)
    assert (answer.status, answer.headers["retry-after"]) == (504, "5")
    assert slug_of(answer) == "supabase-timeout"
    assert edge.log.lines[-1] == {
        "event": "refused",
        "path": path,
        "method": "GET",
        "status": 504,
        "type": "supabase-timeout",
    }


def test_where_waiting_does_not_help_nobody_is_told_to(edge: FakedWorker) -> None:
    """A row that is not there will not come by itself."""
    edge.refresher.failing["articles"] = NotFound("No such row.")
    answer = edge.ask("GET", "/articles/7")
    assert (answer.status, "retry-after" in answer.headers) == (404, False)


def test_a_flood_of_unknown_rows_is_told_to_wait_a_second(edge: FakedWorker) -> None:
    """The limit is for one second."""
    edge.refresher.failing["articles"] = LookupsExhausted("Too many.")
    answer = edge.ask("GET", "/articles/7")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_an_error_of_head_has_no_body(edge: FakedWorker) -> None:
    """And GET's headers."""
    edge.refresher.failing["articles"] = UpstreamTimeout("Slow.")
    head, get = edge.ask("HEAD", "/articles"), edge.ask("GET", "/articles")
    assert (head.status, head.body, head.headers) == (504, None, get.headers)


def test_an_unexpected_exception_is_a_500_that_tells_nothing(edge: FakedWorker) -> None:
    """The log has its class and place; its message may quote a key or a row."""
    edge.store.failing["/articles"] = ZeroDivisionError("private")
    answer = edge.ask("GET", "/articles")
    assert answer.status == 500
    assert problem_of(answer) == {
        "type": "urn:supabase-edge-cache:internal-error",
        "title": "The Worker failed",
        "status": 500,
        "detail": "An unexpected error; the Worker's log names its place.",
    }
    unexpected, refused = edge.log.lines
    assert (unexpected["event"], unexpected["exception"]) == ("internal_error", "ZeroDivisionError")
    assert str(unexpected["place"]).startswith("reader.py:")
    assert (refused["status"], refused["type"]) == (500, "internal-error")
    assert "private" not in str(edge.log.lines)


FAULTS = ["SUPABASE_URL is missing.", "ARTICLES is not bound."]


def misconfigured() -> app.App:
    """Fail as a Worker does that lacks variables."""
    raise ConfigurationError(FAULTS)


def test_a_worker_that_is_not_configured_says_so(edge: FakedWorker) -> None:
    """Every path is a problem with all faults."""
    answer = edge.ask("GET", "/articles", made=misconfigured)
    assert answer.status == 500
    assert problem_of(answer) == {
        "type": "urn:supabase-edge-cache:configuration",
        "title": "The Worker is not configured",
        "status": 500,
        "detail": "SUPABASE_URL is missing. ARTICLES is not bound.",
    }
    assert [line["type"] for line in edge.log.lines] == ["configuration"]


@pytest.mark.parametrize("path", ["/articles", "/health", "/unknown"])
def test_its_preflights_succeed(edge: FakedWorker, path: str) -> None:
    """So that a page can read what is wrong."""
    answer = edge.ask("OPTIONS", path, made=misconfigured)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/health", "/health/", "/health?x"])
def test_its_health_lists_the_faults(edge: FakedWorker, path: str) -> None:
    """503, as of any Worker that cannot serve."""
    answer = edge.ask("GET", path, made=misconfigured)
    assert answer.status == 503
    assert members(answer.body) == {
        "status": "failing",
        "configuration": FAULTS,
        "tables": {},
        "project": {},
    }
    head = edge.ask("HEAD", path, made=misconfigured)
    assert (head.status, head.body, head.headers) == (503, None, answer.headers)


def test_health_is_reported(edge: FakedWorker) -> None:
    """Of each table; HEAD has the same headers."""
    get, head = edge.ask("GET", "/health"), edge.ask("HEAD", "/health")
    assert (get.status, members(get.body)["status"]) == (200, "ok")
    assert (head.status, head.body, head.headers) == (200, None, get.headers)
