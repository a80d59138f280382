"""`npm run explain`: where it asks, and how it says what it hears."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import explain
import purge
import top
import touches
from edge_cache.reasons import Reason
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
}
TOLD: dict[str, Any] = {
    "worth": "outdated",
    "detail": None,
    "target": "articles",
    "key": "/rest/v1/articles?a",
    "logged_as": "/rest/v1/articles?0123",
    "outdated_by": {"public.authors": 5},
    "signed_in": "same",
    "entry": ENTRY,
}


@pytest.mark.parametrize(
    ("url", "worker", "address"),
    [
        ("/articles/1", None, f"{asking.LOCAL}/entry/articles/1"),
        ("/rest/v1/a?b=c&d", "https://x.dev/", "https://x.dev/entry/rest/v1/a?b=c&d"),
        ("https://x.dev/a?b", None, "https://x.dev/entry/a?b"),
        ("https://abc.supabase.co/rest/v1/a", "https://x.dev", "https://x.dev/entry/rest/v1/a"),
    ],
)
def test_it_asks_the_worker_about_a_url(url: str, worker: str | None, address: str) -> None:
    """The URL may be one of Supabase's, if the Worker's address is given."""
    assert asking.address_of(url, worker, "/entry") == address


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/articles/ü", "/articles/%C3%BC"),
        ("/articles/a b%20c", "/articles/a%20b%20c"),
        ("/rest/v1/a?b=eq.ü ö#c", "/rest/v1/a?b=eq.%C3%BC%20%C3%B6"),
        ("/articles/\udcff", "/articles/%FF"),
        ("/rest/v1/rpc/a;accept=any;call?%7B%7D", "/rest/v1/rpc/a;accept=any;call?%7B%7D"),
    ],
)
def test_a_url_is_encoded_as_browsers_do(path: str, sent: str) -> None:
    """Escapes stay. A shell's argument need not be UTF-8."""
    assert asking.address_of(path, None) == f"{asking.LOCAL}{sent}"


@pytest.mark.parametrize(
    ("url", "worker", "said"),
    [
        ("articles", None, "A path begins with one slash"),
        ("localhost:8787/articles", None, "A path begins with one slash"),
        ("//x.dev/articles", None, "neither a URL nor a path"),
        ("http://[/articles", None, "neither a URL nor a path"),
        ("/articles", "localhost:8787", "localhost:8787 is no address of a Worker"),
        ("/articles", "https://", "no address of a Worker"),
    ],
)
def test_what_is_no_address_is_refused(url: str, worker: str | None, said: str) -> None:
    with pytest.raises(Failure, match=said):
        asking.address_of(url, worker)


def test_an_option_that_npm_kept_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, the command would do something else than what was asked for."""
    monkeypatch.setattr(sys, "argv", ["purge", "--table", "articles"])
    monkeypatch.setenv("npm_config_remove", "true")
    with pytest.raises(Failure, match=r"`npm run purge -- --remove --table articles`\.$"):
        purge.parse_arguments()


COMMANDS = [
    (purge, ["--table", ""]),
    (purge, ["--table", " ", "--remove"]),
    (purge, ["--query", ""]),
    (purge, ["--all", "--worker", ""]),
    (touches, ["articles", ""]),
    (touches, [""]),
    (explain, [""]),
]


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_nothing_empty_means_everything(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Any,
    words: list[str],
) -> None:
    """It may be a variable of a shell that was not set."""
    monkeypatch.setattr(sys, "argv", ["command", *words])
    with pytest.raises(SystemExit, match="2"):
        command.parse_arguments()
    assert "it is empty, so nothing was done" in capsys.readouterr().err


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
    """An empty one is sent: a reader without a key."""
    sent = asking.headers_in(["Prefer: count=exact", "a:b:c", "apikey:"])
    assert sent == {"Prefer": "count=exact", "a": "b:c", "apikey": ""}


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Prefer", "Write 'NAME: VALUE'"),
        (":", "Write 'NAME: VALUE'"),
        ("a b: c", "Write 'NAME: VALUE'"),
        ("Authorization: Bearer x", "explain -- --session"),
        ("prefer: ü", "value of prefer has a character"),
        ("prefer: a\nb", "value of prefer has a character"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(header: str, said: str) -> None:
    """A session's token is not, because the route could log it."""
    with pytest.raises(Failure, match=said):
        asking.headers_in([header])


def test_it_says_why_an_answer_is_outdated() -> None:
    assert list(explain.words_of(TOLD)) == [
        (
            "outdated: The next reader gets Supabase's new answer, or this one if Supabase is slow"
            " or down."
        ),
        "signed in   Readers get the same answer as everybody else.",
        "target      articles",
        "KV key      /rest/v1/articles?a",
        "in the log  /rest/v1/articles?0123",
        "depends on  public.articles, public.authors",
        "changed     public.authors: change 5, but it was read at 4",
        "age         12 s of at most any",
        "body        7 bytes, status 200",
    ]


def test_it_says_why_a_request_is_passed_on() -> None:
    assert list(explain.words_of({"worth": "passed on", "detail": "range"})) == [
        "passed on (range): Supabase answers, and the cache keeps nothing.",
        "why         there is a Range header",
    ]
    assert explain.WHY.keys() == set(Reason)


def test_it_says_what_a_session_gets() -> None:
    """Only the first line and that of the signed in readers say something of it."""
    told = {**TOLD, "worth": "fresh", "signed_in": "passed on"}
    first, why, second, *_ = explain.words_of(told, has_session=True)
    assert first.startswith("passed on (session): Supabase answers")
    assert why.startswith("why         the reader is signed in")
    assert second == (
        "signed in   Readers are passed on (session), because nobody proved that they get the same."
    )
    first, *_ = explain.words_of(told)
    assert first.startswith("fresh: ")


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        (
            {
                "key": "7",
                "kind": "table",
                "targets": {
                    "articles": {"how": "own", "paths": ["/articles/7"]},
                    "recent": {"how": "shown", "paths": []},
                },
            },
            [
                "An edit of row 7 of public.articles makes out of date, of the popular answers:",
                "articles (it serves these rows):",
                "    /articles/7",
                "recent (some of its answers show or use them): none",
            ],
        ),
        (
            {"key": None, "kind": "table", "targets": {}},
            ["No answer shows public.articles: an edit makes nothing out of date."],
        ),
        (
            {"key": None, "kind": "view", "reads": ["public.authors"], "targets": {}},
            ["public.articles is a view. Name a table that it reads: public.authors."],
        ),
        (
            {
                "key": None,
                "kind": "",
                "targets": {"articles": {"how": "everything", "paths": []}},
            },
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
