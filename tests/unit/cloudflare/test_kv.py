"""Workers KV behind the ports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from faked_bindings import KvNamespace
from faked_runtime import JsException, TypedArray

from edge_cache.errors import StoreError
from edge_cache.versions import NOT_PUBLISHED, UNREADABLE, Published

METADATA = {"v": 3, "etag": '"ä"', "row": None}
BROKEN = JsException("Error", "KV GET failed: 500")
AS_STREAM = {"type": "stream", "cacheTtl": 30}
AS_TEXT = {"type": "text", "cacheTtl": 30}


@pytest.fixture
def kv(load: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module."""
    return load("kv")


@pytest.fixture
def namespace() -> KvNamespace:
    """Return a namespace with a value, one without metadata, and versions."""
    return KvNamespace(
        {
            "/articles": (b"[]", METADATA),
            "/articles/7": (b"{}", None),
            "/articles?versions": (b"12 13;#=1;", None),
        }
    )


def run(work: Awaitable[Any]) -> Any:
    """Wait for something."""

    async def waited() -> Any:
        return await work

    return asyncio.run(waited())


def test_a_value_is_opened_as_a_stream(kv: ModuleType, namespace: KvNamespace) -> None:
    """It comes with its metadata as JSON, from a copy that is at most 30 seconds old."""
    value = run(kv.KvReader(namespace).open("/articles"))
    assert value.stream is namespace.opened[0]
    assert json.loads(value.metadata) == METADATA
    assert namespace.calls == [("getWithMetadata", "/articles", AS_STREAM)]


def test_a_value_without_metadata_says_so(kv: ModuleType, namespace: KvNamespace) -> None:
    """Another Worker wrote it; its bytes can be read."""
    value = run(kv.KvReader(namespace).open("/articles/7"))
    assert value.metadata is None
    assert run(value.read()) == b"{}"


def test_an_absent_value_is_none(kv: ModuleType, namespace: KvNamespace) -> None:
    """An absent value is no error."""
    assert run(kv.KvReader(namespace).open("/articles/8")) is None
    assert run(kv.KvReader(namespace).open_versioned("/articles/8", "/x?versions")) == (
        None,
        NOT_PUBLISHED,
    )


def test_a_row_and_the_versions_are_read_at_once(kv: ModuleType, namespace: KvNamespace) -> None:
    """Both reads begin before the first is awaited, so that together they take the time of one."""
    value, versions = run(
        kv.KvReader(namespace).open_versioned("/articles/7", "/articles?versions")
    )
    assert (value.stream, versions) == (namespace.opened[0], Published.of("12 13;#=1;"))
    assert namespace.calls == [
        ("getWithMetadata", "/articles/7", AS_STREAM),
        ("get", "/articles?versions", AS_TEXT),
    ]
    assert namespace.steps[:2] == ["getWithMetadata began", "get began"]


@pytest.mark.parametrize("text", [b"", b"12", b"12 13", b"{}"])
def test_versions_that_nobody_can_have_written_are_unreadable(
    kv: ModuleType, namespace: KvNamespace, text: bytes
) -> None:
    """Only if the key is absent, no versions were published."""
    namespace.values["/articles?versions"] = (text, None)
    _, versions = run(kv.KvReader(namespace).open_versioned("/articles/7", "/articles?versions"))
    assert versions == UNREADABLE != NOT_PUBLISHED


def test_a_read_that_fails_is_a_store_error(kv: ModuleType, namespace: KvNamespace) -> None:
    """The error has KV's own message."""
    namespace.failing["getWithMetadata"] = BROKEN
    reader = kv.KvReader(namespace)
    for work in (
        reader.open("/articles"),
        reader.open_versioned("/articles/7", "/articles?versions"),
    ):
        with pytest.raises(StoreError) as caught:
            run(work)
        assert caught.value.detail == "Workers KV refused to read: KV GET failed: 500"


def test_a_row_whose_versions_cannot_be_read_is_let_go(
    kv: ModuleType, namespace: KvNamespace
) -> None:
    """Nobody knows whether it is outdated, and an unread stream would hold its connection."""
    namespace.failing["get"] = BROKEN
    with pytest.raises(StoreError):
        run(kv.KvReader(namespace).open_versioned("/articles/7", "/articles?versions"))
    assert [stream.cancelled for stream in namespace.opened] == [1]


