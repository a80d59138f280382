"""The read path: hits, misses and entries of other Workers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from faked_edge import EXPOSED, FakedReader, status_of
from faked_ports import (
    NOW_MS,
    FakeStream,
    FakeValue,
    filled_of,
    value_of,
)

from edge_cache.entries import Metadata, Versions, etag_of
from edge_cache.errors import (
    EdgeCacheError,
    NotFound,
    StoreError,
    UpstreamUnreachable,
)
from edge_cache.resources import Resource
from edge_cache.tables import Table

ARTICLES = Table("articles")
TABLE = Resource(ARTICLES)
ROW = Resource(ARTICLES, "7")
VERSION_KEY = ARTICLES.version_key

OLD = b'{"id":7,"title":"old"}'
NEW = b'{"id":7,"title":"new"}'


@pytest.mark.parametrize("resource", [TABLE, ROW])
def test_a_hit_is_the_stored_stream(reader: FakedReader, resource: Resource) -> None:
    """It is neither read nor let go, and the refresher is not asked."""
    stream = reader.keep(resource, value_of(NEW, age_s=12))
    answer = reader.read(resource)
    assert answer.status == 200
    assert answer.body is stream
    assert stream.cancelled == 0
    assert answer.headers == {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": EXPOSED,
        "etag": etag_of(NEW),
        "cache-control": "no-cache",
        "cache-status": "supabase-edge-cache; hit",
        "age": "12",
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(NEW)),
    }
    assert reader.refresher.asked == []
    assert reader.log.lines == [{"event": "hit", "key": resource.key, "status": 200, "age_s": 12}]


def test_a_table_is_read_without_a_version_and_a_row_with_it(reader: FakedReader) -> None:
    """A table's entry is overwritten with each version; its rows' entries are told to be stale."""
    reader.keep(TABLE, value_of(b"[]"))
    reader.keep(ROW, value_of(NEW))
    reader.read(TABLE)
    reader.read(ROW)
    assert reader.store.asked == [("/articles",), ("/articles/7", VERSION_KEY)]


@pytest.mark.parametrize(
    ("if_none_match", "head", "status"),
    [(etag_of(NEW), False, 304), (etag_of(NEW), True, 304), (None, True, 200)],
)
def test_a_hit_that_sends_no_body_lets_the_stream_go(
    reader: FakedReader, if_none_match: str | None, head: bool, status: int
) -> None:
    """Once; the log tells the status that was sent."""
    stream = reader.keep(ROW, value_of(NEW))
    answer = reader.read(ROW, if_none_match, head=head)
    assert (answer.status, answer.body, stream.cancelled) == (status, None, 1)
    assert reader.log.lines == [{"event": "hit", "key": ROW.key, "status": status, "age_s": 0}]


@pytest.mark.parametrize("resource", [TABLE, ROW])
def test_a_miss_is_filled(reader: FakedReader, resource: Resource) -> None:
    """The refresher gets the version that the reader sees, and its stream is sent."""
    reader.store.versions[VERSION_KEY] = Versions(5, 9)
    filled = reader.refresher.fills_with = filled_of(NEW, age_s=2)
    answer = reader.read(resource)
    assert (answer.status, answer.body) == (200, filled.entry.body)
    assert status_of(answer) == "fwd=uri-miss; fwd-status=200; stored"
    assert (answer.headers["age"], answer.headers["etag"]) == ("2", etag_of(NEW))
    seen = 5 if resource is ROW else 0
    assert reader.refresher.asked == [("fill", resource, seen, False)]
    assert reader.log.lines == [
        {"event": "miss", "key": resource.key, "fwd": "uri-miss", "detail": None}
    ]


def test_a_miss_that_was_not_stored_does_not_say_so(reader: FakedReader) -> None:
    """RFC 9211: `stored` only where it was."""
    reader.refresher.fills_with = filled_of(NEW, stored=False)
    assert status_of(reader.read(ROW)) == "fwd=uri-miss; fwd-status=200"


def test_a_miss_that_memory_answers_is_a_hit(reader: FakedReader) -> None:
    """Supabase was not asked, so nothing was forwarded."""
    reader.refresher.fills_with = filled_of(NEW, asked=False)
    assert status_of(reader.read(ROW)) == "hit; detail=memory"


@pytest.mark.parametrize(
    ("if_none_match", "head", "status"),
    [(etag_of(NEW), False, 304), (None, True, 200)],
)
def test_a_miss_that_sends_no_body_lets_the_stream_go(
    reader: FakedReader, if_none_match: str | None, head: bool, status: int
) -> None:
    """A client may have the bytes already, though KV does not."""
    filled = reader.refresher.fills_with = filled_of(NEW)
    answer = reader.read(ROW, if_none_match, head=head)
    assert (answer.status, answer.body) == (status, None)
    assert isinstance(filled.entry.body, FakeStream)
    assert filled.entry.body.cancelled == 1


@pytest.mark.parametrize("error", [NotFound("No."), UpstreamUnreachable("No.")])
def test_a_miss_that_cannot_be_filled_is_the_error(
    reader: FakedReader, error: EdgeCacheError
) -> None:
    """There is nothing to answer with."""
    reader.refresher.failing["articles"] = error
    with pytest.raises(type(error)) as caught:
        reader.read(ROW)
    assert caught.value is error


def test_where_kv_fails_the_refresher_answers(reader: FakedReader) -> None:
    """Whatever KV holds counts as unknown; the log says what KV said."""
    reader.store.failing[ROW.key] = StoreError("Workers KV refused.")
    reader.refresher.fills_with = filled_of(NEW)
    answer = reader.read(ROW)
    assert status_of(answer) == "fwd=miss; fwd-status=200; stored; detail=kv-read-failed"
    assert reader.refresher.asked == [("fill", ROW, 0, False)]
    assert reader.log.lines == [
        {"event": "read_failed", "key": ROW.key, "detail": "Workers KV refused."},
        {"event": "miss", "key": ROW.key, "fwd": "miss", "detail": "kv-read-failed"},
    ]


def test_where_kv_fails_memory_may_answer(reader: FakedReader) -> None:
    """Then the detail tells of KV, which the operator wants to know."""
    reader.store.failing[TABLE.key] = StoreError("Workers KV refused.")
    reader.refresher.fills_with = filled_of(b"[]", asked=False)
    assert status_of(reader.read(TABLE)) == "hit; detail=kv-read-failed"


def test_an_entry_whose_bytes_cannot_be_read_is_a_failure_of_kv(reader: FakedReader) -> None:
    """Another Worker's entry has to be read to be judged."""
    reader.keep(ROW, FakeValue(None, StoreError("Broken.")))
    reader.refresher.fills_with = filled_of(NEW)
    assert "detail=kv-read-failed" in status_of(reader.read(ROW))


