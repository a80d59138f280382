"""The read path: what a reader gets, what was asked of the store and the refresher, and the log."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from faked_ports import (
    NOW_MS,
    FakeBackground,
    FakeLog,
    FakeRefresher,
    FakeStore,
    FakeStream,
    FakeValue,
    filled_of,
    now_ms,
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
    RelayedProblem,
    StillReading,
    StoreError,
    UpstreamRejected,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from edge_cache.http import Answer
from edge_cache.resources import Resource
from edge_cache.tables import Table
from edge_cache.worker.reader import Conditions, Reader

ARTICLES = Table("articles")
TABLE = Resource(ARTICLES)
ROW = Resource(ARTICLES, "7")
VERSION_KEY = ARTICLES.version_key

OLD = b'{"id":7,"title":"old"}'
NEW = b'{"id":7,"title":"new"}'


@dataclass
class Edge:
    """A reader over its ports."""

    store: FakeStore = field(default_factory=FakeStore)
    refresher: FakeRefresher = field(default_factory=FakeRefresher)
    background: FakeBackground = field(default_factory=FakeBackground)
    log: FakeLog = field(default_factory=FakeLog)
    max_age_s: int | None = None

    def read(
        self, resource: Resource, if_none_match: str | None = None, *, head: bool = False
    ) -> Answer:
        """Read, and let the background finish."""
        reader = Reader(
            self.store,
            self.refresher,
            max_age_s=self.max_age_s,
            background=self.background,
            now_ms=now_ms,
            log=self.log,
        )

        async def run() -> Answer:
            try:
                return await reader.read(resource, Conditions(if_none_match, head=head))
            finally:
                await self.background.finish()

        return asyncio.run(run())

    def keep(self, resource: Resource, value: FakeValue, *, published: int = 0) -> FakeStream:
        """Put a value into the store, and publish its table's version; return its stream."""
        self.store.values[resource.key] = value
        self.store.versions[resource.table.version_key] = published
        return value.stream


@pytest.fixture
def edge() -> Edge:
    """Return a reader whose store is empty."""
    return Edge()


def status_of(answer: Answer) -> str:
    """Return Cache-Status without this cache's name."""
    name, _, parts = answer.headers["cache-status"].partition("; ")
    assert name == "supabase-edge-cache"
    return parts


@pytest.mark.parametrize("resource", [TABLE, ROW])
def test_a_hit_is_the_stored_stream(edge: Edge, resource: Resource) -> None:
    """It is neither read nor let go, and the refresher is not asked."""
    stream = edge.keep(resource, value_of(NEW, age_s=12))
    answer = edge.read(resource)
    assert answer.status == 200
    assert answer.body is stream
    assert stream.cancelled == 0
    assert answer.headers == {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "ETag, Age, Cache-Status, Retry-After",
        "etag": etag_of(NEW),
        "cache-control": "no-cache",
        "cache-status": "supabase-edge-cache; hit",
        "age": "12",
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(NEW)),
    }
    assert edge.refresher.asked == []
    assert edge.log.lines == [{"event": "hit", "key": resource.key, "status": 200, "age_s": 12}]


def test_a_table_is_read_without_a_version_and_a_row_with_it(edge: Edge) -> None:
    """A table's entry is overwritten with each version; its rows' entries are told to be stale."""
    edge.keep(TABLE, value_of(b"[]"))
    edge.keep(ROW, value_of(NEW))
    edge.read(TABLE)
    edge.read(ROW)
    assert edge.store.asked == [("/articles",), ("/articles/7", VERSION_KEY)]


@pytest.mark.parametrize(
    ("if_none_match", "head", "status"),
    [(etag_of(NEW), False, 304), (etag_of(NEW), True, 304), (None, True, 200)],
)
def test_a_hit_that_sends_no_body_lets_the_stream_go(
    edge: Edge, if_none_match: str | None, head: bool, status: int
) -> None:
    """Once; the log tells the status that was sent."""
    stream = edge.keep(ROW, value_of(NEW))
    answer = edge.read(ROW, if_none_match, head=head)
    assert (answer.status, answer.body, stream.cancelled) == (status, None, 1)
    assert edge.log.lines == [{"event": "hit", "key": ROW.key, "status": status, "age_s": 0}]


