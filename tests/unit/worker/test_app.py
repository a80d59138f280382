"""Which request gets what, with a real reader over faked ports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from faked_ports import (
    FakeBackground,
    FakeLog,
    FakeRefresher,
    FakeStore,
    FakeStream,
    filled_of,
    members,
    now_ms,
    value_of,
)

from edge_cache.config import Settings
from edge_cache.entries import etag_of
from edge_cache.errors import (
    ConfigurationError,
    LookupsExhausted,
    NotFound,
    RefresherUnavailable,
    UpstreamTimeout,
)
from edge_cache.http import Answer, Request
from edge_cache.resources import Change, Resource
from edge_cache.supabase.webhook import MAX_BYTES
from edge_cache.tables import Table
from edge_cache.worker import app
from edge_cache.worker.health import Health
from edge_cache.worker.reader import Reader

ARTICLES = Table("articles")
PRODUCTS = Table("products", key="sku")
SECRET = "correct horse"
BEARER = {"authorization": f"Bearer {SECRET}"}
ELSEWHERE = "https://cache.example.com"


@dataclass
class Edge:
    """The Worker over its ports."""

    store: FakeStore = field(default_factory=FakeStore)
    refresher: FakeRefresher = field(default_factory=FakeRefresher)
    log: FakeLog = field(default_factory=FakeLog)
    tables: tuple[Table, ...] = (ARTICLES, PRODUCTS)
    secret: str | None = SECRET
    limits: list[int] = field(default_factory=list)
    """How many bytes of a body were asked for, each time."""

    def worker(self) -> app.App:
        """Make the Worker."""
        reader = Reader(
            self.store,
            self.refresher,
            max_age_s=None,
            background=FakeBackground(),
            now_ms=now_ms,
            log=self.log,
        )
        settings = Settings(
            "https://abc.supabase.co", "key", revalidate_secret=self.secret, tables=self.tables
        )
        health = Health(self.tables, self.store, self.refresher)
        return app.App(reader, self.refresher, health, settings, self.log)

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = b"",
        made: Callable[[], app.App] | None = None,
    ) -> Answer:
        """Send a request; a body of None is one beyond the limit."""

        async def read(limit: int) -> bytes | None:
            self.limits.append(limit)
            return body

        url = path if "://" in path else ELSEWHERE + path
        request = Request(method, url, (headers or {}).get, read)
        return asyncio.run(app.answer(made or self.worker, request, self.log))

    def events(self) -> list[object]:
        """Return the logged events."""
        return [line["event"] for line in self.log.lines]


@pytest.fixture
def edge() -> Edge:
    """Return a Worker with two tables, a secret and an empty store."""
    return Edge()


def problem_of(answer: Answer) -> dict[str, object]:
    """Return a problem's members, having looked at what every problem has."""
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert isinstance(answer.body, bytes)
    assert answer.headers["content-length"] == str(len(answer.body))
    return members(answer.body)


def slug_of(answer: Answer) -> str:
    """Return the last part of a problem's type."""
    return str(problem_of(answer)["type"]).removeprefix("urn:supabase-edge-cache:")


def webhook(**others: object) -> bytes:
    """Return the payload of an UPDATE of an article."""
    payload: dict[str, object] = {
        "type": "UPDATE",
        "table": "articles",
        "schema": "public",
        "record": {"id": 7, "title": "private"},
        "old_record": {"id": 7},
    }
    return json.dumps({**payload, **others}).encode()


@pytest.mark.parametrize("path", ["/articles", "/articles/", "/articles?page=2#top"])
def test_a_tables_path_is_read(edge: Edge, path: str) -> None:
    """Queries and trailing slashes make no other entry."""
    edge.store.values["/articles"] = value_of(b"[]")
    answer = edge.ask("GET", path)
    assert answer.status == 200
    assert isinstance(answer.body, FakeStream)
    assert edge.events() == ["hit"]


def test_a_rows_path_is_read(edge: Edge) -> None:
    """Of any declared table."""
    edge.refresher.fills_with = filled_of(b"{}")
    assert edge.ask("GET", "/products/a%20b").status == 200
    assert edge.refresher.asked == [("fill", Resource(PRODUCTS, "a b"), 0, False)]


def test_conditions_are_passed_on(edge: Edge) -> None:
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
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
REFUSED = [(path, method) for path in ROUTES for method in METHODS if method not in ROUTES[path]]


@pytest.mark.parametrize(("path", "method"), REFUSED)
def test_other_methods_are_405(edge: Edge, path: str, method: str) -> None:
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


