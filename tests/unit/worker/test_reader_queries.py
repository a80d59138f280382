"""The read path of queries, and how the refresher is told of what readers want."""

from __future__ import annotations

from dataclasses import replace

import pytest
from faked_edge import FakedReader, status_of
from faked_ports import NOW_MS, FakeStream, FakeValue, filled_of, metadata_of

from edge_cache.entries import Entry, Metadata
from edge_cache.errors import (
    FinalAnswer,
    Reply,
    StoreError,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnreachable,
)
from edge_cache.ports import Filled
from edge_cache.queries import Query
from edge_cache.resources import Resource, loggable
from edge_cache.tables import PROJECT, Table

ARTICLES = Table("articles")
TABLE = Resource(ARTICLES)
ROW = Resource(ARTICLES, "7")
QUERY = Resource(ARTICLES, query=Query("articles", "select=id"))
EMBEDDING = Resource(PROJECT, query=Query("articles", "select=id,author(name)"))
TWELVE_HOURS_S = 12 * 60 * 60
HEADERS = {"content-type": "text/csv", "content-range": "0-0/7", "content-location": "/articles"}
ROWS = b"id\n1"


def metadata(*, version: int = 0, age_s: int = 0, asked_s: int | None = None) -> Metadata:
    """Return the metadata of a query's entry, read and asked for so many seconds ago."""
    asked_at_ms = NOW_MS * 1000 - (age_s if asked_s is None else asked_s) * 1000
    read_at_ms = NOW_MS * 1000 - age_s * 1000
    return replace(
        metadata_of(ROWS, version=version),
        read_at_ms=read_at_ms,
        asked_at_ms=asked_at_ms,
        status=206,
        headers=HEADERS,
    )


@pytest.fixture
def later(reader: FakedReader) -> FakedReader:
    """Return a reader long after the epoch."""
    reader.now_ms = NOW_MS * 1000
    return reader


@pytest.mark.parametrize("resource", [QUERY, EMBEDDING])
def test_a_hit_is_replayed(later: FakedReader, resource: Resource) -> None:
    """With Supabase's status and headers, and with those of a cache; the log names no value."""
    stream = later.keep(resource, FakeValue(metadata(age_s=12).to_json()))
    answer = later.read(resource)
    assert (answer.status, answer.body) == (206, stream)
    assert answer.headers.items() >= {**HEADERS, "age": "12"}.items()
    assert answer.headers["etag"] == metadata().etag
    assert answer.headers["content-length"] == str(len(ROWS))
    assert "Authorization" in answer.headers["vary"]
    assert status_of(answer) == "hit; ttl=288"
    assert later.refresher.asked == []
    assert later.store.asked == [(resource.key, resource.scope.version_key)]
    assert later.log.lines == [
        {"event": "hit", "key": loggable(resource.key), "status": 206, "age_s": 12}
    ]


def test_head_and_if_none_match_are_as_of_any_entry(later: FakedReader) -> None:
    """Without a body, which is let go."""
    for head, if_none_match, status in ((True, None, 206), (False, metadata().etag, 304)):
        stream = later.keep(QUERY, FakeValue(metadata().to_json()))
        answer = later.read(QUERY, if_none_match, head=head)
        assert (answer.status, answer.body, stream.cancelled) == (status, None, 1)
        assert answer.headers["content-range"] == "0-0/7"


def test_a_miss_is_filled_with_the_version_of_queries(later: FakedReader) -> None:
    """And tells the status that Supabase answered with."""
    later.keep(QUERY, FakeValue(None), published=7)
    del later.store.values[QUERY.key]
    filled = Filled(Entry(metadata(), FakeStream()), stored=True, asked=True)
    later.refresher.fills_with = filled
    answer = later.read(QUERY)
    assert (answer.status, answer.body) == (206, filled.entry.body)
    assert status_of(answer) == "fwd=uri-miss; fwd-status=206; stored"
    assert later.refresher.asked == [("fill", QUERY, 7, False)]
    assert later.log.lines == [
        {"event": "miss", "key": loggable(QUERY.key), "fwd": "uri-miss", "detail": None}
    ]


def test_an_entry_below_the_published_version_is_stale(later: FakedReader) -> None:
    """That of queries; one of that version is not."""
    later.refresher.fills_with = filled_of(b"[]")
    later.keep(QUERY, FakeValue(metadata(version=5).to_json()), published=5)
    assert status_of(later.read(QUERY)).startswith("hit")
    stale = later.keep(QUERY, FakeValue(metadata(version=4).to_json()), published=5)
    assert status_of(later.read(QUERY)) == "fwd=stale; fwd-status=200; stored"
    assert stale.cancelled == 1


@pytest.mark.parametrize("body", [b"[]", b"{}"])
def test_an_entry_of_another_workers_is_malformed(later: FakedReader, body: bytes) -> None:
    """Nobody knows its headers."""
    later.keep(QUERY, FakeValue(None, body))
    later.refresher.fills_with = filled_of(b"[]")
    assert "detail=malformed-entry" in status_of(later.read(QUERY))
    assert later.log.lines[0] == {"event": "malformed", "key": loggable(QUERY.key)}