@pytest.mark.parametrize("resource", [TABLE, ROW])
def test_a_miss_is_filled(edge: Edge, resource: Resource) -> None:
    """The refresher gets the version that the reader sees, and its stream is sent."""
    edge.store.versions[VERSION_KEY] = 5
    filled = edge.refresher.fills_with = filled_of(NEW, age_s=2)
    answer = edge.read(resource)
    assert (answer.status, answer.body) == (200, filled.body)
    assert status_of(answer) == "fwd=uri-miss; fwd-status=200; stored"
    assert (answer.headers["age"], answer.headers["etag"]) == ("2", etag_of(NEW))
    seen = 5 if resource is ROW else 0
    assert edge.refresher.asked == [("fill", resource, seen, False)]
    assert edge.log.lines == [
        {"event": "miss", "key": resource.key, "fwd": "uri-miss", "detail": None}
    ]


def test_a_miss_that_was_not_stored_does_not_say_so(edge: Edge) -> None:
    """RFC 9211: `stored` only where it was."""
    edge.refresher.fills_with = filled_of(NEW, stored=False)
    assert status_of(edge.read(ROW)) == "fwd=uri-miss; fwd-status=200"


def test_a_miss_that_memory_answers_is_a_hit(edge: Edge) -> None:
    """Supabase was not asked, so nothing was forwarded."""
    edge.refresher.fills_with = filled_of(NEW, asked=False)
    assert status_of(edge.read(ROW)) == "hit; detail=memory"


@pytest.mark.parametrize(
    ("if_none_match", "head", "status"),
    [(etag_of(NEW), False, 304), (None, True, 200)],
)
def test_a_miss_that_sends_no_body_lets_the_stream_go(
    edge: Edge, if_none_match: str | None, head: bool, status: int
) -> None:
    """A client may have the bytes already, though KV does not."""
    filled = edge.refresher.fills_with = filled_of(NEW)
    answer = edge.read(ROW, if_none_match, head=head)
    assert (answer.status, answer.body) == (status, None)
    assert isinstance(filled.body, FakeStream)
    assert filled.body.cancelled == 1


@pytest.mark.parametrize("error", [NotFound("No."), UpstreamUnreachable("No.")])
def test_a_miss_that_cannot_be_filled_is_the_error(edge: Edge, error: EdgeCacheError) -> None:
    """There is nothing to answer with."""
    edge.refresher.failing["articles"] = error
    with pytest.raises(type(error)) as caught:
        edge.read(ROW)
    assert caught.value is error


def test_where_kv_fails_the_refresher_answers(edge: Edge) -> None:
    """Whatever KV holds counts as unknown; the log says what KV said."""
    edge.store.failing[ROW.key] = StoreError("Workers KV refused.")
    edge.refresher.fills_with = filled_of(NEW)
    answer = edge.read(ROW)
    assert status_of(answer) == "fwd=miss; fwd-status=200; stored; detail=kv-read-failed"
    assert edge.refresher.asked == [("fill", ROW, 0, False)]
    assert edge.log.lines == [
        {"event": "read_failed", "key": ROW.key, "detail": "Workers KV refused."},
        {"event": "miss", "key": ROW.key, "fwd": "miss", "detail": "kv-read-failed"},
    ]


def test_where_kv_fails_memory_may_answer(edge: Edge) -> None:
    """Then the detail tells of KV, which the operator wants to know."""
    edge.store.failing[TABLE.key] = StoreError("Workers KV refused.")
    edge.refresher.fills_with = filled_of(b"[]", asked=False)
    assert status_of(edge.read(TABLE)) == "hit; detail=kv-read-failed"


def test_an_entry_whose_bytes_cannot_be_read_is_a_failure_of_kv(edge: Edge) -> None:
    """Another Worker's entry has to be read to be judged."""
    edge.keep(ROW, FakeValue(None, StoreError("Broken.")))
    edge.refresher.fills_with = filled_of(NEW)
    assert "detail=kv-read-failed" in status_of(edge.read(ROW))


@pytest.mark.parametrize("metadata", ["null", "[]", '{"v": 1}', '"text"', "{"])
def test_an_entry_with_foreign_metadata_is_malformed(edge: Edge, metadata: str) -> None:
    """Its stream is let go, and the refresher fills with the version that is published."""
    stream = edge.keep(ROW, FakeValue(metadata), published=3)
    edge.refresher.fills_with = filled_of(NEW)
    answer = edge.read(ROW)
    assert answer.status == 200
    assert stream.cancelled == 1
    assert status_of(answer) == "fwd=uri-miss; fwd-status=200; stored; detail=malformed-entry"
    assert edge.refresher.asked == [("fill", ROW, 3, False)]
    assert edge.log.lines == [
        {"event": "malformed", "key": ROW.key},
        {"event": "miss", "key": ROW.key, "fwd": "uri-miss", "detail": "malformed-entry"},
    ]


