"""Which requests of Supabase's own clients the cache may answer."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping

import pytest

from edge_cache.config import Settings
from edge_cache.messages import Request
from edge_cache.queries import Query
from edge_cache.reasons import PassedOn, Reason
from edge_cache.resources import Resource
from edge_cache.tables import Declared, Queried, Table
from edge_cache.urls import cut
from edge_cache.worker.public import Asked, Public
from edge_cache.worker.sessions import Sessions

KEY = "sb_publishable_x"
ARTICLES = Table("articles")
SHOP = Table("products", schema="shop")
LATEST = Queried.of("latest", "public")
TOP = Queried.of("rpc/top", "public")
AUTHORS = Queried.of("authors", "crm", is_table=True)
DECLARED = Declared(
    (ARTICLES, SHOP),
    frozenset({("latest", "public"), ("rpc/top", "public")}),
    (("authors", "crm"),),
)
EDGE = "https://cache.example.com"


@pytest.fixture
def decides() -> Public:
    """Return an object that decides this."""
    return Public(Settings("https://abc.supabase.co", KEY, declared=DECLARED), Sessions(lambda: 0))


def asked(
    decides: Public,
    path: str,
    headers: Mapping[str, str | None] | None = None,
    method: str = "GET",
) -> Resource | PassedOn:
    """Return the decision for a request with the public key and with other headers."""

    async def body(_limit: int) -> bytes | None:
        raise AssertionError

    all_headers = {"apikey": KEY, **(headers or {})}
    found = decides.asked_by(Request(method, cut(EDGE + path), all_headers.get, body, lambda: body))
    return found.resource if isinstance(found, Asked) else found


@pytest.mark.parametrize(
    ("path", "headers", "resource"),
    [
        ("/rest/v1/articles", {}, Resource(ARTICLES, query=Query("articles"))),
        (
            "/rest/v1/articles?order=id&limit=1#top",
            {},
            Resource(ARTICLES, query=Query("articles", "limit=1&order=id")),
        ),
        (
            "/rest/v1/articles?select=id,author(name)",
            {},
            Resource(ARTICLES, query=Query("articles", "select=id,author(name)")),
        ),
        (
            "/rest/v1/products?select=id",
            {"accept-profile": "shop"},
            Resource(SHOP, query=Query("products", "select=id", "shop")),
        ),
        ("/rest/v1/latest", {}, Resource(LATEST, query=Query("latest"))),
        (
            "/rest/v1/rpc/top?n=http://x/?y",
            {"accept": "application/json"},
            Resource(TOP, query=Query("rpc/top", "n=http:%2F%2Fx%2F%3Fy")),
        ),
        (
            "/rest/v1/authors",
            {"accept-profile": "crm"},
            Resource(AUTHORS, query=Query("authors", profile="crm")),
        ),
        (
            "/rest/v1/articles",
            {"prefer": "count=exact", "accept": "text/csv"},
            Resource(ARTICLES, query=Query("articles", accept="csv", count="exact")),
        ),
    ],
)
def test_a_read_of_what_is_declared_is_answered(
    decides: Public, path: str, headers: dict[str, str], resource: Resource
) -> None:
    """Any way of writing it is answered; the second time, the decision is remembered."""
    for _ in range(2):
        assert asked(decides, path, headers) == resource


def test_a_head_that_counts_is_a_read_of_its_own(decides: Public) -> None:
    """The GET that came before it is another read."""
    headers = {"prefer": "count=exact"}
    get = Resource(ARTICLES, query=Query("articles", count="exact"))
    head = Resource(ARTICLES, query=Query("articles", count="exact", head=True))
    assert asked(decides, "/rest/v1/articles", headers) == get
    assert asked(decides, "/rest/v1/articles", headers, "HEAD") == head


@pytest.mark.parametrize("authorization", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER {KEY}", None])
def test_the_public_key_may_be_the_bearer_token_too(
    decides: Public, authorization: str | None
) -> None:
    """supabase-js sends it so if nobody is signed in."""
    answered = asked(decides, "/rest/v1/articles", {"authorization": authorization})
    assert isinstance(answered, Resource)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"apikey": None}, "key"),
        ({"apikey": ""}, "key"),
        ({"apikey": "sb_publishable_y"}, "key"),
        ({"apikey": None, "authorization": f"Bearer {KEY}"}, "key"),
        ({"authorization": "Bearer eyJ.a.b"}, "session"),
        ({"authorization": ""}, "session"),
        ({"authorization": KEY}, "session"),
        ({"authorization": f"Basic {KEY}"}, "session"),
        ({"authorization": f"Bearer  {KEY}"}, "session"),
        ({"range": "0-9"}, "range"),
        ({"range": ""}, "range"),
        ({"accept": "text/html"}, "accept"),
        ({"prefer": "handling=strict"}, "prefer"),
        ({"accept-profile": "shop"}, "undeclared"),
        ({"accept-profile": "größe"}, "undeclared"),
    ],
)
def test_what_is_not_the_same_for_everybody_is_passed_on(
    decides: Public, headers: dict[str, str | None], why: str
) -> None:
    """It is passed on even if the same words with the public key were just answered."""
    asked(decides, "/rest/v1/articles")
    for _ in range(2):
        assert asked(decides, "/rest/v1/articles", headers) == PassedOn(Reason(why))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/rest/v1/secrets", "undeclared"),
        ("/rest/v1/", "undeclared"),
        ("/rest/v1", "undeclared"),
        ("/rest/v1/articles/", "undeclared"),
        ("/rest/v1/Articles", "undeclared"),
        ("/rest/v1/%61rticles", "undeclared"),
        ("/rest/v1/rpc/other", "undeclared"),
        ("/rest/v1/products", "undeclared"),
        ("/rest/v1/authors", "undeclared"),
        ("/articles", "undeclared"),
        ("/rest/v2/articles", "undeclared"),
        ("", "undeclared"),
        ("/rest/v1/articles?a;b", "query"),
        ("/rest/v1/articles?apikey=x", "query"),
    ],
)
def test_what_is_not_declared_or_not_safe_is_passed_on(
    decides: Public, path: str, why: str
) -> None:
    """Supabase itself says what it is."""
    assert asked(decides, path) == PassedOn(Reason(why))


def test_a_schema_that_is_declared_may_be_named(decides: Public) -> None:
    """`public` may be named, too."""
    named = asked(decides, "/rest/v1/articles", {"accept-profile": "public"})
    assert named == Resource(ARTICLES, query=Query("articles", profile="public"))


def test_what_was_decided_is_remembered(decides: Public) -> None:
    """Parsing takes longer than the rest of a hit.

    A thousand decisions are kept, all of them short.
    """

    def decided(raw: str, **headers: str) -> Resource | PassedOn:
        return asked(decides, f"/rest/v1/articles?{raw}", headers)

    room = 2000 - len("/rest/v1/articles?a=")
    first, refused, longest = decided("a=1"), decided("a;"), decided("a=" + "x" * room)
    for long, headers in (("x" * (room + 1), {}), ("x" * room, {"prefer": ","})):
        assert decided("a=" + long, **headers) is not decided("a=" + long, **headers)
    for number in range(997):
        decided(f"b={number}")
    assert decided("a=1") is first
    assert decided("c=1") is decided("c=1")
    assert decided("a;") is refused
    assert decided("a=" + "x" * room) is longest
    assert decided("a=1") is not first


@pytest.mark.parametrize(
    ("name", "value", "filler"), [("prefer", "count=exact", ","), ("accept", "text/csv", " ")]
)
def test_a_long_header_is_passed_on_and_not_remembered(
    decides: Public, name: str, value: str, filler: str
) -> None:
    """An isolate has 128 MB for everything."""

    def decided(chars: int) -> Resource | PassedOn:
        return asked(decides, "/rest/v1/articles", {name: value.ljust(chars, filler)})

    tracemalloc.start()
    try:
        for number in range(300):
            decided(100_000 + number)
        remembered, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert remembered < 1_000_000
    assert isinstance(decided(1000), Resource)
    assert decided(1001) == PassedOn(Reason(name))
