"""Which request gets which answer: paths, methods, preflights, and all kinds of errors."""

from __future__ import annotations

import pytest
from program import BEARER, NOBODY_READS_IT, Program

FAULTY = {"supabase_url": None, "supabase_anon_key": None}
ROUTES = {
    "/articles": ("GET", "HEAD", "OPTIONS"),
    "/products/7": ("GET", "HEAD", "OPTIONS"),
    "/revalidate": ("GET", "POST", "OPTIONS"),
    "/health": ("GET", "HEAD", "OPTIONS"),
    "/": ("GET", "HEAD", "OPTIONS"),
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
REST = ["/rest/v1", "/rest/v1/", "/rest/v1/articles", "/rest/v1/rpc/any"]
REST_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"


def untouched(program: Program) -> bool:
    """Tell whether neither KV nor Supabase was asked for anything."""
    return not (program.kv.tried or program.supabase.requests)


@pytest.mark.parametrize("path", ["/articles", "/articles/", "/articles?page=2"])
async def test_a_tables_path_is_read(program: Program, path: str) -> None:
    """A query string or a trailing slash makes no other entry."""
    program.kv.set("/articles", b"[]")
    assert (await program.get(path)).json == []
    assert program.supabase.asked == []


async def test_a_rows_path_is_read(program: Program) -> None:
    """The row may be in any declared table. Its key may need percent-encoding."""
    program.supabase.write("products", sku="a b/ü")
    assert (await program.get("/products/a%20b%2F%c3%bc")).json == {"sku": "a b/ü"}
    await program.live(1)
    assert "/products/a%20b%2F%C3%BC" in program.kv.keys


@pytest.mark.parametrize(
    ("path", "method"), [(path, it) for path in ROUTES for it in METHODS if it not in ROUTES[path]]
)
async def test_other_methods_are_405(program: Program, path: str, method: str) -> None:
    """The answer lists the allowed methods. Nothing is read, asked or recorded."""
    answer = await program.ask(method, path, BEARER, NOBODY_READS_IT)
    allowed = ", ".join(ROUTES[path])
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    if method == "HEAD":
        assert answer.body is None
    else:
        assert answer.slug == "method-not-allowed"
        assert answer.json["detail"] == f"{method} is not supported here; use {allowed}."
    assert untouched(program)
    told = {"path": path, "method": method, "status": 405, "type": "method-not-allowed"}
    assert program.log == [{"event": "refused", **told}]


@pytest.mark.parametrize("path", [*ROUTES, *REST, "/unknown", "/articles/1/2", "/articles/%ff"])
@pytest.mark.parametrize("variables", [{}, {"pass_through": "off"}, FAULTY])
async def test_a_preflight_succeeds_for_every_path(path: str, variables: dict[str, object]) -> None:
    """So a page can read every answer, even a 404."""
    program = Program(**variables)
    asked = {"access-control-request-headers": "if-none-match, x-own"}
    answer = await program.ask("OPTIONS", path, asked)
    allowed = ", ".join(ROUTES.get(path, ("GET", "HEAD", "OPTIONS")))
    if path == "/revalidate" and variables == FAULTY:
        allowed = "GET, HEAD, OPTIONS"
    if path in REST:
        allowed = REST_METHODS
    assert (answer.status, answer.body) == (204, None)
    assert answer.headers["access-control-expose-headers"].startswith("Content-Range")
    assert (
        answer.headers.items()
        >= {
            "access-control-allow-origin": "*",
            "allow": allowed,
            "access-control-allow-methods": allowed,
            "access-control-max-age": "86400",
            "vary": "Access-Control-Request-Headers",
            "access-control-allow-headers": "if-none-match, x-own",
        }.items()
    )
    assert untouched(program)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/unknown", "/articles/1/2", "/articles/%ff", "/Articles"])
async def test_an_unknown_path_is_404(program: Program, path: str, method: str) -> None:
    """The method does not matter. The answer names the paths that exist."""
    answer = await program.ask(method, path)
    assert (answer.status, "retry-after" in answer.headers) == (404, False)
    detail = "There is nothing at this path; try /articles or /products."
    assert answer.body is None if method == "HEAD" else answer.json["detail"] == detail
    assert program.log[0]["type"] == "not-found"


@pytest.mark.parametrize(
    ("tables", "detail"),
    [
        (
            {"add": {"function": True}, "recent": {"view": True}},
            "; try /rest/v1/recent or /rest/v1/rpc/add.",
        ),
        ({"Blog Tags": {"watch": True}}, ", and no table is served."),
    ],
)
async def test_a_404_where_no_table_is_served_names_what_is(
    tables: dict[str, object], detail: str
) -> None:
    answer = await Program(tables=tables).get("/unknown")
    assert answer.json["detail"] == f"There is nothing at this path{detail}"


@pytest.mark.parametrize("path", ["//x", "/articles/..", "/articles/%2e%2e", "/x/../articles"])
async def test_a_path_that_is_not_normal_is_refused(program: Program, path: str) -> None:
    answer = await program.get(path)
    assert (answer.status, answer.slug) == (400, "bad-path")
    assert untouched(program)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_path_that_is_not_normal_is_not_passed_on(program: Program, method: str) -> None:
    answer = await program.ask(method, "/rest/v1/../../auth/v1/token")
    assert (answer.status, answer.json["code"]) == (400, "EDGE_BAD_PATH")
    assert untouched(program)


@pytest.mark.parametrize("path", ["/articles", "/rest/v1/articles"])
async def test_an_unexpected_exception_tells_nothing(program: Program, path: str) -> None:
    """The log has its class and place. Its message may contain a key or a row."""
    program.kv.refuse("get", error=ZeroDivisionError("private"))
    answer = await program.get(path, apikey="sb_publishable_everybodys")
    is_rest = path.startswith("/rest")
    assert answer.status == (502 if is_rest else 500)
    assert is_rest or answer.slug == "internal-error"
    assert (answer.json["code"] == "EDGE_INTERNAL_ERROR") if is_rest else True
    said = answer.json["details" if is_rest else "detail"]
    assert said == "An unexpected error; the Worker's log names its place."
    unexpected, refused = program.log
    assert (unexpected["event"], unexpected["exception"]) == ("internal_error", "ZeroDivisionError")
    assert ".py:" in str(unexpected["place"])
    assert (refused["status"], refused["type"]) == (answer.status, "internal-error")


async def test_an_unexpected_exception_in_an_object_tells_nothing(program: Program) -> None:
    program.supabase.fail(ZeroDivisionError("private"))
    answer = await program.get("/articles")
    assert (answer.status, answer.slug) == (500, "internal-error")
    assert program.events("internal_error")[0]["exception"] == "ZeroDivisionError"


async def test_a_worker_that_is_not_configured_says_so() -> None:
    """Every path answers with a problem that lists all faults. The client should not try again."""
    program = Program(**FAULTY)
    answer = await program.get("/articles")
    assert (answer.status, answer.slug) == (500, "configuration")
    assert "SUPABASE_URL is missing" in answer.json["detail"]
    assert "SUPABASE_ANON_KEY is missing" in answer.json["detail"]
    assert [line["type"] for line in program.log] == ["configuration"]


@pytest.mark.parametrize("path", ["/health", "/health/", "/health?x"])
async def test_its_health_lists_the_faults(path: str) -> None:
    """The status is 503, as for any Worker that cannot serve."""
    program = Program(**FAULTY)
    answer, head = await program.get(path), await program.head(path)
    assert answer.status == 503
    faults = answer.json["configuration"]
    assert [fault.partition(" ")[0] for fault in faults] == ["SUPABASE_URL", "SUPABASE_ANON_KEY"]
    told = {"status": "failing", "configuration": faults, "tables": {}, "project": {}}
    assert answer.json == told
    assert (head.status, head.body, head.headers) == (503, None, answer.headers)


@pytest.mark.parametrize("path", REST)
async def test_it_says_so_in_postgrests_shape_too(path: str) -> None:
    answer = await Program(supabase_url=None).get(path)
    assert answer.status == 502
    assert answer.json.items() >= {"code": "EDGE_CONFIGURATION", "hint": None}.items()
    assert answer.json["message"] == "The Worker is not configured"
    assert "SUPABASE_URL is missing" in answer.json["details"]


async def test_of_services_nobody_knows_whether_they_are_passed_on() -> None:
    """Nobody knows whether services are passed on, so the error is a problem."""
    answer = await Program(supabase_url=None).get("/auth/v1/user")
    assert (answer.status, answer.slug) == (500, "configuration")
