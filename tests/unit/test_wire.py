"""What the Worker and the Durable Objects say to each other."""

from __future__ import annotations

import json

import pytest

from edge_cache import wire
from edge_cache.changes import ANYTHING, Change, Heard, Notice, Subscribed, Subscription
from edge_cache.entries import Entry, Metadata
from edge_cache.errors import (
    ConfigurationError,
    EdgeCacheError,
    FinalAnswer,
    MethodNotAllowed,
    RefresherUnavailable,
    Reply,
    Unauthorized,
    UpstreamError,
)
from edge_cache.messages import problem
from edge_cache.ports import Filled
from edge_cache.tables import Declared, Queried, Table

METADATA = Metadata(
    *('"tag"', 2, 1_700_000_000_000, 7, "digest"), relations=("public.a",), buckets=(5,)
)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_an_entry_arrives_as_it_was_sent(*, stored: bool, asked: bool) -> None:
    """Its metadata and the way it was made travel in a header. Its bytes do not change."""
    filled = Filled(Entry(METADATA, b"[]"), stored=stored, asked=asked)
    answer = wire.filled_answer(filled)
    assert answer.status == 200
    assert wire.filled_from(answer.headers.get, answer.body) == filled


@pytest.mark.parametrize("metadata", [None, "", "{}", "no JSON", '{"v": 1}'])
def test_an_answer_without_an_entry_is_a_failure_of_the_refresher(metadata: str | None) -> None:
    """Such an answer is never served."""
    with pytest.raises(RefresherUnavailable) as caught:
        wire.filled_from({"x-entry": f"11{metadata}"}.get, b"[]")
    assert caught.value.detail == "The refresher's answer carries no entry."


CHANGES = [Change("public.a", ("7", "ü", '"')), Change("public.b", ()), ANYTHING]


def test_changes_arrive_as_they_were_sent() -> None:
    """No key at all is something else than any key."""
    assert wire.changes_in(wire.changes_text(CHANGES)) == CHANGES
    assert wire.changes_in(wire.changes_text([])) == []


@pytest.mark.parametrize("text", ["", "null and void", "[[1]]", "[1]x"])
def test_a_body_that_has_no_changes_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Extra data|unpack"):
        wire.changes_in(text)


def test_notices_and_subscriptions_arrive_as_they_were_sent() -> None:
    notice = Notice("l", 7, {"public.a": ("1", "ü"), "public.b": None, "*": ()})
    assert Notice.of(notice.to_json()) == notice
    heard = Heard(7, ("public.a", "public.b"))
    assert Heard.of(heard.to_json()) == heard
    subscription = Subscription("rest/v1/latest", ("public.a",), 7, "l", "f")
    assert Subscription.of(subscription.to_json()) == subscription
    for catalogue in (None, "", '{"fingerprint": "f"}'):
        subscribed = Subscribed("l", 7, "f", catalogue)
        assert Subscribed(**json.loads(subscribed.to_json())) == subscribed


def _all(kind: type[EdgeCacheError]) -> list[type[EdgeCacheError]]:
    return [kind, *(one for below in kind.__subclasses__() for one in _all(below))]


@pytest.mark.parametrize(
    "kind", [kind for kind in _all(EdgeCacheError) if kind not in {Unauthorized, MethodNotAllowed}]
)
def test_an_error_arrives_as_it_was_met(kind: type[EdgeCacheError]) -> None:
    """The Worker reacts to its class, and shows it as if it had met the error itself."""
    error = kind(["Because."]) if issubclass(kind, ConfigurationError) else kind("Because.")
    error.retry_after_s = 7
    if isinstance(error, UpstreamError):
        error.supabase_status, error.code = 503, "PGRST000"
    sent = wire.error_answer(error)
    assert (sent.status, sent.body) == (error.status, None)
    arrived = wire.error_from(sent.headers[wire.ERROR], None)
    assert type(arrived) is kind
    assert problem(arrived) == problem(error)


@pytest.mark.parametrize("body", [b"{}", None])
def test_what_supabase_said_arrives_as_it_was_said(body: bytes | None) -> None:
    """Its status and headers travel beside the error. Its body is the body."""
    reply = Reply(403, {"content-type": "application/json", "x": 'ü"'}, body)
    sent = wire.error_answer(FinalAnswer("No.", supabase_status=403, code="42501", reply=reply))
    assert sent.body == body
    assert sent.headers[wire.ERROR].isascii()
    arrived = wire.error_from(sent.headers[wire.ERROR], sent.body)
    assert isinstance(arrived, FinalAnswer)
    assert arrived.reply == reply


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "<html>", "null", "[]", "5", "{}", '{"kind": "Other", "detail": "x"}'),
        '{"kind": "UpstreamTimeout", "detail": "x", "retry_after_s": null}',
        '{"kind": "Unauthorized", "detail": "x", "retry_after_s": null}',
        '{"document": {"status": 500}, "retry_after_s": null, "stale_if_error": true}',
    ],
)
def test_an_answer_that_carries_no_error_is_a_failure_of_the_refresher(text: str | None) -> None:
    """It may be the runtime's own error page, or come from another version."""
    error = wire.error_from(text, None)
    assert isinstance(error, RefresherUnavailable)
    assert error.detail == "The refresher failed."


@pytest.mark.parametrize(
    ("verb", "number", "path"),
    [
        (wire.FILL, 1_700_000_000_005, "/articles/a%2Fb"),
        (wire.CHECK, 0, ""),
        (wire.FILL, 5, "/articles/.."),
        (wire.STATUS, 0, "/"),
        (wire.REFILL, 5, "/rest/v1/articles;profile=public?select=a,b&x=eq.http://y/z"),
    ],
)
def test_a_request_arrives_as_it_was_sent(verb: str, number: int, path: str) -> None:
    """It travels in a URL. A query's path may have any character of a URL."""
    url = wire.url_of(verb, path, number)
    assert url == f"https://object/{verb}/{number}?{path}"
    assert wire.request_in(url) == (verb, number, path, "")
    assert wire.request_in(wire.url_of(verb, path, number, "00-a-b-01"))[3] == "00-a-b-01"
    assert wire.url_of(verb, path) == f"https://object/{verb}/0?{path}"


@pytest.mark.parametrize(
    "url", ["https://object/fill", "https://refresher/fill/x/articles", "https://refresher"]
)
def test_a_url_that_is_no_request_is_an_error(url: str) -> None:
    """None of our requests looks like this."""
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        wire.request_in(url)


LATEST = Queried.of("latest", "crm")


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("articles", Table("articles")),
        ("rest/v1/latest;profile=crm", LATEST),
        (wire.LEDGER, None),
        ("products", None),
        ("latest", None),
        ("rest/v1/latest", None),
        ("", None),
    ],
)
def test_each_target_has_an_object_of_its_own(name: str, target: Table | Queried | None) -> None:
    """The ledger's name is no target's."""
    declared = Declared((Table("articles"),), frozenset({("latest", "crm")}))
    assert wire.target_of(name, declared) == target
