"""Reading the changes that the database's outbox announced."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from edge_cache.config import Settings
from edge_cache.entries import digest_of
from edge_cache.errors import (
    InvalidAnswer,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from edge_cache.ports import Announced
from edge_cache.resources import Change
from edge_cache.supabase.rest import Supabase
from edge_cache.tables import Declared, Table

ARTICLES = Table("articles")
EVENTS = Table("events", key="slug", schema="agenda")
NOTHING = {"cursor": "c1", "complete": True, "changes": [], "watched": [["public", "articles"]]}

SECRET = "new"
DECLARED = digest_of(b'[["public", "articles", "id"], ["agenda", "events", "slug"]]', 8)

Remote = Callable[[httpx.Request], httpx.Response]


def announced(remote: Remote, after: str | None = "c0", **more: Any) -> Announced | None:
    """Ask a remote once."""
    return asyncio.run(supabase_of(remote, **more).outbox.announced(after))


def supabase_of(
    remote: Remote,
    *,
    secret: str | None = SECRET,
    previous: str | None = None,
    timeout_s: float = 1,
    tables: tuple[Table, ...] = (ARTICLES, EVENTS),
) -> Supabase:
    """Return an object that asks a remote."""
    settings = Settings(
        "https://abc.supabase.co",
        "sb_publishable_x",
        timeout_s,
        revalidate_secret=secret,
        previous_secret=previous,
        declared=Declared(tables),
    )
    return Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0)


def tells(**members: object) -> Remote:
    """Return a remote that announces nothing; some members may differ."""
    return lambda _request: httpx.Response(200, json={**NOTHING, **members})


def fails(status: int, code: str) -> Remote:
    """Return a remote that answers with PostgREST's error."""
    return lambda _request: httpx.Response(status, json={"code": code, "message": "private"})


def test_the_secret_is_in_the_body_alone() -> None:
    """Somebody may log a URL."""
    asked: list[httpx.Request] = []

    def remote(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=NOTHING)

    told = announced(remote, None)
    assert told == Announced(f"{DECLARED} c1", complete=True, changes=(), unwatched=(EVENTS,))
    (request,) = asked
    assert (request.method, str(request.url)) == (
        "POST",
        "https://abc.supabase.co/rest/v1/rpc/edge_cache_changes",
    )
    assert json.loads(request.content) == {"secret": "new", "after": None}
    assert request.headers["apikey"] == "sb_publishable_x"
    assert request.headers["content-type"] == "application/json"
    assert "new" not in str(request.headers)


def test_changes_are_read_as_notifications_are() -> None:
    """Changes of tables that are not declared count too. A number may be missing."""
    remote = tells(
        complete=False,
        changes=[
            {"id": 7, "schema": "public", "table": "articles", "keys": [1, "a"]},
            {"id": None, "schema": "agenda", "table": "events", "keys": None},
            {"id": 9, "schema": "public", "table": "events", "keys": [1]},
        ],
        watched=[["agenda", "events"], ["public", "events"], ["public", "articles"]],
    )
    assert announced(remote) == Announced(
        f"{DECLARED} c1",
        complete=False,
        changes=(
            Change(ARTICLES, row_ids=("1", "a"), number=7),
            Change(EVENTS, row_ids=None),
            Change(None, number=9),
        ),
        unwatched=(),
    )


def test_a_cursor_is_of_the_tables_that_were_declared() -> None:
    """Nobody read a table's changes while it was not declared, so an old cursor is not sent."""
    asked: list[str | None] = []

    def remote(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["after"])
        return httpx.Response(200, json={**NOTHING, "cursor": "a b 1:2:"})

    told = announced(remote)
    assert told is not None
    announced(remote, told.cursor)
    for tables in (
        (ARTICLES,),
        (ARTICLES, Table("events", key="id", schema="agenda")),
        (ARTICLES, Table("events", key="slug")),
        (ARTICLES, EVENTS, Table("notes")),
        (Table("articles", own_name="posts"), EVENTS),
    ):
        announced(remote, told.cursor, tables=tables)
    assert asked == [None, "a b 1:2:", None, None, None, None, None]


