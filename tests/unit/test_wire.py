"""What the Worker and the Durable Object say to each other."""

from __future__ import annotations

import json

import pytest

from edge_cache import wire
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
from edge_cache.ports import Filled, Missed
from edge_cache.tables import PROJECT, Declared, Scope, Table

METADATA = Metadata('"tag"', 2, 1_700_000_000_000, 7, "digest")


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_an_entry_arrives_as_it_was_sent(*, stored: bool, asked: bool) -> None:
    """Its metadata travels in headers, and so does the way it was made. Its bytes do not change."""
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


@pytest.mark.parametrize(
    "missed", [None, Missed("c", 2, {"articles": ["1"], "notes": None}, ["notes"], complete=True)]
)
def test_what_no_webhook_brought_arrives_as_it_was_sent(missed: Missed | None) -> None:
    """The object may also answer that it cannot know."""
    body = wire.missed_answer(missed).body
    assert isinstance(body, bytes)
    assert wire.missed_from(json.loads(body)) == missed


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
        (wire.CHECK, 0, "/articles"),
        (wire.FILL, 5, "/articles/.."),
        (wire.STATUS, 0, "/"),
        (wire.REFILL, 5, "/rest/v1/articles;profile=public?select=a,b&x=eq.http://y/z"),
    ],
)
def test_a_request_arrives_as_it_was_sent(verb: str, number: int, path: str) -> None:
    """It travels in a URL. A query's path may have any character of a URL."""
    url = wire.url_of(verb, path, number)
    assert url == f"https://object/{verb}/{number}?{path}"
    assert wire.request_in(url) == (verb, number, path)
    assert wire.url_of(verb, path) == f"https://object/{verb}/0?{path}"


@pytest.mark.parametrize(
    "url", ["https://object/fill", "https://refresher/fill/x/articles", "https://refresher"]
)
def test_a_url_that_is_no_request_is_an_error(url: str) -> None:
    """None of our requests looks like this."""
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        wire.request_in(url)


@pytest.mark.parametrize(("scope", "name"), [(PROJECT, "*"), (Table("articles"), "articles")])
def test_an_object_looks_after_its_own_scope_alone(scope: Scope, name: str) -> None:
    assert wire.object_of(scope) == name
    assert wire.scope_of(name, Declared((Table("articles"),))) == scope
    wire.require_own(name, scope)
    with pytest.raises(EdgeCacheError, match="another object"):
        wire.require_own("products", scope)
    assert wire.scope_of("products", Declared((Table("articles"),))) is None