@pytest.mark.parametrize("path", [*ROUTES, "/", "/unknown", "/articles/1/2", "/articles/%ff"])
def test_a_preflight_succeeds_for_every_path(edge: Edge, path: str) -> None:
    """So that a page can read whatever the request itself is answered with, a 404 too."""
    answer = edge.ask("OPTIONS", path, {"access-control-request-headers": "if-none-match"})
    allowed = ", ".join(ROUTES.get(path, ("GET", "HEAD", "OPTIONS")))
    assert (answer.status, answer.body) == (204, None)
    assert answer.headers == {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "ETag, Age, Cache-Status, Retry-After",
        "allow": allowed,
        "access-control-allow-methods": allowed,
        "access-control-max-age": "86400",
        "vary": "Access-Control-Request-Headers",
        "access-control-allow-headers": "if-none-match",
    }
    assert (edge.refresher.asked, edge.store.asked) == ([], [])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/", "/unknown", "/articles/1/2", "/articles/%ff", "/Articles"])
def test_an_unknown_path_is_404(edge: Edge, path: str, method: str) -> None:
    """Whatever the method."""
    answer = edge.ask(method, path)
    assert answer.status == 404
    assert (answer.body is None) is (method == "HEAD")
    assert edge.log.lines[0]["type"] == "not-found"


def test_a_404_names_the_paths_that_there_are(edge: Edge) -> None:
    """Those of the declared tables."""
    assert problem_of(edge.ask("GET", "/unknown")) == {
        "type": "urn:supabase-edge-cache:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this path; try /articles or /products.",
    }


@pytest.mark.parametrize("path", ["/articles", "/articles/7"])
def test_an_error_of_a_read_is_a_problem(edge: Edge, path: str) -> None:
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


def test_where_waiting_does_not_help_nobody_is_told_to(edge: Edge) -> None:
    """A row that is not there will not come by itself."""
    edge.refresher.failing["articles"] = NotFound("No such row.")
    answer = edge.ask("GET", "/articles/7")
    assert (answer.status, "retry-after" in answer.headers) == (404, False)


def test_a_flood_of_unknown_rows_is_told_to_wait_a_second(edge: Edge) -> None:
    """The limit is for one second."""
    edge.refresher.failing["articles"] = LookupsExhausted("Too many.")
    answer = edge.ask("GET", "/articles/7")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_an_error_of_head_has_no_body(edge: Edge) -> None:
    """And GET's headers."""
    edge.refresher.failing["articles"] = UpstreamTimeout("Slow.")
    head, get = edge.ask("HEAD", "/articles"), edge.ask("GET", "/articles")
    assert (head.status, head.body, head.headers) == (504, None, get.headers)


def test_an_unexpected_exception_is_a_500_that_tells_nothing(edge: Edge) -> None:
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


def test_a_worker_that_is_not_configured_says_so(edge: Edge) -> None:
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


@pytest.mark.parametrize("path", ["/health", "/health/", "/health?x"])
def test_its_health_lists_the_faults(edge: Edge, path: str) -> None:
    """503, as of any Worker that cannot serve."""
    answer = edge.ask("GET", path, made=misconfigured)
    assert answer.status == 503
    assert members(answer.body) == {"status": "failing", "configuration": FAULTS, "tables": {}}
    head = edge.ask("HEAD", path, made=misconfigured)
    assert (head.status, head.body, head.headers) == (503, None, answer.headers)


