"""The functions of the script: what the outbox announced, and the catalogue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from edge_cache.changes import Change
from edge_cache.config import Settings
from edge_cache.entries import digest_of
from edge_cache.errors import (
    InvalidAnswer,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from edge_cache.ports import Announced, Found
from edge_cache.supabase.rest import Supabase
from edge_cache.supabase.script import Script
from edge_cache.tables import Declared, Table

ARTICLES = Table("articles")
EVENTS = Table("events", key="slug", schema="agenda")
NOTHING = {"cursor": "c1", "complete": True, "changes": [], "watched": [["public", "articles"]]}

SECRET = "new"
DECLARED = digest_of(b'[["public", "articles", "id"], ["agenda", "events", "slug"]]', 8)

Remote = Callable[[httpx.Request], httpx.Response]


def announced(remote: Remote, after: str | None = "c0", **more: Any) -> Announced | None:
    """Ask a remote once for changes."""
    return asyncio.run(script_of(remote, **more).announced(after))


def catalogue(remote: Remote, known: str = "", **more: Any) -> Found | None:
    """Ask a remote once for the catalogue."""
    return asyncio.run(script_of(remote, **more).catalogue(known))


def script_of(
    remote: Remote,
    *,
    secret: str | None = SECRET,
    previous: str | None = None,
    timeout_s: float = 1,
    tables: tuple[Table, ...] = (ARTICLES, EVENTS),
) -> Script:
    """Return an object that asks a remote."""
    settings = Settings(
        "https://abc.supabase.co",
        "sb_publishable_x",
        timeout_s,
        revalidate_secret=secret,
        previous_secret=previous,
        declared=Declared(tables),
    )
    return Supabase(httpx.MockTransport(remote), settings, now_ms=lambda: 0).database


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
    assert told == Announced(
        f"{DECLARED} c1",
        complete=True,
        changes=(),
        concerns_catalogue=False,
        watched=frozenset({"public.articles"}),
    )
    (request,) = asked
    assert (request.method, str(request.url)) == (
        "POST",
        "https://abc.supabase.co/rest/v1/rpc/edge_cache_changes",
    )
    assert json.loads(request.content) == {"secret": "new", "after": None}
    assert request.headers["apikey"] == "sb_publishable_x"
    assert request.headers["content-type"] == "application/json"
    assert "new" not in str(request.headers)


def test_each_change_has_its_relation_and_its_keys() -> None:
    """Changes of tables that are not declared count too, because a view may read these tables."""
    remote = tells(
        complete=False,
        changes=[
            {"schema": "public", "table": "articles", "key": "id", "keys": [1, "a"]},
            {"schema": "agenda", "table": "events", "key": "slug", "keys": None},
            {"schema": "public", "table": "events", "key": "id", "keys": [1]},
        ],
        watched=[["agenda", "events"], ["public", "events"], ["public", "articles"]],
    )
    assert announced(remote) == Announced(
        f"{DECLARED} c1",
        complete=False,
        changes=(
            Change("public.articles", ("1", "a")),
            Change("agenda.events"),
            Change("public.events"),
        ),
        concerns_catalogue=False,
        watched=frozenset({"agenda.events", "public.events", "public.articles"}),
    )


def test_a_change_of_the_catalogue_is_one_of_no_table() -> None:
    """The schema, a policy or a grant changed."""
    told = announced(tells(changes=[{"schema": "edge_cache", "table": "catalogue", "keys": None}]))
    assert told is not None
    assert (told.changes, told.concerns_catalogue) == ((), True)


@pytest.mark.parametrize("change", [{"table": "a"}, {"schema": None, "table": None}, {}, "x", None])
def test_a_change_that_is_not_understood_is_an_error(change: object) -> None:
    """It could be any change, so it must not be passed over."""
    with pytest.raises(InvalidAnswer):
        announced(tells(changes=[change]))


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
    change = {"schema": "public", "table": "Blog Posts", "keys": [1]}
    told = announced(
        tells(changes=[change], watched=[["public", "Blog Posts"]]), tables=(posts, Table("Blog"))
    )
    assert told is not None
    assert told.changes == (Change("public.Blog%20Posts", ("1",)),)
    assert told.watched == {"public.Blog%20Posts"}


@pytest.mark.parametrize(("secret", "is_open"), [(None, False), ("", False), (SECRET, True)])
def test_it_is_open_to_who_has_the_secret(secret: str | None, is_open: bool) -> None:
    """A Worker without a secret does not ask, for example on a developer's machine."""
    assert script_of(tells(), secret=secret).is_open is is_open


@pytest.mark.parametrize(
    ("status", "code"), [(404, "PGRST202"), (404, "42883"), (401, "42501"), (403, "42501")]
)
def test_a_function_that_is_not_there_is_no_failure(status: int, code: str) -> None:
    """It means that the script was not run."""
    assert announced(fails(status, code)) is None
    assert catalogue(fails(status, code)) is None


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
        {"changes": {}},
        {"changes": [{"schema": "public", "table": "articles", "keys": [True]}]},
        {"changes": [{"schema": "public", "table": 5, "keys": None}]},
        {"changes": [{"table": "articles", "keys": None}]},
        {"watched": None},
        {"watched": ["articles"]},
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
    with pytest.raises(InvalidAnswer, match="not an object"):
        catalogue(lambda _request: httpx.Response(200, json=[]))


@pytest.mark.parametrize("ask", [announced, catalogue])
def test_the_asking_takes_no_longer_than_any_read(ask: Callable[..., object]) -> None:
    """SUPABASE_TIMEOUT_SECONDS limits it."""

    async def remote(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        return httpx.Response(200, json=NOTHING)

    with pytest.raises(UpstreamTimeout):
        ask(remote, timeout_s=0.01)


def test_the_catalogue_is_the_text_that_the_database_sent() -> None:
    """The secret is in the body, beside the fingerprint that is known."""
    asked: list[httpx.Request] = []
    text = '{"fingerprint": "f1",  "relations": []}'

    def remote(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, text=text, headers={"content-type": "application/json"})

    assert catalogue(remote) == catalogue(remote, "f0") == Found("f1", text)
    assert [json.loads(request.content) for request in asked] == [
        {"secret": "new", "known": None},
        {"secret": "new", "known": "f0"},
    ]
    assert str(asked[0].url) == "https://abc.supabase.co/rest/v1/rpc/edge_cache_catalogue"


def test_a_catalogue_that_is_known_has_no_text() -> None:
    remote = lambda _request: httpx.Response(200, json={"fingerprint": "f1"})  # noqa: E731
    assert catalogue(remote, "f1") == Found("f1", None)


@pytest.mark.parametrize("told", [{}, {"fingerprint": None}, {"fingerprint": 5}])
def test_a_catalogue_without_a_fingerprint_is_of_another_version(told: object) -> None:
    with pytest.raises(InvalidAnswer, match="run the script of `npm run sql`"):
        catalogue(lambda _request: httpx.Response(200, json=told))


def test_the_catalogue_too_is_asked_with_the_previous_secret() -> None:
    tried: list[str] = []

    def remote(request: httpx.Request) -> httpx.Response:
        tried.append(json.loads(request.content)["secret"])
        if tried[-1] == "old":
            return httpx.Response(200, json={"fingerprint": "f1"})
        return httpx.Response(403, json={"code": "28P01"})

    assert catalogue(remote, previous="old") is not None
    assert tried == ["new", "old"]


def test_a_refusal_names_the_function() -> None:
    with pytest.raises(UpstreamRejected, match="edge_cache_catalogue refused the secret"):
        catalogue(fails(403, "28P01"))
