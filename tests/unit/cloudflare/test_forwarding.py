"""Passing a request on with the runtime's own objects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType

import pytest
from faked_runtime import FakeRuntime, JsException, JsObject, Response, Stream
from program import EXPOSED

from edge_cache.errors import UpstreamUnreachable
from edge_cache.messages import Passed

URL = "https://abc.supabase.co/rest/v1/articles?select=*"


@pytest.fixture
def passing(load: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module."""
    return load("forwarding")


def pass_on(passing: ModuleType, request: object) -> Passed:
    """Pass a request on; the cache's status is the HTTP status alone."""
    passed: Passed = asyncio.run(passing.pass_on(request, URL, lambda status: f"told {status}"))
    return passed


def answered(passed: Passed) -> tuple[Response, list[tuple[str, str]]]:
    """Return a response and its headers."""
    assert isinstance(passed.response, Response)
    return passed.response, [(pair[0], pair[1]) for pair in passed.response.headers]


def test_a_request_is_sent_as_it_is(runtime: FakeRuntime, passing: ModuleType) -> None:
    """The runtime's own object is sent, to another URL."""
    request = object()
    pass_on(passing, request)
    ((url, sent),) = runtime.fetched
    assert url == URL
    assert sent is request


def test_an_answer_is_handed_back(runtime: FakeRuntime, passing: ModuleType) -> None:
    """The client gets the status, the headers and the same body. Our headers are added."""
    cookies = [("set-cookie", "a"), ("set-cookie", "b"), ("cache-status", "elsewhere; hit")]
    runtime.answer = Response(Stream(b"x"), 206, cookies)
    passed = pass_on(passing, JsObject())
    response, headers = answered(passed)
    assert response.body is runtime.answer.body
    assert (passed.status, response.status) == (206, 206)
    assert headers == [
        *cookies,
        ("cache-status", "told 206"),
        ("access-control-expose-headers", EXPOSED),
        ("cdn-cache-control", "no-store"),
        ("access-control-allow-origin", "*"),
    ]


def test_supabases_own_cors_headers_are_kept(runtime: FakeRuntime, passing: ModuleType) -> None:
    """Our exposed headers are added to those that Supabase exposes."""
    own = [
        ("access-control-allow-origin", "https://example.com"),
        ("access-control-expose-headers", "X-Total"),
    ]
    runtime.answer = Response(Stream(), 200, own)
    _, headers = answered(pass_on(passing, JsObject()))
    cors = [pair for pair in headers if pair[0].startswith("access-control-")]
    assert cors == [*own, ("access-control-expose-headers", EXPOSED)]


def test_no_shared_cache_may_keep_what_was_passed_on(
    runtime: FakeRuntime, passing: ModuleType
) -> None:
    """No cache may keep it even if Supabase allows it. Browsers get what Supabase says."""
    allowed = [
        ("cloudflare-cdn-cache-control", "max-age=60"),
        ("cdn-cache-control", "max-age=60"),
        ("cache-control", "public, max-age=60"),
    ]
    runtime.answer = Response(Stream(), 200, allowed)
    _, headers = answered(pass_on(passing, JsObject()))
    told = [pair for pair in headers if "cache-control" in pair[0]]
    assert told == [("cache-control", "public, max-age=60"), ("cdn-cache-control", "no-store")]


def test_a_web_socket_is_returned_untouched(runtime: FakeRuntime, passing: ModuleType) -> None:
    """If we made a new response, it would have no web socket."""
    runtime.answer = Response(None, 101)
    passed = pass_on(passing, JsObject())
    assert (passed.response, passed.status) == (runtime.answer, 101)


@pytest.mark.parametrize("message", ["Network connection lost.", "internal error; reference = a"])
def test_no_connection_is_an_error(runtime: FakeRuntime, passing: ModuleType, message: str) -> None:
    """The error is the same, whatever name the runtime has for it."""
    runtime.answer = JsException("Error", message)
    with pytest.raises(UpstreamUnreachable) as caught:
        pass_on(passing, JsObject())
    assert caught.value.detail == (
        "The connection to Supabase was refused, or it broke before the answer began."
    )
    assert caught.value.__cause__ is runtime.answer