def test_health_is_reported(edge: Edge) -> None:
    """Of each table; HEAD has the same headers."""
    get, head = edge.ask("GET", "/health"), edge.ask("HEAD", "/health")
    assert (get.status, members(get.body)["status"]) == (200, "ok")
    assert (head.status, head.body, head.headers) == (200, None, get.headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="revalidate"'),
        ({"authorization": "Bearer x"}, 'Bearer realm="revalidate", error="invalid_token"'),
    ],
)
def test_without_the_secret_nothing_is_done(
    edge: Edge, method: str, headers: dict[str, str], challenge: str
) -> None:
    """Not even the body is read."""
    answer = edge.ask(method, "/revalidate", headers, webhook())
    assert (answer.status, answer.headers["www-authenticate"]) == (401, challenge)
    assert slug_of(answer) == "unauthorized"
    assert (edge.limits, edge.refresher.asked) == ([], [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_no_secret_is_set_only_this_machine_may(edge: Edge, method: str) -> None:
    """Elsewhere it is 503, before the body is read."""
    edge.secret = None
    refused = edge.ask(method, "/revalidate", BEARER, webhook())
    assert (refused.status, slug_of(refused)) == (503, "secret-not-configured")
    assert (edge.limits, edge.refresher.asked) == ([], [])
    assert edge.ask(method, "http://localhost:8787/revalidate", body=webhook()).status == 200


def test_a_get_revalidates_every_table(edge: Edge) -> None:
    """Once each, and then says that it was received."""
    answer = edge.ask("GET", "/revalidate", BEARER)
    assert (answer.status, members(answer.body)) == (200, {"received": True})
    assert answer.headers["cache-control"] == "no-store"
    assert edge.refresher.asked == [("revalidate", "articles"), ("revalidate", "products")]
    assert edge.log.lines == [{"event": "revalidated", "tables": ["articles", "products"]}]
    assert edge.limits == []


def test_tables_are_revalidated_side_by_side(edge: Edge) -> None:
    """Who asks waits for the slowest, not for the sum."""
    edge.ask("GET", "/revalidate", BEARER)
    assert edge.refresher.most_at_once == 2


def test_a_table_that_fails_does_not_keep_the_others_from_being_revalidated(edge: Edge) -> None:
    """All are asked and waited for; then the error of the first that failed is the answer."""
    edge.tables = (ARTICLES, PRODUCTS, Table("notes"))
    edge.refresher.slow = {"articles": 1, "products": 2}
    edge.refresher.failing = {
        "articles": UpstreamTimeout("Slow."),
        "notes": RefresherUnavailable("No."),
    }
    answer = edge.ask("GET", "/revalidate", BEARER)
    assert (answer.status, slug_of(answer)) == (504, "supabase-timeout")
    assert edge.refresher.asked == [
        ("revalidate", "articles"),
        ("revalidate", "products"),
        ("revalidate", "notes"),
    ]
    assert edge.refresher.at_once == 0
    assert edge.events() == ["refused"]


def test_an_unexpected_exception_of_a_revalidation_is_a_500(edge: Edge) -> None:
    """It does not pass for success."""
    edge.refresher.failing["products"] = ZeroDivisionError("private")
    answer = edge.ask("GET", "/revalidate", BEARER)
    assert (answer.status, slug_of(answer)) == (500, "internal-error")
    assert edge.events() == ["internal_error", "refused"]


def test_a_webhook_is_passed_on(edge: Edge) -> None:
    """Only what changed; once it is recorded, it is received."""
    answer = edge.ask("POST", "/revalidate", BEARER, webhook(record={"id": 8}))
    assert (answer.status, members(answer.body)) == (200, {"received": True})
    assert edge.refresher.asked == [("record", Change(ARTICLES, "UPDATE", ("8", "7")))]
    assert edge.limits == [MAX_BYTES]
    assert edge.log.lines == [{"event": "received", "table": "articles", "type": "UPDATE"}]


@pytest.mark.parametrize("others", [{"table": "users"}, {"schema": "private"}])
def test_a_webhook_of_another_table_is_ignored(edge: Edge, others: dict[str, object]) -> None:
    """With 200, so that Supabase sees no failure."""
    answer = edge.ask("POST", "/revalidate", BEARER, webhook(**others))
    assert (answer.status, members(answer.body)) == (200, {"received": True, "ignored": True})
    assert edge.refresher.asked == []
    assert edge.log.lines == [
        {"event": "ignored", "detail": "another table or schema than those served"}
    ]


def test_a_webhook_that_cannot_be_recorded_is_not_received(edge: Edge) -> None:
    """The answer is the error."""
    edge.refresher.failing["articles"] = RefresherUnavailable("No.")
    answer = edge.ask("POST", "/revalidate", BEARER, webhook())
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert edge.events() == ["refused"]


def test_a_webhook_that_is_too_large_is_413(edge: Edge) -> None:
    """It says how large one may be."""
    answer = edge.ask("POST", "/revalidate", BEARER, None)
    assert (answer.status, slug_of(answer)) == (413, "payload-too-large")
    assert problem_of(answer)["detail"] == "A payload may have 1048576 bytes."
    assert edge.refresher.asked == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"x", webhook(type="TRUNCATE")])
def test_a_body_that_is_no_webhook_is_400(edge: Edge, body: bytes) -> None:
    """Nothing is recorded."""
    answer = edge.ask("POST", "/revalidate", BEARER, body)
    assert (answer.status, slug_of(answer)) == (400, "bad-payload")
    assert edge.refresher.asked == []