@pytest.mark.parametrize(("resource", "body"), [(TABLE, b'[{"id":7}]'), (ROW, b'{"id":7}')])
def test_an_entry_of_another_worker_is_served(edge: Edge, resource: Resource, body: bytes) -> None:
    """With validators made of its bytes, and without an age, which nobody knows."""
    edge.keep(resource, FakeValue(None, body))
    answer = edge.read(resource)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["etag"] == etag_of(body)
    assert answer.headers["content-length"] == str(len(body))
    assert "age" not in answer.headers
    assert status_of(answer) == "hit"
    assert edge.read(resource, etag_of(body)).status == 304
    assert edge.log.lines[0] == {
        "event": "hit",
        "key": resource.key,
        "status": 200,
        "age_s": None,
    }


@pytest.mark.parametrize(
    ("resource", "body"),
    [(TABLE, b"null"), (TABLE, b'{"id":7}'), (TABLE, b""), (ROW, b"[]"), (ROW, b'{"id":')],
)
def test_an_implausible_entry_of_another_worker_is_malformed(
    edge: Edge, resource: Resource, body: bytes
) -> None:
    """The lesson's Worker caches `null` and error objects."""
    edge.keep(resource, FakeValue(None, body))
    edge.refresher.fills_with = filled_of(NEW)
    assert "detail=malformed-entry" in status_of(edge.read(resource))


def test_an_entry_of_another_worker_is_stale_once_a_version_is_published(edge: Edge) -> None:
    """It counts as of version 0: nobody knows what it was read from."""
    edge.keep(ROW, FakeValue(None, OLD), published=1)
    edge.refresher.fills_with = filled_of(NEW, version=1)
    assert status_of(edge.read(ROW)) == "fwd=stale; fwd-status=200; stored"
    assert edge.refresher.asked == [("fill", ROW, 1, True)]


@pytest.mark.parametrize("version", [5, 6])
def test_an_entry_of_the_published_version_is_a_hit(edge: Edge, version: int) -> None:
    """Or of a later one, which KV may show before it shows the version."""
    edge.keep(ROW, value_of(NEW, version=version), published=5)
    assert status_of(edge.read(ROW)) == "hit"
    assert edge.refresher.asked == []


def test_an_entry_below_the_published_version_is_replaced(edge: Edge) -> None:
    """Its stream is let go, and the refresher knows that there is something to fall back on."""
    stale = edge.keep(ROW, value_of(OLD, version=4), published=5)
    filled = edge.refresher.fills_with = filled_of(NEW, version=5)
    answer = edge.read(ROW)
    assert (answer.status, answer.body) == (200, filled.body)
    assert answer.headers["etag"] == etag_of(NEW)
    assert status_of(answer) == "fwd=stale; fwd-status=200; stored"
    assert stale.cancelled == 1
    assert isinstance(filled.body, FakeStream)
    assert filled.body.cancelled == 0
    assert edge.refresher.asked == [("fill", ROW, 5, True)]
    assert edge.log.lines == [{"event": "miss", "key": ROW.key, "fwd": "stale", "detail": None}]


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
        (
            RelayedProblem(UpstreamUnavailable("Busy.", supabase_status=500).document(), 5),
            "fwd=stale; fwd-status=500; detail=supabase-unavailable",
        ),
        (RelayedProblem(NotAsked("Failed.").document(), 5), "hit; detail=supabase-failed-just-now"),
    ],
)
def test_a_stale_entry_is_better_than_an_error(
    edge: Edge, error: EdgeCacheError, expected: str
) -> None:
    """A status of Supabase's is claimed only where one arrived (RFC 9211, section 2.3)."""
    stale = edge.keep(ROW, value_of(OLD, version=4, age_s=60), published=5)
    edge.refresher.failing["articles"] = error
    answer = edge.read(ROW)
    assert (answer.status, answer.body, stale.cancelled) == (200, stale, 0)
    assert (answer.headers["etag"], answer.headers["age"]) == (etag_of(OLD), "60")
    assert status_of(answer) == expected
    assert edge.log.lines == [
        {"event": "miss", "key": ROW.key, "fwd": "stale", "detail": None},
        {"event": "stale_if_error", "key": ROW.key, "type": error.slug, "age_s": 60},
    ]


