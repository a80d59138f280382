"""Which requests are passed on to Supabase, why, and what the answer and the log say."""

from __future__ import annotations

import pytest
from program import KEY, SUPABASE, Program

SERVICES = ["/auth/v1/user", "/storage/v1", "/functions/v1/f", "/graphql/v1", "/realtime/v1/x"]
READS = ["GET", "HEAD"]
OTHERS = ["POST", "PATCH", "PUT", "DELETE", "REPORT"]


@pytest.fixture
def program(program: Program) -> Program:
    """Return a program whose table has a row."""
    program.supabase.write("articles", id=7, title="old")
    return program


@pytest.mark.parametrize("method", READS)
async def test_a_read_that_is_not_everybodys_is_passed_on(program: Program, method: str) -> None:
    """Supabase gets it unchanged, with the caller's credentials. Nothing of it is kept."""
    target = "/rest/v1/articles/?select=%2A&a=+"
    program.supabase.answer(206, [])
    sent = {"apikey": "sb_secret_mine", "authorization": "Bearer mine"}
    answer = await program.ask(method, target, sent)
    assert (answer.status, answer.cache_status) == (
        206,
        "fwd=bypass; fwd-status=206; detail=key",
    )
    (asked,) = program.supabase.requests
    assert str(asked.request.url) == SUPABASE + target
    assert asked.request.headers["apikey"] == "sb_secret_mine"
    assert asked.request.headers["authorization"] == "Bearer mine"
    told = {"path": "/rest/v1/articles", "method": method, "reason": "key", "status": 206}
    assert program.log == [{"event": "bypass", **told}]
    assert program.kv.tried == []


@pytest.mark.parametrize(
    ("target", "headers", "why"),
    [
        ("articles", {"authorization": "Bearer of.a.user"}, "session"),
        ("articles", {"range": "0-9"}, "range"),
        ("articles", {"accept": "text/html"}, "accept"),
        ("articles", {"prefer": "timezone=UTC"}, "prefer"),
        ("articles?a=%zz", {}, "query"),
        ("unknown", {}, "undeclared"),
        ("articles", {"accept-profile": "another"}, "undeclared"),
    ],
)
async def test_the_reason_is_told(
    program: Program, target: str, headers: dict[str, str], why: str
) -> None:
    answer = await program.query(target, **headers)
    assert answer.cache_status.endswith(f"detail={why}")
    assert program.log[0]["reason"] == why
    assert program.supabase.passed_on == [f"GET /rest/v1/{target}"]


@pytest.mark.parametrize("method", OTHERS)
async def test_anything_but_a_read_is_passed_on_for_its_method(
    program: Program, method: str
) -> None:
    """No cache could answer it."""
    program.supabase.answer(201)
    answer = await program.ask(method, "/rest/v1/rpc/any?x=private", {"apikey": KEY}, b"{}")
    assert (answer.status, answer.cache_status) == (201, "fwd=method; fwd-status=201")
    assert program.supabase.requests[0].request.content == b"{}"
    told = {"path": "/rest/v1/rpc", "method": method, "reason": "method", "status": 201}
    assert program.events("bypass") == [{"event": "bypass", **told}]


@pytest.mark.parametrize("path", SERVICES)
async def test_all_passes_services_on(path: str) -> None:
    """Reads are passed on because they belong to a service. The log has only the service's name."""
    program = Program(pass_through="all")
    program.supabase.answer(200)
    get, options = await program.get(path), await program.ask("OPTIONS", path)
    assert program.supabase.passed_on == [f"GET {path}", f"OPTIONS {path}"]
    assert get.cache_status == "fwd=bypass; fwd-status=200; detail=service"
    assert options.cache_status == "fwd=method; fwd-status=200"
    service = "/".join(path.split("/")[:3])
    told = [(line["path"], line["method"], line["reason"]) for line in program.log]
    assert told == [(service, "GET", "service"), (service, "OPTIONS", "method")]


@pytest.mark.parametrize("mode", ["rest", "off"])
@pytest.mark.parametrize("path", SERVICES)
async def test_services_are_not_passed_on_unasked(path: str, mode: str) -> None:
    """Their 404 says which variable would pass them on."""
    program = Program(pass_through=mode)
    answer = await program.get(path)
    assert (answer.status, answer.slug) == (404, "not-found")
    assert answer.json["detail"] == (
        'There is nothing at this path; PASS_THROUGH = "all" would pass it on to Supabase.'
    )
    preflight = await program.ask("OPTIONS", path)
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert program.supabase.requests == []


@pytest.mark.parametrize("method", [*READS, *OTHERS])
async def test_off_refuses_what_the_cache_does_not_answer(method: str) -> None:
    """The error has PostgREST's form, and names the variable."""
    program = Program(pass_through="off")
    answer = await program.ask(method, "/rest/v1/articles?x=private")
    assert (answer.status, program.supabase.requests) == (403, [])
    assert "retry-after" not in answer.headers
    assert (
        answer.body is None
        if method == "HEAD"
        else answer.json
        == {
            "code": "EDGE_NOT_PASSED_ON",
            "message": "This Worker answers from its cache only",
            "details": (
                f'The cache does not answer this {method}, and with PASS_THROUGH = "off" '
                "nothing is passed on to Supabase."
            ),
            "hint": 'Ask Supabase itself, or set PASS_THROUGH to "rest".',
        }
    )
    told = {"path": "/rest/v1/articles", "method": method, "status": 403, "type": "not-passed-on"}
    assert program.log == [{"event": "refused", **told}]


@pytest.mark.parametrize("path", ["/rest/v1/articles/x", "/auth/v1/user"])
async def test_a_supabase_that_cannot_be_reached_is_told_in_its_own_shape(path: str) -> None:
    """Its clients do not try again at this status. HEAD has the same headers."""
    program = Program(pass_through="all")
    program.supabase.fail()
    get, head = await program.get(path), await program.head(path)
    assert (get.status, get.json["code"]) == (502, "EDGE_SUPABASE_UNREACHABLE")
    assert (head.status, head.body, head.headers) == (502, None, get.headers)
    shown = path.removesuffix("/x").removesuffix("/user")
    assert [(line["path"], line["status"]) for line in program.log] == [(shown, 502)] * 2


@pytest.mark.parametrize("path", ["/rest/v1/articles", "/auth/v1/user"])
async def test_an_unexpected_exception_has_that_shape_too(path: str) -> None:
    """The log says what happened, and has the status that was sent."""
    program = Program(pass_through="all")
    program.supabase.fail(ZeroDivisionError("private"))
    answer = await program.post(path, b"")
    assert (answer.status, answer.json["code"]) == (502, "EDGE_INTERNAL_ERROR")
    assert [line["event"] for line in program.log] == ["internal_error", "refused"]
    assert program.log[1]["status"] == 502


@pytest.mark.parametrize("mode", ["rest", "off"])
async def test_without_its_object_a_query_is_passed_on(mode: str) -> None:
    """Supabase may well be there. If nothing is passed on, the client is asked to wait."""
    program = Program(pass_through=mode)
    program.supabase.write("articles", id=7)
    program.durable("articles").is_reachable = False
    answer = await program.query("articles")
    if mode == "rest":
        assert (answer.status, answer.json) == (200, [{"id": 7}])
        assert answer.cache_status == "fwd=bypass; fwd-status=200; detail=refresher-unavailable"
    else:
        assert (answer.status, answer.headers["retry-after"]) == (502, "5")
        assert answer.json["code"] == "EDGE_REFRESHER_UNAVAILABLE"
        assert answer.json["hint"] == "Try again in 5 s."
