"""The Durable Object's refresher, as the Worker reaches it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from faked_bindings import ObjectNamespace
from faked_runtime import JsException, Response, Stream

from edge_cache import wire
from edge_cache.entries import Entry, Metadata, etag_of
from edge_cache.errors import (
    FinalAnswer,
    LookupsExhausted,
    NotFound,
    RefresherUnavailable,
    Reply,
)
from edge_cache.ports import Filled, Missed
from edge_cache.queries import Query
from edge_cache.resources import Resource
from edge_cache.tables import PROJECT, Table
from edge_cache.worker.objects import Objects

PRODUCTS = Table("products", key="sku")
QUERY = Resource(PRODUCTS, query=Query("products", "select=name"))
EMBEDDING = Resource(PROJECT, query=Query("products", "select=name,owner(name)"))
ROW = Resource(PRODUCTS, "a/b")
METADATA = Metadata(etag_of(b"{}"), 2, read_at_ms=1_800_000_000_000, version=3, asked_at_ms=0)
GONE = JsException("Error", "Durable Object reset because its code was updated.")


@pytest.fixture
def namespace() -> ObjectNamespace:
    """Return objects that answer 204."""
    return ObjectNamespace()


@pytest.fixture
def client(load: Callable[[str], ModuleType], namespace: ObjectNamespace) -> Any:
    """Return a client of those objects."""
    return Objects(load("object_namespace").ObjectNamespace(namespace).call)


def run(work: Awaitable[Any]) -> Any:
    """Wait for something."""

    async def waited() -> Any:
        return await work

    return asyncio.run(waited())


def filled_response(body: object, *, stored: bool, asked: bool) -> Response:
    """Return a response that carries an entry."""
    answer = wire.filled_answer(Filled(Entry(METADATA, None), stored=stored, asked=asked))
    return Response(body, answer.status, answer.headers)


@pytest.mark.parametrize(("has_stale", "verb"), [(False, "fill"), (True, "refill")])
def test_a_miss_is_filled(
    client: Any, namespace: ObjectNamespace, has_stale: bool, verb: str
) -> None:
    """The table's object gets the version that the reader sees. The body is not read here."""
    body = Stream(b"{}")
    namespace.answer = filled_response(body, stored=True, asked=True)
    filled = run(client.fill(ROW, version=3, has_stale=has_stale))
    assert filled == Filled(Entry(METADATA, body), stored=True, asked=True)
    assert (body.chunks, body.cancelled) == ([b"{}"], 0)
    assert namespace.calls == [
        (
            "products",
            f"https://object/{verb}/3?/products/a%2Fb",
            None,
        )
    ]


@pytest.mark.parametrize(
    ("resource", "name"),
    [(Resource(PRODUCTS), "products"), (ROW, "products"), (QUERY, "products"), (EMBEDDING, "*")],
)
def test_an_entry_is_the_object_s_that_keeps_its_version(
    client: Any, namespace: ObjectNamespace, resource: Resource, name: str
) -> None:
    """A table's object keeps its version. The project's object has a name that no table has."""
    run(client.renew(resource, 5))
    assert namespace.calls == [(name, f"https://object/renew/5?{resource.path}", None)]


def test_the_project_has_an_object_of_its_own(client: Any, namespace: ObjectNamespace) -> None:
    run(client.revalidate(PROJECT))
    run(client.record(PROJECT, (), 17))
    run(client.caught_up("c1"))
    assert namespace.calls == [
        ("*", "https://object/revalidate/0?/", None),
        ("*", "https://object/record/17?/", {"method": "POST", "body": "[]"}),
        ("*", "https://object/caught-up/0?/", {"method": "POST", "body": "c1"}),
    ]


@pytest.mark.parametrize("missed", [None, Missed("c1", 1, {"a": None}, ["b"], complete=False)])
def test_the_project_s_object_tells_what_was_missed(
    client: Any, namespace: ObjectNamespace, missed: Missed | None
) -> None:
    """The object may also answer that it cannot know."""
    body = wire.missed_answer(missed).body
    assert isinstance(body, bytes)
    namespace.answer = Response(Stream(body))
    assert run(client.missed()) == missed
    assert namespace.calls == [("*", "https://object/missed/0?/", None)]


@pytest.mark.parametrize(("told", "changed"), [(b"true", True), (b"false", False)])
def test_a_check_tells_whether_the_table_had_changed(
    client: Any, namespace: ObjectNamespace, told: bytes, changed: bool
) -> None:
    """If the table had changed, the project's queries may lack the change too."""
    namespace.answer = Response(Stream(told))
    assert run(client.check(PRODUCTS)) is changed
    assert namespace.calls == [("products", "https://object/check/0?/products", None)]