def test_no_line_of_the_log_has_a_querys_values(later: FakedReader) -> None:
    """Whatever happens."""
    failures: list[Exception] = [StoreError("No."), UpstreamUnreachable("No.")]
    later.keep(QUERY, FakeValue(metadata(age_s=301).to_json()))
    later.refresher.failing["articles"] = failures[1]
    later.read(QUERY)
    later.keep(QUERY, FakeValue(metadata(version=1).to_json()), published=2)
    later.read(QUERY)
    later.store.failing[QUERY.key] = failures[0]
    later.refresher.failing.clear()
    later.refresher.fills_with = filled_of(b"[]")
    later.read(QUERY)
    assert [line["event"] for line in later.log.lines] == [
        "aged",
        "renew_failed",
        "miss",
        "stale_if_error",
        "read_failed",
        "miss",
    ]
    assert {line["key"] for line in later.log.lines} == {loggable(QUERY.key)}


def test_a_query_ages_after_five_minutes(later: FakedReader) -> None:
    """Whatever the maximum age of tables is; the refresher learns when it was asked for."""
    later.max_age_s = 5
    later.keep(QUERY, FakeValue(metadata(age_s=300).to_json()))
    assert status_of(later.read(QUERY)) == "hit; ttl=0"
    assert later.refresher.asked == []
    later.keep(QUERY, FakeValue(metadata(age_s=301, asked_s=400).to_json()))
    assert status_of(later.read(QUERY)) == "hit; ttl=-1"
    assert later.refresher.asked == [("renew", QUERY, NOW_MS * 1000 - 400_000)]
    assert later.log.lines[-1]["event"] == "aged"


@pytest.mark.parametrize(
    ("resource", "max_age_s", "asked_s", "told"),
    [
        (QUERY, None, 300, False),
        (QUERY, None, 301, True),
        (TABLE, None, TWELVE_HOURS_S, False),
        (TABLE, None, TWELVE_HOURS_S + 1, True),
        (TABLE, 60, 60, False),
        (TABLE, 60, 61, True),
        (TABLE, 2 * TWELVE_HOURS_S, TWELVE_HOURS_S + 1, True),
        (ROW, None, TWELVE_HOURS_S + 1, False),
        (ROW, 60, 61, False),
    ],
)
def test_the_refresher_is_told_of_what_is_still_wanted(
    later: FakedReader, resource: Resource, max_age_s: int | None, asked_s: int, told: bool
) -> None:
    """Though the entry is fresh. Of rows, which are refreshed anyway, it is not told."""
    later.max_age_s = max_age_s
    later.keep(resource, FakeValue(metadata(age_s=1, asked_s=asked_s).to_json()))
    assert status_of(later.read(resource)).startswith("hit")
    asked = [("renew", resource, NOW_MS * 1000 - asked_s * 1000)] if told else []
    assert later.refresher.asked == asked
    assert later.log.lines[0]["event"] == "hit"


def test_nobody_is_told_of_an_entry_of_another_workers(later: FakedReader) -> None:
    """Nobody knows when it was asked for."""
    later.keep(TABLE, FakeValue(None, b"[]"))
    later.read(TABLE)
    assert later.refresher.asked == []


def said_with(error: UpstreamError, body: FakeStream) -> UpstreamError:
    """Return an error with Supabase's words as a stream."""
    error.reply = Reply(400, {}, body)
    return error


def test_what_supabase_said_is_let_go_where_a_stale_entry_is_served(later: FakedReader) -> None:
    """An unread stream would hold its connection."""
    said = FakeStream()
    stale = later.keep(QUERY, FakeValue(metadata(version=1).to_json()), published=2)
    later.refresher.failing["articles"] = said_with(
        UpstreamRejected("No.", supabase_status=400), said
    )
    answer = later.read(QUERY)
    assert (answer.status, answer.body, stale.cancelled, said.cancelled) == (206, stale, 0, 1)
    assert status_of(answer) == "fwd=stale; fwd-status=400; detail=supabase-rejected"


@pytest.mark.parametrize("has_stale", [True, False])
def test_a_final_answer_is_handed_on_and_the_stale_entry_let_go(
    later: FakedReader, has_stale: bool
) -> None:
    said = FakeStream()
    stale = later.keep(QUERY, FakeValue(metadata(version=1).to_json()), published=2)
    if not has_stale:
        later.store.values.clear()
    later.refresher.failing["articles"] = said_with(FinalAnswer("No."), said)
    answer = later.read(QUERY)
    assert (answer.status, answer.body) == (400, said)
    fwd = "stale" if has_stale else "uri-miss"
    assert status_of(answer) == f"fwd={fwd}; fwd-status=400"
    assert answer.headers["cache-control"] == answer.headers["cdn-cache-control"] == "no-store"
    assert (stale.cancelled, said.cancelled) == (int(has_stale), 0)