def test_a_stale_entry_that_sends_no_body_is_let_go(edge: Edge) -> None:
    """The client has the stale bytes itself."""
    stale = edge.keep(ROW, value_of(OLD, version=4), published=5)
    edge.refresher.failing["articles"] = UpstreamUnreachable("No.")
    answer = edge.read(ROW, etag_of(OLD))
    assert (answer.status, answer.body, stale.cancelled) == (304, None, 1)


@pytest.mark.parametrize(
    "error",
    [
        NotFound("No such row."),
        LookupsExhausted("Too many."),
        RelayedProblem(NotFound("No such row.").document(), None),
        RelayedProblem(LookupsExhausted("Too many.").document(), 1),
    ],
)
def test_some_errors_are_never_hidden_behind_a_stale_entry(
    edge: Edge, error: EdgeCacheError
) -> None:
    """A row that is gone is gone; the entry's stream is let go."""
    stale = edge.keep(ROW, value_of(OLD, version=4), published=5)
    edge.refresher.failing["articles"] = error
    with pytest.raises(EdgeCacheError) as caught:
        edge.read(ROW)
    assert caught.value is error
    assert stale.cancelled == 1


@pytest.mark.parametrize(("age_s", "ttl"), [(0, 60), (59, 1), (60, 0)])
def test_with_a_maximum_age_a_hit_tells_what_is_left(edge: Edge, age_s: int, ttl: int) -> None:
    """Up to the maximum age itself an entry is fresh."""
    edge.max_age_s = 60
    edge.keep(TABLE, value_of(b"[]", age_s=age_s))
    answer = edge.read(TABLE)
    assert status_of(answer) == f"hit; ttl={ttl}"
    assert edge.refresher.asked == []
    assert edge.log.lines[0]["event"] == "hit"


def test_an_aged_entry_is_served_and_renewed_in_the_background(edge: Edge) -> None:
    """The answer does not wait; the refresher gets the entry's time, to leave a newer one alone."""
    edge.max_age_s = 60
    stream = edge.keep(TABLE, value_of(b"[]", age_s=75))
    answer = edge.read(TABLE)
    assert (answer.status, answer.body) == (200, stream)
    assert status_of(answer) == "hit; ttl=-15"
    assert answer.headers["age"] == "75"
    assert edge.refresher.asked == [("renew", TABLE, NOW_MS - 75_000)]
    assert edge.log.lines == [{"event": "stale", "key": TABLE.key, "status": 200, "age_s": 75}]


def test_a_renewal_is_left_to_the_background(edge: Edge) -> None:
    """Nothing is asked of the refresher before the answer is there."""
    edge.max_age_s = 60
    edge.keep(TABLE, value_of(b"[]", age_s=75))
    asked_before: list[int] = []
    put_off = edge.background.work

    class Watching(FakeBackground):
        async def finish(self) -> None:
            asked_before.append(len(edge.refresher.asked))
            await super().finish()

    edge.background = Watching(put_off)
    edge.read(TABLE)
    assert asked_before == [0]
    assert len(edge.refresher.asked) == 1


def test_an_entry_of_unknown_age_is_renewed(edge: Edge) -> None:
    """Another Worker's entry may be of any age: nothing is said of what is left."""
    edge.max_age_s = 60
    edge.keep(ROW, FakeValue(None, OLD))
    assert status_of(edge.read(ROW)) == "hit"
    assert edge.refresher.asked == [("renew", ROW, 0)]
    assert edge.log.lines == [{"event": "stale", "key": ROW.key, "status": 200, "age_s": None}]


def test_a_renewal_that_fails_is_logged(edge: Edge) -> None:
    """The reader has had the answer."""
    edge.max_age_s = 60
    edge.keep(ROW, value_of(OLD, age_s=61))
    edge.refresher.failing["articles"] = UpstreamUnreachable("No.")
    assert edge.read(ROW).status == 200
    assert edge.log.lines[1:] == [
        {"event": "renew_failed", "key": ROW.key, "type": "supabase-unreachable"}
    ]


def test_an_entry_from_the_future_has_no_age(edge: Edge) -> None:
    """Another machine's clock may be ahead."""
    edge.keep(ROW, value_of(OLD, age_s=-5))
    assert edge.read(ROW).headers["age"] == "0"


def test_a_long_id_lies_under_a_digest(edge: Edge) -> None:
    """The log tells the key, too."""
    row = replace(ROW, row_id="x" * 700)
    edge.keep(row, value_of(NEW))
    assert edge.read(row).status == 200
    assert edge.store.asked == [(row.key, VERSION_KEY)]
