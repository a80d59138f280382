"""The read path: entries that are out of date, by their version or by their age."""

from __future__ import annotations

import pytest
from faked_edge import FakedReader, status_of
from faked_ports import (
    NOW_MS,
    FakeBackground,
    FakeStream,
    FakeValue,
    filled_of,
    value_of,
)

from edge_cache.entries import etag_of
from edge_cache.errors import (
    EdgeCacheError,
    InvalidAnswer,
    LookupsExhausted,
    NotAsked,
    NotFound,
    RefresherUnavailable,
    StillReading,
    UpstreamRejected,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from edge_cache.resources import Resource
from edge_cache.tables import Table

ARTICLES = Table("articles")
TABLE = Resource(ARTICLES)
ROW = Resource(ARTICLES, "7")

OLD = b'{"id":7,"title":"old"}'
NEW = b'{"id":7,"title":"new"}'


@pytest.mark.parametrize("version", [5, 6])
def test_an_entry_of_the_published_version_is_a_hit(reader: FakedReader, version: int) -> None:
    """Or of a later one, which KV may show before it shows the version."""
    reader.keep(ROW, value_of(NEW, version=version), published=5)
    assert status_of(reader.read(ROW)) == "hit"
    assert reader.refresher.asked == []


def test_an_entry_below_the_published_version_is_replaced(reader: FakedReader) -> None:
    """Its stream is let go, and the refresher knows that there is something to fall back on."""
    stale = reader.keep(ROW, value_of(OLD, version=4), published=5)
    filled = reader.refresher.fills_with = filled_of(NEW, version=5)
    answer = reader.read(ROW)
    assert (answer.status, answer.body) == (200, filled.entry.body)
    assert answer.headers["etag"] == etag_of(NEW)
    assert status_of(answer) == "fwd=stale; fwd-status=200; stored"
    assert stale.cancelled == 1
    assert isinstance(filled.entry.body, FakeStream)
    assert filled.entry.body.cancelled == 0
    assert reader.refresher.asked == [("fill", ROW, 5, True)]
    assert reader.log.lines == [{"event": "miss", "key": ROW.key, "fwd": "stale", "detail": None}]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            UpstreamUnavailable("Busy.", supabase_status=503),
            "fwd=stale; fwd-status=503; detail=supabase-unavailable",
        ),
        (
            UpstreamRejected("No grant.", supabase_status=401),
            "fwd=stale; fwd-status=401; detail=supabase-rejected",
        ),
        (UpstreamUnreachable("No."), "fwd=stale; detail=supabase-unreachable"),
        (InvalidAnswer("No JSON."), "fwd=stale; detail=supabase-invalid-answer"),
        (StillReading("Slow."), "fwd=stale; detail=supabase-slow"),
        (RefresherUnavailable("No."), "fwd=stale; detail=refresher-unavailable"),
        (NotAsked("Failed."), "hit; detail=supabase-failed-just-now"),
    ],
)
def test_a_stale_entry_is_better_than_an_error(
    reader: FakedReader, error: EdgeCacheError, expected: str
) -> None:
    """A status of Supabase's is claimed only where one arrived (RFC 9211, section 2.3)."""
    stale = reader.keep(ROW, value_of(OLD, version=4, age_s=60), published=5)
    reader.refresher.failing["articles"] = error
    answer = reader.read(ROW)
    assert (answer.status, answer.body, stale.cancelled) == (200, stale, 0)
    assert (answer.headers["etag"], answer.headers["age"]) == (etag_of(OLD), "60")
    assert status_of(answer) == expected
    assert reader.log.lines == [
        {"event": "miss", "key": ROW.key, "fwd": "stale", "detail": None},
        {"event": "stale_if_error", "key": ROW.key, "type": error.slug, "age_s": 60},
    ]


def test_a_stale_entry_that_sends_no_body_is_let_go(reader: FakedReader) -> None:
    """The client has the stale bytes itself."""
    stale = reader.keep(ROW, value_of(OLD, version=4), published=5)
    reader.refresher.failing["articles"] = UpstreamUnreachable("No.")
    answer = reader.read(ROW, etag_of(OLD))
    assert (answer.status, answer.body, stale.cancelled) == (304, None, 1)


@pytest.mark.parametrize(
    "error",
    [
        NotFound("No such row."),
        LookupsExhausted("Too many."),
    ],
)
def test_some_errors_are_never_hidden_behind_a_stale_entry(
    reader: FakedReader, error: EdgeCacheError
) -> None:
    """A row that is gone is gone; the entry's stream is let go."""
    stale = reader.keep(ROW, value_of(OLD, version=4), published=5)
    reader.refresher.failing["articles"] = error
    with pytest.raises(EdgeCacheError) as caught:
        reader.read(ROW)
    assert caught.value is error
    assert stale.cancelled == 1


@pytest.mark.parametrize(("age_s", "ttl"), [(0, 60), (59, 1), (60, 0)])
def test_with_a_maximum_age_a_hit_tells_what_is_left(
    reader: FakedReader, age_s: int, ttl: int
) -> None:
    """Up to the maximum age itself an entry is fresh."""
    reader.max_age_s = 60
    reader.keep(TABLE, value_of(b"[]", age_s=age_s))
    answer = reader.read(TABLE)
    assert status_of(answer) == f"hit; ttl={ttl}"
    assert reader.refresher.asked == []
    assert reader.log.lines[0]["event"] == "hit"


def test_an_aged_entry_is_served_and_renewed_in_the_background(reader: FakedReader) -> None:
    """The answer does not wait; the refresher gets the entry's time, to leave a newer one alone."""
    reader.max_age_s = 60
    stream = reader.keep(TABLE, value_of(b"[]", age_s=75))
    answer = reader.read(TABLE)
    assert (answer.status, answer.body) == (200, stream)
    assert status_of(answer) == "hit; ttl=-15"
    assert answer.headers["age"] == "75"
    assert reader.refresher.asked == [("renew", TABLE, NOW_MS - 75_000)]
    assert reader.log.lines == [{"event": "aged", "key": TABLE.key, "status": 200, "age_s": 75}]


def test_a_renewal_is_left_to_the_background(reader: FakedReader) -> None:
    """Nothing is asked of the refresher before the answer is there."""
    reader.max_age_s = 60
    reader.keep(TABLE, value_of(b"[]", age_s=75))
    asked_before: list[int] = []
    put_off = reader.background.work

    class Watching(FakeBackground):
        async def finish(self) -> None:
            asked_before.append(len(reader.refresher.asked))
            await super().finish()

    reader.background = Watching(put_off)
    reader.read(TABLE)
    assert asked_before == [0]
    assert len(reader.refresher.asked) == 1


def test_an_entry_of_unknown_age_is_renewed(reader: FakedReader) -> None:
    """Another Worker's entry may be of any age: nothing is said of what is left."""
    reader.max_age_s = 60
    reader.keep(ROW, FakeValue(None, OLD))
    assert status_of(reader.read(ROW)) == "hit"
    assert reader.refresher.asked == [("renew", ROW, 0)]
    assert reader.log.lines == [{"event": "aged", "key": ROW.key, "status": 200, "age_s": None}]


def test_a_renewal_that_fails_is_logged(reader: FakedReader) -> None:
    """The reader has had the answer."""
    reader.max_age_s = 60
    reader.keep(ROW, value_of(OLD, age_s=61))
    reader.refresher.failing["articles"] = UpstreamUnreachable("No.")
    assert reader.read(ROW).status == 200
    assert reader.log.lines[1:] == [
        {"event": "renew_failed", "key": ROW.key, "type": "supabase-unreachable"}
    ]
