"""Which requests are passed on to Supabase, why, and what is told of it."""

from __future__ import annotations

import pytest
from faked_edge import NATIVE, FakedWorker, problem_of
from faked_ports import members

from edge_cache.config import PassThrough
from edge_cache.errors import ConfigurationError, UpstreamUnreachable
from edge_cache.worker import app

SUPABASE = "https://abc.supabase.co"
SERVICES = ["/auth/v1/user", "/storage/v1", "/functions/v1/f", "/graphql/v1", "/realtime/v1/x"]
REST = ["/rest/v1", "/rest/v1/", "/rest/v1/articles", "/rest/v1/rpc/any"]
READS = ["GET", "HEAD"]
OTHERS = ["POST", "PATCH", "PUT", "DELETE", "REPORT"]
REST_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"


@pytest.fixture
def everything(edge: FakedWorker) -> FakedWorker:
    """Return a Worker that passes on every service."""
    edge.pass_through = PassThrough.ALL
    return edge


@pytest.fixture
def off(edge: FakedWorker) -> FakedWorker:
    """Return a Worker that passes on nothing."""
    edge.pass_through = PassThrough.OFF
    return edge


@pytest.mark.parametrize("mode", [PassThrough.REST, PassThrough.ALL])
@pytest.mark.parametrize("method", READS)
def test_a_read_is_passed_on(edge: FakedWorker, method: str, mode: PassThrough) -> None:
    """As it came, to Supabase; nothing of it is read here."""
    edge.pass_through, edge.supabase.outcome = mode, 206
    passed = edge.pass_on(method, "/rest/v1/articles/?select=%2A&a=+")
    assert (passed.response, passed.status) == (edge.supabase.response, 206)
    assert edge.supabase.asked == [(NATIVE, f"{SUPABASE}/rest/v1/articles/?select=%2A&a=+")]
    told = "supabase-edge-cache; fwd=bypass; fwd-status=206; detail=key"
    assert edge.supabase.told == [told]
    assert edge.log.lines == [
        {
            "event": "bypass",
            "path": "/rest/v1/articles",
            "method": method,
            "reason": "key",
            "status": 206,
        }
    ]
    assert (edge.refresher.asked, edge.store.asked, edge.limits) == ([], [], [])


@pytest.mark.parametrize("method", OTHERS)
def test_anything_but_a_read_is_passed_on_for_its_method(edge: FakedWorker, method: str) -> None:
    """No cache could answer it."""
    edge.supabase.outcome = 201
    assert edge.pass_on(method, "/rest/v1/rpc/any?x=private").status == 201
    assert edge.supabase.told == ["supabase-edge-cache; fwd=method; fwd-status=201"]
    assert edge.log.lines == [
        {
            "event": "bypass",
            "path": "/rest/v1/rpc",
            "method": method,
            "reason": "method",
            "status": 201,
        }
    ]


@pytest.mark.parametrize("mode", list(PassThrough))
@pytest.mark.parametrize("path", REST)
def test_a_preflight_of_the_rest_api_is_answered_here(
    edge: FakedWorker, path: str, mode: PassThrough
) -> None:
    """Whatever is passed on."""
    edge.pass_through = mode
    answer = edge.ask("OPTIONS", path, {"access-control-request-headers": "apikey, x-own"})
    assert (answer.status, answer.body) == (204, None)
    assert answer.headers["access-control-allow-methods"] == REST_METHODS
    assert answer.headers["access-control-allow-headers"] == "apikey, x-own"
    assert answer.headers["access-control-max-age"] == "86400"
    assert edge.supabase.asked == []


@pytest.mark.parametrize("path", SERVICES)
def test_all_passes_services_on(everything: FakedWorker, path: str) -> None:
    """Reads because they are of a service; the log names it alone."""
    everything.pass_on("GET", path)
    everything.pass_on("OPTIONS", path)
    assert [url for _, url in everything.supabase.asked] == [SUPABASE + path] * 2
    assert everything.supabase.told == [
        "supabase-edge-cache; fwd=bypass; fwd-status=200; detail=service",
        "supabase-edge-cache; fwd=method; fwd-status=200",
    ]
    service = "/".join(path.split("/")[:3])
    told = [(line["path"], line["method"], line["reason"]) for line in everything.log.lines]
    assert told == [(service, "GET", "service"), (service, "OPTIONS", "method")]


