"""The runtime's objects become objects of this package, and back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import pytest
from faked_runtime import (
    FakeRuntime,
    Headers,
    JsException,
    JsNull,
    Response,
    Stream,
    TypedArray,
    jsnull,
    parsed,
)

from edge_cache.errors import BadPayload
from edge_cache.messages import Answer, Passed


@dataclass
class JsRequest:
    """A request as the runtime has it."""

    method: str = "POST"
    url: str = "https://cache.example.com/revalidate?x"
    headers: Headers = field(default_factory=lambda: Headers([("authorization", "Bearer x")]))
    body: Stream | JsNull = jsnull


@pytest.fixture
def module(load: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module."""
    return load("runtime")


def body_of(module: ModuleType, body: Stream | JsNull, limit: int) -> bytes | None:
    """Return what is read of a body."""
    request = module.request_of(JsRequest(body=body))
    read: bytes | None = asyncio.run(request.body(limit))
    return read


def test_the_environment_is_the_runtimes(runtime: FakeRuntime, module: ModuleType) -> None:
    """It is not converted."""
    assert module.environment() is runtime.env


def test_a_variable_is_a_text(module: ModuleType) -> None:
    """It is kept as it is, even if it is empty."""
    env = SimpleNamespace(SUPABASE_URL="https://abc.supabase.co", EMPTY="")
    assert module.variable(env, "SUPABASE_URL") == "https://abc.supabase.co"
    assert module.variable(env, "EMPTY") == ""


def test_a_variable_that_is_not_there_is_none(module: ModuleType) -> None:
    """JavaScript's undefined is None, too."""
    env = SimpleNamespace(UNDEFINED=None)
    assert module.variable(env, "MISSING") is None
    assert module.variable(env, "UNDEFINED") is None


@pytest.mark.parametrize("value", [{"articles": {"key": "id"}}, {}, 5, True, ["a"]])
def test_anything_else_that_is_declared_is_json(module: ModuleType, value: object) -> None:
    """A section of wrangler.toml is JSON, for example, and so is a number without quotes."""
    text = module.variable(SimpleNamespace(TABLES=parsed(value)), "TABLES")
    assert isinstance(text, str)
    assert json.loads(text) == value


def test_a_binding_is_known_by_its_method(module: ModuleType) -> None:
    """A variable with the name of a binding is no binding."""
    env = SimpleNamespace(ARTICLES=SimpleNamespace(getWithMetadata=print), REFRESHER="text")
    assert module.has(env, "ARTICLES", "getWithMetadata") is True
    assert module.has(env, "REFRESHER", "getByName") is False
    assert module.has(env, "MISSING", "getByName") is False


def test_a_request_is_taken_over(module: ModuleType) -> None:
    """Headers are read one at a time; one that is not there is None."""
    native = JsRequest()
    request = module.request_of(native)
    assert request.native is native
    assert (request.method, request.url.target) == ("POST", "/revalidate?x")
    assert request.header("authorization") == "Bearer x"
    assert request.header("if-none-match") is None


def test_a_body_is_read_whole(module: ModuleType) -> None:
    """A body that is as long as the limit is read."""
    assert body_of(module, Stream(b"abc", b"de"), 5) == b"abcde"


def test_a_request_without_a_body_has_an_empty_one(module: ModuleType) -> None:
    """Its body may be JavaScript's null, or have no bytes."""
    assert body_of(module, jsnull, 5) == b""
    assert body_of(module, Stream(), 5) == b""


def test_a_body_beyond_the_limit_is_let_go(module: ModuleType) -> None:
    """No more is read than is needed to know that it is too long."""
    body = Stream(b"abc", b"def", b"ghi")
    assert body_of(module, body, 5) is None
    assert (body.chunks, body.cancelled) == ([b"ghi"], 1)


def test_a_client_that_hangs_up_sent_a_bad_payload(module: ModuleType) -> None:
    """The Worker is not to blame, so the error says that the client is."""
    lost = JsException("Error", "Network connection lost.")
    with pytest.raises(BadPayload) as caught:
        body_of(module, Stream(b"abc", lost), 5)
    assert caught.value.detail == "The connection broke before the end of the body."
    assert caught.value.__cause__ is lost


def test_an_answer_becomes_the_runtimes(module: ModuleType) -> None:
    """The body becomes JavaScript's bytes; status and headers stay as they are."""
    response = module.response_of(Answer(404, {"etag": '"ä"', "age": "1"}, b"[]"))
    assert isinstance(response, Response)
    assert (response.status, response.body) == (404, TypedArray(b"[]"))
    assert [tuple(pair) for pair in response.headers] == [("etag", '"ä"'), ("age", "1")]


@pytest.mark.parametrize("body", [Stream(b"[]"), None])
def test_a_stream_is_handed_over_untouched(module: ModuleType, body: Stream | None) -> None:
    """If there is no stream, the runtime gets none."""
    assert module.response_of(Answer(200, {}, body)).body is body


def test_what_was_passed_on_is_handed_over_untouched(module: ModuleType) -> None:
    """It is the runtime's own response already."""
    response = Response(Stream(b"x"), 201)
    assert module.response_of(Passed(response, 201)) is response


def test_a_large_shared_body_is_a_stream_for_each_response(module: ModuleType) -> None:
    """All responses send the same chunks, however many there are."""
    size, body = module.CHUNK_BYTES, b"a" * module.WHOLE_BYTES + b"b"
    shared = module.Shared(body)
    first, second = (module.response_of(Answer(200, {}, shared)).body for _ in range(2))
    assert first is not second
    assert first.chunks is second.chunks
    assert [len(chunk.data) for chunk in first.chunks] == [size] * (len(body) // size) + [1]
    assert b"".join(chunk.data for chunk in first.chunks) == body


@pytest.mark.parametrize("size", [0, 1, 256 * 1024])
def test_a_small_shared_body_is_sent_whole(module: ModuleType, size: int) -> None:
    """JavaScript holds it once. No stream stays open if nobody reads it."""
    shared = module.Shared(b"a" * size)
    shared.cancel()
    first, second = (module.response_of(Answer(200, {}, shared)).body for _ in range(2))
    assert first is second
    assert first == TypedArray(b"a" * size)


def test_work_is_done_in_the_background(runtime: FakeRuntime, module: ModuleType) -> None:
    """The caller does not wait, but the runtime waits until it ends."""
    done: list[str] = []

    async def work() -> None:
        done.append("begun")
        await asyncio.sleep(0)
        done.append("done")

    async def run() -> None:
        module.in_background(work())
        assert done == []
        await asyncio.sleep(0)
        assert done == ["begun"]
        (waited_for,) = runtime.waited_for
        await waited_for

    asyncio.run(run())
    assert done == ["begun", "done"]


def test_the_time_is_in_milliseconds(module: ModuleType) -> None:
    """It is a whole number, counted from 1970."""
    now = module.now_ms()
    assert isinstance(now, int)
    assert abs(now - time.time() * 1000) < 60_000


def test_a_log_line_is_json(runtime: FakeRuntime, module: ModuleType) -> None:
    """Fields that are None are left out; fields that are false are not. Text stays readable."""
    module.log("hit", key="/articles/ä", detail=None, age_s=0, tables=["a"])
    assert runtime.printed == [
        '{"event": "hit", "key": "/articles/ä", "age_s": 0, "tables": ["a"]}'
    ]