def test_an_absent_row_whose_versions_cannot_be_read_is_a_store_error(
    kv: ModuleType, namespace: KvNamespace
) -> None:
    """There is no stream to cancel."""
    namespace.failing["get"] = BROKEN
    with pytest.raises(StoreError):
        run(kv.KvReader(namespace).open_versioned("/articles/8", "/articles?versions"))


def test_bytes_that_do_not_arrive_are_a_store_error(kv: ModuleType, namespace: KvNamespace) -> None:
    """A stream can break after it was opened."""
    namespace.values["/articles"] = (JsException("Error", "lost"), None)
    value = run(kv.KvReader(namespace).open("/articles"))
    with pytest.raises(StoreError, match="refused to read: lost"):
        run(value.read())


def test_a_put_has_bytes_and_metadata(kv: ModuleType, namespace: KvNamespace) -> None:
    """The value is the JSON text alone.

    The metadata is an object, so that another Worker can read it.
    """
    run(kv.KvWriter(namespace).put("/articles", b'["\xc3\xa4"]', json.dumps(METADATA)))
    assert namespace.calls == [
        ("put", "/articles", TypedArray(b'["\xc3\xa4"]'), {"metadata": METADATA})
    ]


def test_a_put_may_go_by_itself(kv: ModuleType, namespace: KvNamespace) -> None:
    """KV deletes it after the given number of seconds."""
    run(kv.KvWriter(namespace).put("/rest/v1/x", b"[]", json.dumps(METADATA), 60))
    assert namespace.calls == [
        ("put", "/rest/v1/x", TypedArray(b"[]"), {"metadata": METADATA, "expirationTtl": 60})
    ]


def test_versions_are_put_as_a_text(kv: ModuleType, namespace: KvNamespace) -> None:
    """They have no metadata."""
    run(kv.KvWriter(namespace).put_versions("/articles?versions", "12 13;#=1;"))
    assert namespace.calls == [("put", "/articles?versions", "12 13;#=1;", None)]


def test_a_key_is_deleted(kv: ModuleType, namespace: KvNamespace) -> None:
    run(kv.KvWriter(namespace).delete("/articles/7"))
    assert namespace.calls == [("delete", "/articles/7")]


@pytest.mark.parametrize(
    ("method", "what", "work"),
    [
        ("put", "write", lambda writer: writer.put("/articles", b"[]", "{}")),
        ("put", "write", lambda writer: writer.put_versions("/articles?versions", "1 1;")),
        ("delete", "delete", lambda writer: writer.delete("/articles/7")),
        ("list", "list", lambda writer: writer.entries("/articles")),
    ],
)
def test_a_write_that_fails_is_a_store_error(
    kv: ModuleType,
    namespace: KvNamespace,
    method: str,
    what: str,
    work: Callable[[Any], Awaitable[object]],
) -> None:
    """The caller waits for the write, so that it gets the error with KV's own message."""
    namespace.failing[method] = JsException("Error", "429 Too Many Requests")
    with pytest.raises(StoreError) as caught:
        run(work(kv.KvWriter(namespace)))
    assert caught.value.detail == f"Workers KV refused to {what}: 429 Too Many Requests"


def test_every_page_of_keys_is_listed(kv: ModuleType, namespace: KvNamespace) -> None:
    """They stay in order, because each page begins where the last one ended."""
    namespace.page = 2
    namespace.values["/other"] = (b"[]", None)
    entries = run(kv.KvWriter(namespace).entries("/articles"))
    assert list(entries) == ["/articles", "/articles/7", "/articles?versions"]
    assert json.loads(entries["/articles"]) == METADATA
    assert entries["/articles/7"] is None
    assert namespace.calls == [
        ("list", {"prefix": "/articles"}),
        ("list", {"prefix": "/articles", "cursor": "2"}),
    ]


def test_no_more_keys_are_listed_than_wanted(kv: ModuleType, namespace: KvNamespace) -> None:
    """Only one page is read, even if there are more."""
    entries = run(kv.KvWriter(namespace).entries("/articles", at_most=1))
    assert list(entries) == ["/articles"]
    assert namespace.calls == [("list", {"prefix": "/articles", "limit": 1})]


def test_no_keys_are_an_empty_list(kv: ModuleType) -> None:
    """It is no error that there are none."""
    assert run(kv.KvWriter(KvNamespace()).entries("/articles")) == {}