@pytest.mark.parametrize(("stored", "asked"), [(True, False), (False, True)])
def test_the_object_tells_what_it_did(
    client: Any, namespace: ObjectNamespace, stored: bool, asked: bool
) -> None:
    """The answer says whether KV has the entry, and whether Supabase was asked for it."""
    namespace.answer = filled_response(Stream(b"{}"), stored=stored, asked=asked)
    filled = run(client.fill(ROW, version=3, has_stale=False))
    assert (filled.stored, filled.asked) == (stored, asked)


def test_an_answer_without_an_entry_is_none(client: Any, namespace: ObjectNamespace) -> None:
    """An object that runs another version of the code may answer so."""
    namespace.answer = Response(Stream(b"{}"))
    with pytest.raises(RefresherUnavailable):
        run(client.fill(ROW, version=0, has_stale=False))


Call = Callable[[Any], Awaitable[Any]]

CALLS: list[tuple[Call, str, str]] = [
    (lambda client: client.renew(ROW, 1234), "/renew/1234?/products/a%2Fb", ""),
    (lambda client: client.revalidate(PRODUCTS), "/revalidate/0?/products", ""),
    (
        lambda client: client.record(PRODUCTS, ("ä", "7")),
        "/record/0?/products",
        json.dumps(["ä", "7"]),
    ),
    (lambda client: client.record(PRODUCTS, None), "/record/0?/products", "null"),
    (lambda client: client.fill(ROW, version=0, has_stale=False), "/fill/0?/products/a%2Fb", ""),
    (lambda client: client.status(PRODUCTS), "/status/0?/products", ""),
    (lambda client: client.check(PRODUCTS), "/check/0?/products", ""),
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
        ("products", f"https://object{path}", {"method": "POST", "body": body} if body else None)
    ]


def test_a_status_is_read(client: Any, namespace: ObjectNamespace) -> None:
    """The object sends its status as the members of a JSON object."""
    namespace.answer = Response(Stream(b'{"failures": 0}'))
    assert run(client.status(PRODUCTS)) == {"failures": 0}
    assert namespace.calls[0][1] == "https://object/status/0?/products"


@pytest.mark.parametrize("call", [call for call, _, _ in CALLS])
def test_an_object_that_cannot_be_reached_is_an_error(
    client: Any,
    namespace: ObjectNamespace,
    call: Call,
) -> None:
    """The error does not repeat what the runtime said."""
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
    """The error keeps the document, Retry-After, and whether a stale entry may be used instead."""
    told = wire.error_answer(LookupsExhausted("Too many."))
    namespace.answer = Response(None, told.status, told.headers)
    with pytest.raises(LookupsExhausted) as caught:
        run(call(client))
    assert (caught.value.detail, caught.value.retry_after_s) == ("Too many.", 1)


def test_a_problem_without_retry_after_has_none(client: Any, namespace: ObjectNamespace) -> None:
    """If the row is not there, waiting does not help."""
    told = wire.error_answer(NotFound("No such row."))
    namespace.answer = Response(None, told.status, told.headers)
    with pytest.raises(NotFound) as caught:
        run(client.fill(ROW, version=0, has_stale=False))
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b"null", b'{"status": "x"}'])
def test_an_error_that_is_no_problem_is_the_refreshers(
    client: Any, namespace: ObjectNamespace, text: bytes
) -> None:
    """It may be the runtime's own error."""
    namespace.answer = Response(Stream(text), 500)
    with pytest.raises(RefresherUnavailable):
        run(client.revalidate(PRODUCTS))


def test_what_supabase_said_of_a_query_is_handed_on_unread(
    client: Any, namespace: ObjectNamespace
) -> None:
    """Its status and headers arrive, and its body as a stream."""
    error = FinalAnswer("No.", reply=Reply(400, {"content-type": "application/json"}, b"{}"))
    told = wire.error_answer(error)
    body = Stream(b"{}")
    namespace.answer = Response(body, told.status, told.headers)
    with pytest.raises(FinalAnswer) as caught:
        run(client.fill(QUERY, version=0, has_stale=False))
    assert caught.value.reply == Reply(400, {"content-type": "application/json"}, body)
    assert (body.chunks, body.cancelled) == ([b"{}"], 0)


def test_an_answer_that_breaks_off_is_broken(client: Any, namespace: ObjectNamespace) -> None:
    namespace.answer = Response(Stream(b"{", GONE))
    with pytest.raises(RefresherUnavailable) as caught:
        run(client.status(PRODUCTS))
    assert caught.value.__cause__ is GONE


@pytest.mark.parametrize("text", [b"", b"<html>"])
def test_a_status_that_is_none_is_the_refreshers_failure(
    client: Any, namespace: ObjectNamespace, text: bytes
) -> None:
    """`/health` shows this failure beside the other tables."""
    namespace.answer = Response(Stream(text))
    with pytest.raises(RefresherUnavailable) as caught:
        run(client.status(PRODUCTS))
    assert caught.value.detail == "The Durable Object's answer is broken."
