"""What is sent to Supabase, and how often."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from edge_cache.errors import (
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from edge_cache.supabase import api
from edge_cache.supabase.api import FIRST_BACKOFF_MS, RETRIES, key_headers
from edge_cache.tables import Table

Read = Callable[..., bytes]


class Remote:
    """A remote that gives one answer after the other, and then repeats the last one."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        headers = {"content-range": "*/0"}
        return httpx.Response(answer, json=[] if answer == 200 else None, headers=headers)


def test_a_table_is_asked_for_with_the_key_and_an_exact_count(read: Read) -> None:
    """Nothing that is sent could give another reader another answer."""
    remote = Remote(200)
    read(remote)
    (request,) = remote.requests
    assert request.method == "GET"
    assert str(request.url) == "https://abc.supabase.co/rest/v1/articles?select=*&order=id.asc"
    assert request.headers["apikey"] == "sb_publishable_x"
    assert request.headers["prefer"] == "count=exact"
    assert not request.headers.keys() & {"authorization", "accept-profile", "cookie"}
    limits_s = request.extensions["timeout"]
    assert limits_s.keys() == {"connect", "read", "write", "pool"}
    (limit_s,) = set(limits_s.values())
    assert limit_s == pytest.approx(1, abs=0.1)


def test_names_with_reserved_characters_change_nothing_else(read: Read) -> None:
    """A table and a key column may have any name. A schema is sent in a header."""
    remote = Remote(200)
    table = Table("x", key="the.key", schema="private api", own_name="my table/&x=1")
    read(remote, table=table)
    (request,) = remote.requests
    path = b"/rest/v1/my%20table%2F%26x%3D1?select=*&order=%22the.key%22.asc"
    assert request.url.raw_path == path
    assert request.headers["accept-profile"] == "private api"


def test_a_row_is_asked_for_as_one_object(read: Read) -> None:
    """Because of this, PostgREST itself says if there is no row, or more than one."""
    remote = Remote(404)
    with pytest.raises(UpstreamRejected):
        read(remote, "7", table=Table("products", key="sku", schema="shop"))
    (request,) = remote.requests
    assert str(request.url) == "https://abc.supabase.co/rest/v1/products?select=*&sku=eq.7"
    assert request.headers["accept"] == "application/vnd.pgrst.object+json"
    assert request.headers["accept-profile"] == "shop"
    assert "prefer" not in request.headers


def test_publishable_keys_go_into_one_header_and_legacy_keys_into_two(read: Read) -> None:
    """A publishable key is no JWT, so it must not be a bearer token."""
    assert key_headers("sb_publishable_x") == {"apikey": "sb_publishable_x"}
    assert key_headers("eyJ.a.b") == {"apikey": "eyJ.a.b", "authorization": "Bearer eyJ.a.b"}
    remote = Remote(200)
    read(remote, key="eyJ.a.b")
    assert remote.requests[0].headers["authorization"] == "Bearer eyJ.a.b"


@pytest.mark.parametrize("failure", [408, 425, 429, 500, 503, 504, 522, httpx.ReadError("broken")])
def test_transient_failures_are_tried_again(read: Read, failure: int | Exception) -> None:
    """Two failures in a row cost the reader only time."""
    remote = Remote(*[failure] * RETRIES, 200)
    assert read(remote) == b"[]"
    assert len(remote.requests) == RETRIES + 1 == 3


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (408, UpstreamTimeout),
        (503, UpstreamUnavailable),
        (520, UpstreamUnreachable),
        (httpx.ConnectError("refused"), UpstreamUnreachable),
    ],
)
def test_the_last_failure_is_told(
    read: Read, failure: int | Exception, error: type[UpstreamError]
) -> None:
    """The read fails after the usual number of attempts."""
    remote = Remote(failure)
    with pytest.raises(error):
        read(remote)
    assert len(remote.requests) == RETRIES + 1


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 406, 409, 418, 499])
def test_a_refusal_is_not_tried_again(read: Read, status: int) -> None:
    """A wrong key stays wrong."""
    remote = Remote(status)
    with pytest.raises(UpstreamError):
        read(remote)
    assert len(remote.requests) == 1


def test_a_timeout_of_the_transport_is_the_time_limit(read: Read) -> None:
    """The transport has the same time limit, so no time is left for another attempt."""
    remote = Remote(httpx.ReadTimeout("late"))
    with pytest.raises(UpstreamTimeout) as caught:
        read(remote)
    assert caught.value.detail == (
        "Supabase sent no complete answer within 1 s (SUPABASE_TIMEOUT_SECONDS)."
    )
    assert len(remote.requests) == 1


def test_another_attempt_has_the_rest_of_the_time(read: Read) -> None:
    """Only the transport can end an attempt."""

    class Slow(Remote):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            limits_s.append(request.extensions["timeout"]["read"])
            time.sleep(0.02)
            return super().__call__(request)

    limits_s: list[float] = []
    read(Slow(503, 503, 200))
    first_s, second_s, third_s = limits_s
    assert first_s - second_s >= 0.02
    assert second_s - third_s >= 0.02


@pytest.mark.parametrize("row_id", [None, "7"])
def test_the_time_limit_bounds_retries_too(
    read: Read, monkeypatch: pytest.MonkeyPatch, row_id: str | None
) -> None:
    """A reader never waits longer than the setting says."""
    monkeypatch.setattr(api, "FIRST_BACKOFF_MS", 30_000)
    with pytest.raises(UpstreamTimeout, match=r"within 0\.05 s"):
        read(Remote(503), row_id, timeout_s=0.05)


def test_a_lost_connection_says_which(read: Read) -> None:
    """The transport's message is passed on: it is ours, not Supabase's."""
    with pytest.raises(UpstreamUnreachable) as caught:
        read(Remote(httpx.ConnectError("abc.supabase.co refused the connection.")))
    assert caught.value.detail == "abc.supabase.co refused the connection."
    assert (caught.value.supabase_status, caught.value.code) == (None, None)


def test_the_pauses_between_attempts_grow(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote in trouble gets time to recover."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(api, "FIRST_BACKOFF_MS", FIRST_BACKOFF_MS)
    monkeypatch.setattr("asyncio.sleep", sleep)
    monkeypatch.setattr("random.random", lambda: 1)
    read(Remote(503, 503, 200))
    assert pauses == [0.2, 0.4]
