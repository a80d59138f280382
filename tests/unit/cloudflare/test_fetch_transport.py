"""httpx over the runtime's `fetch`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import Any

import httpx
import pytest
from faked_runtime import FakeRuntime, JsException, Response, Stream, TypedArray

URL = "https://abc.supabase.co/rest/v1/articles?select=*"
TIMED_OUT = JsException("TimeoutError", "The operation was aborted due to timeout")
LOST = JsException("Error", "Network connection lost.")
UNRESOLVED = JsException("Error", "internal error; reference = abc")


@pytest.fixture
def transport(load: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module."""
    return load("fetch_transport")


def send(transport: ModuleType, method: str = "GET", **how: Any) -> httpx.Response:
    """Send a request as supabase-py or this package does, through httpx."""
    client_options = {name: how.pop(name) for name in ("timeout",) if name in how}

    async def run() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=transport.FetchTransport(), **client_options
        ) as client:
            return await client.request(method, URL, **how)

    return asyncio.run(run())


def test_a_request_is_fetched(runtime: FakeRuntime, transport: ModuleType) -> None:
    """The runtime gets its method, URL and headers; a GET has no body."""
    send(transport, headers={"apikey": "x", "Range": "0-9"})
    ((url, init),) = runtime.fetched
    assert url == URL
    assert init["method"] == "GET"
    assert "body" not in init
    assert ["apikey", "x"] in init["headers"]
    assert ["range", "0-9"] in init["headers"]


def test_a_header_that_comes_twice_is_sent_twice(
    runtime: FakeRuntime, transport: ModuleType
) -> None:
    """Both headers arrive, because httpx keeps both."""
    send(transport, headers=[("prefer", "a"), ("prefer", "b")])
    sent = [value for name, value in runtime.fetched[0][1]["headers"] if name == "prefer"]
    assert sent == ["a", "b"]


def test_a_body_is_sent_whole(runtime: FakeRuntime, transport: ModuleType) -> None:
    """The runtime gets a body as JavaScript's bytes."""
    send(transport, "POST", json={"a": "ä"})
    init = runtime.fetched[0][1]
    assert (init["method"], init["body"]) == ("POST", TypedArray('{"a":"ä"}'.encode()))


def send_directly(transport: ModuleType) -> bytes:
    """Send a request as a caller does that has no client, and read the answer."""

    async def run() -> bytes:
        request = httpx.Request("GET", URL)
        response = await transport.FetchTransport().handle_async_request(request)
        return bytes(await response.aread())

    return asyncio.run(run())


async def _pieces() -> AsyncIterator[bytes]:
    for piece in (b"one", b"two"):
        yield piece


def test_headers_that_describe_the_connection_are_left_to_the_runtime(
    runtime: FakeRuntime, transport: ModuleType
) -> None:
    """The runtime has its own connection, unpacks answers itself, and gets a body in one piece."""
    send(transport, "POST", content=_pieces(), headers={"connection": "close"})
    send(transport, "POST", content=b"x", headers={"content-type": "text/plain"})
    names = [{name for name, _ in init["headers"]} for _, init in runtime.fetched]
    assert names == [
        {"accept", "user-agent"},
        {"accept", "user-agent", "content-type"},
    ]
    assert runtime.fetched[0][1]["body"] == TypedArray(b"onetwo")


def test_redirects_are_handed_back(runtime: FakeRuntime, transport: ModuleType) -> None:
    """The key must go to the configured host only."""
    runtime.answer = Response(Stream(), 302, {"location": "https://elsewhere.example"})
    response = send(transport)
    assert runtime.fetched[0][1]["redirect"] == "manual"
    assert (response.status_code, len(runtime.fetched)) == (302, 1)
    assert response.headers["location"] == "https://elsewhere.example"


@pytest.mark.parametrize(
    ("timeout", "ms"),
    [
        (2.5, 2500),
        (httpx.Timeout(9, read=1.25), 1250),
        (httpx.Timeout(None, connect=3), 3000),
        (httpx.Timeout(5, pool=0.5), 500),
    ],
)
def test_the_smallest_time_limit_bounds_the_exchange(
    runtime: FakeRuntime, transport: ModuleType, timeout: object, ms: int
) -> None:
    """The runtime gets it in whole milliseconds."""
    send(transport, timeout=timeout)
    assert runtime.fetched[0][1]["signal"] == {"aborts_after_ms": ms}


def test_without_a_time_limit_there_is_no_signal(
    runtime: FakeRuntime, transport: ModuleType
) -> None:
    """A time limit of None is no limit."""
    send(transport, timeout=None)
    assert "signal" not in runtime.fetched[0][1]


def test_a_request_without_extensions_has_no_signal(
    runtime: FakeRuntime, transport: ModuleType
) -> None:
    """A caller may use the transport without a client, and then there are no extensions."""
    runtime.answer = Response(Stream(b"[]"))
    assert send_directly(transport) == b"[]"
    assert "signal" not in runtime.fetched[0][1]


def test_an_answer_is_handed_over(runtime: FakeRuntime, transport: ModuleType) -> None:
    """The caller gets its status, its bytes, and all headers, even one that comes twice."""
    headers = [("content-range", "0-0/1"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
    runtime.answer = Response(Stream(b'[{"id"', b":1}]"), 206, headers)
    response = send(transport)
    assert (response.status_code, response.json()) == (206, [{"id": 1}])
    assert response.headers.multi_items() == headers


def test_an_answer_that_came_packed_is_read(runtime: FakeRuntime, transport: ModuleType) -> None:
    """The runtime has unpacked it. httpx must not unpack it again, nor count the packed bytes."""
    headers = {"content-encoding": "gzip", "content-length": "999", "transfer-encoding": "chunked"}
    runtime.answer = Response(Stream(b"[]"), 200, {**headers, "content-type": "application/json"})
    response = send(transport)
    assert response.content == b"[]"
    assert dict(response.headers) == {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("thrown", "raised", "message"),
    [
        (TIMED_OUT, httpx.ReadTimeout, "No complete answer in time."),
        (LOST, httpx.ConnectError, "abc.supabase.co refused the connection or closed it."),
        (
            UNRESOLVED,
            httpx.ConnectError,
            "No connection to abc.supabase.co: its name does not resolve, or TLS failed.",
        ),
    ],
)
def test_a_fetch_that_fails_is_httpxs_error(
    runtime: FakeRuntime,
    transport: ModuleType,
    thrown: JsException,
    raised: type[httpx.TransportError],
    message: str,
) -> None:
    """The error's message names the cause. It keeps the request and what was thrown."""
    runtime.answer = thrown
    with pytest.raises(raised) as caught:
        send_directly(transport)
    assert type(caught.value) is raised
    assert str(caught.value) == message
    assert caught.value.request.url == URL
    assert caught.value.__cause__ is thrown


@pytest.mark.parametrize(
    ("thrown", "raised", "message"),
    [
        (TIMED_OUT, httpx.ReadTimeout, "No complete answer in time."),
        (LOST, httpx.ReadError, "The connection broke before the answer was complete."),
        (UNRESOLVED, httpx.ReadError, "The connection broke before the answer was complete."),
    ],
)
def test_a_body_that_breaks_is_httpxs_error(
    runtime: FakeRuntime,
    transport: ModuleType,
    thrown: JsException,
    raised: type[httpx.TransportError],
    message: str,
) -> None:
    """Its class differs from the class for a connection that failed."""
    runtime.answer = Response(Stream(b"[", thrown), 200)
    with pytest.raises(raised) as caught:
        send_directly(transport)
    assert type(caught.value) is raised
    assert str(caught.value) == message
    assert caught.value.request.url == URL