@pytest.mark.parametrize("mode", [PassThrough.REST, PassThrough.OFF])
@pytest.mark.parametrize("path", SERVICES)
def test_services_are_not_passed_on_unasked(
    edge: FakedWorker, path: str, mode: PassThrough
) -> None:
    """Their 404 says what would."""
    edge.pass_through = mode
    answer = edge.ask("GET", path)
    assert answer.status == 404
    assert problem_of(answer)["detail"] == (
        'There is nothing at this path; PASS_THROUGH = "all" would pass it on to Supabase.'
    )
    preflight = edge.ask("OPTIONS", path)
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert edge.supabase.asked == []


@pytest.mark.parametrize("method", [*READS, *OTHERS])
def test_off_refuses_what_the_cache_does_not_answer(off: FakedWorker, method: str) -> None:
    """In PostgREST's shape, with the variable's name."""
    answer = off.ask(method, "/rest/v1/articles?x=private")
    assert (answer.status, off.supabase.asked) == (403, [])
    if method == "HEAD":
        assert answer.body is None
    else:
        assert members(answer.body) == {
            "code": "EDGE_NOT_PASSED_ON",
            "message": "This Worker answers from its cache only",
            "details": (
                f'The cache does not answer this {method}, and with PASS_THROUGH = "off" '
                "nothing is passed on to Supabase."
            ),
            "hint": 'Ask Supabase itself, or set PASS_THROUGH to "rest".',
        }
    assert off.log.lines == [
        {
            "event": "refused",
            "path": "/rest/v1/articles",
            "method": method,
            "status": 403,
            "type": "not-passed-on",
        }
    ]


@pytest.mark.parametrize("path", ["/rest/v1/articles/x", "/auth/v1/user"])
def test_a_supabase_that_cannot_be_reached_is_told_in_its_own_shape(
    everything: FakedWorker, path: str
) -> None:
    """With a status at which its clients give up; HEAD has the same headers."""
    everything.supabase.outcome = UpstreamUnreachable("No connection.")
    get, head = everything.ask("GET", path), everything.ask("HEAD", path)
    assert (get.status, members(get.body)["code"]) == (502, "EDGE_SUPABASE_UNREACHABLE")
    assert (head.status, head.body, head.headers) == (502, None, get.headers)
    shown = path.removesuffix("/x").removesuffix("/user")
    assert [(line["path"], line["status"]) for line in everything.log.lines] == [(shown, 502)] * 2


@pytest.mark.parametrize("path", ["/rest/v1/articles", "/auth/v1/user"])
def test_an_unexpected_exception_has_that_shape_too(everything: FakedWorker, path: str) -> None:
    """What happened stands in the log, which has the status that was sent."""
    everything.supabase.outcome = ZeroDivisionError("private")
    answer = everything.ask("POST", path)
    assert (answer.status, members(answer.body)["code"]) == (502, "EDGE_INTERNAL_ERROR")
    assert [line["event"] for line in everything.log.lines] == ["internal_error", "refused"]
    assert everything.log.lines[1]["status"] == 502
    assert "private" not in str(everything.log.lines)


def misconfigured() -> app.App:
    """Fail as a Worker does that lacks a variable."""
    raise ConfigurationError(["SUPABASE_URL is missing."])


@pytest.mark.parametrize("path", REST)
def test_a_worker_that_is_not_configured_says_so(edge: FakedWorker, path: str) -> None:
    """In the shape that those who ask there read; their preflights succeed."""
    answer = edge.ask("GET", path, made=misconfigured)
    assert answer.status == 502
    assert members(answer.body) == {
        "code": "EDGE_CONFIGURATION",
        "message": "The Worker is not configured",
        "details": "SUPABASE_URL is missing.",
        "hint": None,
    }
    asked = {"access-control-request-headers": "apikey"}
    preflight = edge.ask("OPTIONS", path, asked, made=misconfigured)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-methods"] == REST_METHODS
    assert preflight.headers["access-control-allow-headers"] == "apikey"


def test_elsewhere_it_says_so_in_a_problem(edge: FakedWorker) -> None:
    """Nobody knows whether services are passed on."""
    answer = edge.ask("GET", "/auth/v1/user", made=misconfigured)
    assert (answer.status, problem_of(answer)["detail"]) == (500, "SUPABASE_URL is missing.")
    preflight = edge.ask("OPTIONS", "/auth/v1/user", made=misconfigured)
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
