"""The Durable Objects, as the Worker reaches them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from faked_bindings import ObjectNamespace as PlainNamespace
from faked_runtime import JsException, Response, Stream, plain

from edge_cache import wire
from edge_cache.changes import ANYTHING, Change
from edge_cache.entries import Entry, Metadata, etag_of
from edge_cache.errors import (
    FinalAnswer,
    LookupsExhausted,
    NotFound,
    RefresherUnavailable,
    Reply,
)
from edge_cache.ports import Filled
from edge_cache.queries import Query
from edge_cache.resources import Resource
from edge_cache.tables import Queried, Table
from edge_cache.worker.objects import Objects

PRODUCTS = Table("products", key="sku")
QUERY = Resource(PRODUCTS, query=Query("products", "select=name,owner(name)"))
LATEST = Resource(Queried.of("latest", "shop"), query=Query("latest", profile="shop"))
ROW = Resource(PRODUCTS, "a/b")
METADATA = Metadata(etag_of(b"{}"), 2, 1_800_000_000_000, 3, relations=("public.products",))
GONE = JsException("Error", "Durable Object reset because its code was updated.")


class ObjectNamespace(PlainNamespace):
    """The objects, and the options with which each was looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.options: list[object] = []

    def getByName(self, name: str, options: object = None) -> SimpleNamespace:  # noqa: N802
        """Return an object's stub."""
        self.options.append(plain(options))
        return super().getByName(name)


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
    """The target's object gets the version that the reader sees. The body is not read here."""
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
    [
        (Resource(PRODUCTS), "products"),
        (ROW, "products"),
        (QUERY, "products"),
        (LATEST, "rest/v1/latest;profile=shop"),
    ],
)
def test_an_entry_is_the_object_s_of_its_target(
    client: Any, namespace: ObjectNamespace, resource: Resource, name: str
) -> None:
    run(client.renew(resource, 5))
    assert namespace.calls == [(name, f"https://object/renew/5?{resource.path}", None)]


CHANGES = [Change("public.products", ("ä", "7")), Change("public.a"), ANYTHING]
TOLD = json.dumps([["public.products", ["ä", "7"]], ["public.a", None], ["*", None]])


@pytest.mark.parametrize(("written", "number"), [(False, 0), (True, 1)])
def test_the_ledger_gets_every_change(
    client: Any, namespace: ObjectNamespace, written: bool, number: int
) -> None:
    """It also hears whether a write through the Worker made them."""
    run(client.record(CHANGES, written=written))
    assert namespace.calls == [
        ("*", f"https://object/record/{number}?", {"method": "POST", "body": TOLD})
    ]


def test_the_ledger_revalidates_everything_and_asks_the_outbox(
    client: Any, namespace: ObjectNamespace
) -> None:
    run(client.revalidate())
    run(client.poke())
    assert namespace.calls == [
        ("*", "https://object/revalidate/0?", None),
        ("*", "https://object/poke/0?", None),
    ]


@pytest.mark.parametrize("unwatched", [None, [], ["products"]])
def test_the_ledger_says_which_tables_the_outbox_does_not_watch(
    client: Any, namespace: ObjectNamespace, unwatched: list[str] | None
) -> None:
    """None means that there is no outbox."""
    namespace.answer = Response(Stream(json.dumps(unwatched).encode()))
    assert run(client.catch_up()) == unwatched
    assert namespace.calls == [("*", "https://object/catch-up/0?", None)]


@pytest.mark.parametrize(("hint", "options"), [(None, {}), ("weur", {"locationHint": "weur"})])
def test_an_object_is_made_near_the_project(
    load: Callable[[str], ModuleType],
    namespace: ObjectNamespace,
    hint: str | None,
    options: dict[str, str],
) -> None:
    """Without a hint, the runtime makes it near the first reader."""
    call = load("object_namespace").ObjectNamespace(namespace, hint).call
    run(call("products", "https://object/check/0?"))
    assert namespace.options == [options]


@pytest.mark.parametrize(("told", "changed"), [(b"true", True), (b"false", False)])
def test_a_check_tells_whether_the_table_had_changed(
    client: Any, namespace: ObjectNamespace, told: bytes, changed: bool
) -> None:
    namespace.answer = Response(Stream(told))
    assert run(client.check(PRODUCTS)) is changed
    assert namespace.calls == [("products", "https://object/check/0?", None)]


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


CALLS: list[Callable[[Any], Awaitable[Any]]] = [
    lambda client: client.renew(ROW, 1234),
    lambda client: client.fill(ROW, version=0, has_stale=False),
    lambda client: client.status(PRODUCTS),
    lambda client: client.check(PRODUCTS),
    lambda client: client.revalidate(),
    lambda client: client.record(CHANGES),
    lambda client: client.poke(),
    lambda client: client.catch_up(),
]


@pytest.mark.parametrize(
    ("target", "name"), [(PRODUCTS, "products"), (LATEST.target, LATEST.target.name), (None, "*")]
)
def test_a_status_is_read(
    client: Any, namespace: ObjectNamespace, target: Table | None, name: str
) -> None:
    """The object sends its status as the members of a JSON object."""
    namespace.answer = Response(Stream(b'{"failures": 0}'))
    assert run(client.status(target)) == {"failures": 0}
    assert namespace.calls == [(name, "https://object/status/0?", None)]


@pytest.mark.parametrize("call", CALLS)
def test_an_object_that_cannot_be_reached_is_an_error(
    client: Any,
    namespace: ObjectNamespace,
    call: Callable[[Any], Awaitable[Any]],
) -> None:
    """The error does not repeat what the runtime said."""
    namespace.answer = GONE
    with pytest.raises(RefresherUnavailable) as caught:
        run(call(client))
    assert caught.value.detail == "The Durable Object could not be reached."
    assert caught.value.__cause__ is GONE


@pytest.mark.parametrize("call", CALLS)
def test_a_problem_is_passed_on(
    client: Any,
    namespace: ObjectNamespace,
    call: Callable[[Any], Awaitable[Any]],
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
        run(client.revalidate())


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
    """`/health` shows this failure beside the other targets."""
    namespace.answer = Response(Stream(text))
    with pytest.raises(RefresherUnavailable) as caught:
        run(client.status(PRODUCTS))
    assert caught.value.detail == "The Durable Object's answer is broken."
