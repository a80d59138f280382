"""The Durable Object's refresher, as the Worker reaches it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from faked_bindings import ObjectNamespace
from faked_ports import metadata_of
from faked_runtime import JsException, Response, Stream

from edge_cache import wire
from edge_cache.errors import LookupsExhausted, NotFound, RefresherUnavailable, RelayedProblem
from edge_cache.http import problem
from edge_cache.ports import Filled
from edge_cache.resources import Change, Resource
from edge_cache.tables import Table

PRODUCTS = Table("products", key="sku")
ROW = Resource(PRODUCTS, "a/b")
GONE = JsException("Error", "Durable Object reset because its code was updated.")


@pytest.fixture
def namespace() -> ObjectNamespace:
    """Return objects that answer 204."""
    return ObjectNamespace()


@pytest.fixture
def client(load: Callable[[str], ModuleType], namespace: ObjectNamespace) -> Any:
    """Return a client of those objects."""
    return load("refresher_client").RefresherClient(namespace)


def run(work: Awaitable[Any]) -> Any:
    """Wait for something."""

    async def waited() -> Any:
        return await work

    return asyncio.run(waited())


def filled_response(body: object, *, stored: bool, asked: bool) -> Response:
    """Return a response that carries an entry."""
    metadata = metadata_of(b"{}", version=3)
    answer = wire.filled_answer(Filled(metadata, None, stored=stored, asked=asked))
    return Response(body, answer.status, answer.headers)


@pytest.mark.parametrize(("has_stale", "verb"), [(False, "fill"), (True, "refill")])
def test_a_miss_is_filled(
    client: Any, namespace: ObjectNamespace, has_stale: bool, verb: str
) -> None:
    """By the table's object, with the version that the reader sees; the body is left unread."""
    body = Stream(b"{}")
    namespace.answer = filled_response(body, stored=True, asked=True)
    filled = run(client.fill(ROW, version=3, has_stale=has_stale))
    assert filled == Filled(metadata_of(b"{}", version=3), body, stored=True, asked=True)
    assert (body.chunks, body.cancelled) == ([b"{}"], 0)
    assert namespace.calls == [
        (
            "products",
            f"https://refresher/products/a%2Fb?{verb}=3",
            None,
        )
    ]


@pytest.mark.parametrize(("stored", "asked"), [(True, False), (False, True)])
def test_the_object_tells_what_it_did(
    client: Any, namespace: ObjectNamespace, stored: bool, asked: bool
) -> None:
    """Whether KV has the entry, and whether Supabase was asked for it."""
    namespace.answer = filled_response(Stream(b"{}"), stored=stored, asked=asked)
    filled = run(client.fill(ROW, version=3, has_stale=False))
    assert (filled.stored, filled.asked) == (stored, asked)


def test_an_answer_without_an_entry_is_none(client: Any, namespace: ObjectNamespace) -> None:
    """Such as one of an object that runs other code."""
    namespace.answer = Response(Stream(b"{}"))
    with pytest.raises(RefresherUnavailable):
        run(client.fill(ROW, version=0, has_stale=False))


Call = Callable[[Any], Awaitable[Any]]

CALLS: list[tuple[Call, str, str]] = [
    (lambda client: client.renew(ROW, 1234), "/products/a%2Fb?renew=1234", ""),
    (lambda client: client.revalidate(PRODUCTS), "/products?revalidate", ""),
    (lambda client: client.check(PRODUCTS), "/products?check", ""),
    (
        lambda client: client.record(Change(PRODUCTS, "UPDATE", ("ä", "7"))),
        "/products?record",
        json.dumps(["ä", "7"]),
    ),
    (lambda client: client.fill(ROW, version=0, has_stale=False), "/products/a%2Fb?fill=0", ""),
    (lambda client: client.status(PRODUCTS), "/products?status", ""),
]


@pytest.mark.parametrize(("call", "path", "body"), CALLS[:4])
def test_a_verb_is_carried_to_the_tables_object(
    client: Any,
    namespace: ObjectNamespace,
    call: Call,
    path: str,
    body: str,
) -> None:
    """204 says that it is done."""
    assert run(call(client)) is None
    assert namespace.calls == [
        ("products", f"https://refresher{path}", {"method": "POST", "body": body} if body else None)
    ]


def test_a_status_is_read(client: Any, namespace: ObjectNamespace) -> None:
    """As JSON members."""
    namespace.answer = Response(Stream(b'{"failures": 0}'))
    assert run(client.status(PRODUCTS)) == {"failures": 0}
    assert namespace.calls[0][1] == "https://refresher/products?status"


@pytest.mark.parametrize("call", [call for call, _, _ in CALLS])
def test_an_object_that_cannot_be_reached_is_an_error(
    client: Any,
    namespace: ObjectNamespace,
    call: Call,
) -> None:
    """It says nothing of what the runtime said."""
    namespace.answer = GONE
    with pytest.raises(RefresherUnavailable) as caught:
        run(call(client))
    assert caught.value.detail == "The Durable Object could not be reached."
    assert caught.value.__cause__ is GONE


@pytest.mark.parametrize("call", [call for call, _, _ in CALLS])
def test_a_problem_is_passed_on(
    client: Any,
    namespace: ObjectNamespace,
    call: Call,
) -> None:
    """With its document, and with Retry-After."""
    told = problem(LookupsExhausted("Too many."))
    assert isinstance(told.body, bytes)
    namespace.answer = Response(Stream(told.body), told.status, told.headers)
    with pytest.raises(RelayedProblem) as caught:
        run(call(client))
    assert caught.value.document() == LookupsExhausted("Too many.").document()
    assert (caught.value.status, caught.value.retry_after_s) == (503, 1)


def test_a_problem_without_retry_after_has_none(client: Any, namespace: ObjectNamespace) -> None:
    """Nobody waits for a row that is not there."""
    told = problem(NotFound("No such row."))
    assert isinstance(told.body, bytes)
    namespace.answer = Response(Stream(told.body), told.status, told.headers)
    with pytest.raises(RelayedProblem) as caught:
        run(client.fill(ROW, version=0, has_stale=False))
    assert (caught.value.status, caught.value.retry_after_s) == (404, None)


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b"null", b'{"status": "x"}'])
def test_an_error_that_is_no_problem_is_the_refreshers(
    client: Any, namespace: ObjectNamespace, text: bytes
) -> None:
    """Such as the runtime's own."""
    namespace.answer = Response(Stream(text), 500)
    with pytest.raises(RefresherUnavailable):
        run(client.revalidate(PRODUCTS))


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_breaks_off_is_an_object_that_cannot_be_reached(
    client: Any, namespace: ObjectNamespace, status: int
) -> None:
    """Whether it was good or not."""
    namespace.answer = Response(Stream(b"{", GONE), status)
    with pytest.raises(RefresherUnavailable) as caught:
        run(client.status(PRODUCTS))
    assert caught.value.__cause__ is GONE


@pytest.mark.parametrize("text", [b"", b"<html>"])
def test_a_status_that_is_none_is_the_refreshers_failure(
    client: Any, namespace: ObjectNamespace, text: bytes
) -> None:
    """`/health` tells of it beside the other tables."""
    namespace.answer = Response(Stream(text))
    with pytest.raises(RefresherUnavailable) as caught:
        run(client.status(PRODUCTS))
    assert caught.value.detail == "The Durable Object did not tell its status."