@pytest.mark.parametrize(("project", "is_hit"), [("ab12", True), ("", True), ("cd34", False)])
def test_an_entry_of_another_project_counts_as_absent(
    reader: FakedReader, project: str, *, is_hit: bool
) -> None:
    """Entries of earlier versions do not name theirs."""
    metadata = Metadata(etag_of(NEW), len(NEW), NOW_MS, 1, project=project)
    stream = reader.keep(ROW, FakeValue(metadata.to_json()))
    reader.refresher.fills_with = filled_of(NEW)
    wanted = "hit" if is_hit else "fwd=uri-miss; fwd-status=200; stored; detail=another-project"
    assert status_of(reader.read(ROW)) == wanted
    assert stream.cancelled == int(not is_hit)


@pytest.mark.parametrize("metadata", ["null", "[]", '{"v": 1}', '"text"', "{"])
def test_an_entry_with_foreign_metadata_is_malformed(reader: FakedReader, metadata: str) -> None:
    """Its stream is let go, and the refresher fills with the version that is published."""
    stream = reader.keep(ROW, FakeValue(metadata), published=3)
    reader.refresher.fills_with = filled_of(NEW)
    answer = reader.read(ROW)
    assert answer.status == 200
    assert stream.cancelled == 1
    assert status_of(answer) == "fwd=uri-miss; fwd-status=200; stored; detail=malformed-entry"
    assert reader.refresher.asked == [("fill", ROW, 3, False)]
    assert reader.log.lines == [
        {"event": "malformed", "key": ROW.key},
        {"event": "miss", "key": ROW.key, "fwd": "uri-miss", "detail": "malformed-entry"},
    ]


@pytest.mark.parametrize(("resource", "body"), [(TABLE, b'[{"id":7}]'), (ROW, b'{"id":7}')])
def test_an_entry_of_another_worker_is_served(
    reader: FakedReader, resource: Resource, body: bytes
) -> None:
    """With validators made of its bytes, and without an age, which nobody knows."""
    reader.keep(resource, FakeValue(None, body))
    answer = reader.read(resource)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["etag"] == etag_of(body)
    assert answer.headers["content-length"] == str(len(body))
    assert "age" not in answer.headers
    assert status_of(answer) == "hit"
    assert reader.read(resource, etag_of(body)).status == 304
    assert reader.log.lines[0] == {
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
    reader: FakedReader, resource: Resource, body: bytes
) -> None:
    """The lesson's Worker caches `null` and error objects."""
    reader.keep(resource, FakeValue(None, body))
    reader.refresher.fills_with = filled_of(NEW)
    assert "detail=malformed-entry" in status_of(reader.read(resource))


def test_an_entry_of_another_worker_is_stale_once_a_version_is_published(
    reader: FakedReader,
) -> None:
    """It counts as of version 0: nobody knows what it was read from."""
    reader.keep(ROW, FakeValue(None, OLD), published=1)
    reader.refresher.fills_with = filled_of(NEW, version=1)
    assert status_of(reader.read(ROW)) == "fwd=stale; fwd-status=200; stored"
    assert reader.refresher.asked == [("fill", ROW, 1, True)]


def test_an_entry_from_the_future_has_no_age(reader: FakedReader) -> None:
    """Another machine's clock may be ahead."""
    reader.keep(ROW, value_of(OLD, age_s=-5))
    assert reader.read(ROW).headers["age"] == "0"


def test_a_long_id_lies_under_a_digest(reader: FakedReader) -> None:
    """The log tells the key, too."""
    row = replace(ROW, row_id="x" * 700)
    reader.keep(row, value_of(NEW))
    assert reader.read(row).status == 200
    assert reader.store.asked == [(row.key, VERSION_KEY)]