def test_the_outbox_names_tables_as_postgres_does() -> None:
    """It does so in changes, and in the list of the tables that it watches."""
    posts = Table("posts", own_name="Blog Posts")
    change = {"id": 7, "schema": "public", "table": "Blog Posts", "keys": [1]}
    told = announced(
        tells(changes=[change], watched=[["public", "Blog Posts"]]), tables=(posts, Table("Blog"))
    )
    assert told is not None
    assert told.changes == (Change(posts, row_ids=("1",), number=7),)
    assert told.unwatched == (Table("Blog"),)


@pytest.mark.parametrize(("secret", "is_open"), [(None, False), ("", False), (SECRET, True)])
def test_it_is_open_to_who_has_the_secret(secret: str | None, is_open: bool) -> None:
    """A Worker without a secret does not ask, for example on a developer's machine."""
    assert supabase_of(tells(), secret=secret).outbox.is_open is is_open


@pytest.mark.parametrize(
    ("status", "code"), [(404, "PGRST202"), (404, "42883"), (401, "42501"), (403, "42501")]
)
def test_a_function_that_is_not_there_is_no_failure(status: int, code: str) -> None:
    """It means that the script was not run."""
    assert announced(fails(status, code)) is None


@pytest.mark.parametrize("right", ["new", "old"])
def test_while_the_secret_is_replaced_the_database_may_have_either(right: str) -> None:
    """The new one is tried first."""
    tried: list[str] = []

    def remote(request: httpx.Request) -> httpx.Response:
        tried.append(json.loads(request.content)["secret"])
        if tried[-1] == right:
            return httpx.Response(200, json=NOTHING)
        return httpx.Response(403, json={"code": "28P01"})

    assert announced(remote, previous="old") is not None
    assert tried == ["new", "old"][: 1 + (right == "old")]


@pytest.mark.parametrize(
    ("code", "says"),
    [("28P01", "refused the secret: REVALIDATE_SECRET should be"), ("28000", "found no secret")],
)
def test_a_refusal_says_what_to_do(code: str, says: str) -> None:
    """It does not repeat what the database said."""
    with pytest.raises(UpstreamRejected, match=says) as caught:
        announced(fails(403, code), previous="old")
    assert "private" not in caught.value.detail
    assert (caught.value.supabase_status, caught.value.code) == (403, code)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(503, "PGRST001", UpstreamUnavailable), (401, "PGRST301", UpstreamRejected)],
)
def test_other_failures_are_what_they_are_for_any_read(
    status: int, code: str, error: type[UpstreamError]
) -> None:
    """Supabase may be down, for example."""
    with pytest.raises(error) as caught:
        announced(fails(status, code))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "members",
    [
        {"cursor": None},
        {"cursor": 5},
        {"complete": None},
        {"complete": "true"},
        {"changes": None},
        {"changes": ["x"]},
        {"changes": [{"id": 1, "schema": "public", "table": "articles", "keys": [True]}]},
        {"changes": [{"id": "1", "schema": "public", "table": "articles", "keys": None}]},
        {"watched": None},
    ],
)
def test_an_answer_of_another_version_is_none(members: dict[str, Any]) -> None:
    """The error says what to do."""
    with pytest.raises(InvalidAnswer, match="of another version: run the script of `npm run sql`"):
        announced(tells(**members))


def test_an_answer_that_is_no_object_is_none() -> None:
    """Another function of this name may give such an answer."""
    with pytest.raises(InvalidAnswer, match="not an object"):
        announced(lambda _request: httpx.Response(200, json=[]))


def test_the_asking_takes_no_longer_than_any_read() -> None:
    """SUPABASE_TIMEOUT_SECONDS limits it."""

    async def remote(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        return httpx.Response(200, json=NOTHING)

    with pytest.raises(UpstreamTimeout):
        announced(remote, timeout_s=0.01)  # type: ignore[arg-type]
