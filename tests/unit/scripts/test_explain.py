"""`npm run explain`: where it asks, and how it says what it hears."""

from __future__ import annotations

from typing import Any

import pytest

import explain
import purge
import top
import touches
from shared import asking
from shared.failure import Failure

ENTRY: dict[str, Any] = {
    "version": 4,
    "read_at": "2026-01-01T00:00:00+00:00",
    "age": 12,
    "maximum_age": None,
    "bytes": 7,
    "status": 200,
    "depends_on": ["public.articles", "public.authors"],
    "is_shared": True,
}
TOLD: dict[str, Any] = {
    "worth": "outdated",
    "detail": None,
    "target": "articles",
    "key": "/rest/v1/articles?a",
    "logged_as": "/rest/v1/articles?0123",
    "outdated_by": {"public.authors": 5},
    "entry": ENTRY,
}


@pytest.mark.parametrize(
    ("url", "worker", "address"),
    [
        ("/articles/1", None, "http://localhost:8787/entry/articles/1"),
        ("/rest/v1/a?b=c&d", "https://x.dev/", "https://x.dev/entry/rest/v1/a?b=c&d"),
        ("https://x.dev/a?b", None, "https://x.dev/entry/a?b"),
        ("https://abc.supabase.co/rest/v1/a", "https://x.dev", "https://x.dev/entry/rest/v1/a"),
    ],
)
def test_it_asks_the_worker_about_a_url(url: str, worker: str | None, address: str) -> None:
    """The URL may be one of Supabase's, if the Worker's address is given."""
    assert asking.address_of(url, worker, "/entry") == address


@pytest.mark.parametrize(
    ("table", "schema", "name"),
    [("a", "public", "a"), ("crm.a", "crm", "a"), ("x.a.b", "x", "a.b")],
)
def test_a_table_is_purged_by_a_webhook_without_rows(table: str, schema: str, name: str) -> None:
    assert purge.truncated(table) == {"type": "TRUNCATE", "schema": schema, "table": name}


def test_the_top_is_what_costs_most_by_a_measure() -> None:
    told = {"since": "then", "targets": {"a": [["/a", 9, 1, 1500]], "b": [["/b", 8, 2, 10]]}}
    _, head, first, second = top.lines(told, "misses")
    assert (head.split(), first.split()) == (
        ["requests", "misses", "Supabase"],
        ["8", "2", "0.0", "s", "/b"],
    )
    assert second.split() == ["9", "1", "1.5", "s", "/a"]
    assert list(top.lines({"since": "then", "targets": {}}, "misses")) == [
        "Nothing was noted since then."
    ]


def test_headers_are_the_readers() -> None:
    """A session's is not among them, because the request has the secret instead."""
    assert asking.headers_in(["Prefer: count=exact", "a:b:c"]) == {
        "Prefer": "count=exact",
        "a": "b:c",
    }
    for wrong in ("Prefer", "Authorization: Bearer x"):
        with pytest.raises(Failure, match="NAME: VALUE"):
            asking.headers_in([wrong])


def test_it_says_why_an_answer_is_outdated() -> None:
    assert list(explain.words_of(TOLD)) == [
        "outdated: The next reader gets Supabase's new answer, or this one if Supabase is slow.",
        "target      articles",
        "KV key      /rest/v1/articles?a",
        "in the log  /rest/v1/articles?0123",
        "depends on  public.articles, public.authors",
        "changed     public.authors: change 5, but it was read at 4",
        "age         12 s of at most any",
        "body        7 bytes, status 200",
        "signed in   share it",
    ]


def test_it_says_why_a_request_is_passed_on() -> None:
    (line,) = explain.words_of({"worth": "passed on", "detail": "undeclared"})
    assert (
        line == "passed on (undeclared): Supabase answers. docs/responses.md explains the reason."
    )


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        (
            {"key": "7", "is_known": True, "targets": {"articles": ["/articles/7"], "recent": []}},
            [
                "An edit of row 7 of public.articles makes out of date, of the popular answers:",
                "articles:",
                "    /articles/7",
                "recent: none",
            ],
        ),
        (
            {"key": None, "is_known": True, "targets": {}},
            ["No answer shows public.articles: an edit makes nothing out of date."],
        ),
        (
            {"key": None, "is_known": False, "targets": {"articles": []}},
            [
                touches.UNKNOWN,
                "An edit of any row of public.articles makes out of date, of the popular answers:",
                "articles: none",
            ],
        ),
    ],
)
def test_it_says_what_an_edit_touches(told: dict[str, Any], lines: list[str]) -> None:
    said = list(touches.words_of({"relation": "public.articles", **told}))
    assert said[: len(lines)] == lines
