"""Whoever asks gets what Supabase would say to him, and never what it said to somebody else.

Random requests, spelled in every way, by all sorts of callers, are sent through the same Worker
again and again, so that what one has filled another may hit; each answer must be Supabase's own to
the same request. The rows stay as they are meanwhile. Each run plays other requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx
import pytest
from clients.players import Caller
from edge import Edge, EdgeOf
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from local import stack

ROUNDS = 3
COMPARED = ("content-type", "content-range")

TARGETS = (
    *("books", "reviews", "writers", "readings", "shelves", "recent_books", "loans", "lost"),
    *("nowhere", "rpc/search_books", "rpc/count_books", "books/", "b%6Foks"),
)

FEW = ("select=*", "select=%2A", "%73elect=*", "select=id", "id=eq.1", "order=id.desc", "limit=1")
"""What may be asked for of any table here."""

PLAIN = (
    *(
        *FEW,
        "id=in.(1,2)",
        "id=in.%281%2C2%29",
        "id=eq.2",
        "id=eq.0",
        "id=gt.1&id=lt.3",
        "offset=1",
    ),
    *("select=id,stars", "select=id%2Cstars", "select=id,books(title)", "or=(id.eq.1,id.eq.200)"),
    *("order=id", "limit=2", "owner=not.is.null", "published=is.false", "id=gte.200"),
)
"""What may be asked for of reviews; 200 and 201 belong to users."""

CALLS = (
    *("query=engine", "query=engine+owl", "query=engine%20owl", "query=%C3%BCber", "most=1"),
    *("in_languages={de,en}", "in_languages=%7Bde%7D", "in_languages=x", "query=a&query=engine"),
    *("select=id", "limit=1", "id=gt.1"),
)
"""What the functions may be called with."""

ODD = (
    *("select=id&select=title", "select=", "select", "Id=eq.1", "id=eq.one", "limit=x"),
    *("order=id.asc&order=id.desc", "offset=1000", "limit=1&limit=2", "books.limit=1"),
    *("title=ilike.*engine*", "title=ilike.%2Aengine%2A", "title=like.%25engine"),
    *("title=eq.Notes+on+the+engine", "title=eq.Notes%20on%20the%20engine"),
    *("title=eq.Notes%2Bon%2Bthe%2Bengine", "subtitle=eq.a.b:c,d", "subtitle=eq.a.b%3Ac%2Cd"),
    *("title=eq.%FF", "title=eq.%", "title=eq.%2", "title=eq.%zz", "title=eq.%C3", "%=1"),
    *("select=id;title", "id=eq.1;id=eq.2", "id=eq.1;", "title=eq.a%3Bb", "order=id;limit=1"),
    *("", "&", "=", "id", "apikey=sb_secret_local_only", "%61pikey=sb_publishable_local_only"),
)

UNSAFE = re.compile(
    r";|%(?![0-9a-f]{2})|%ff|%c3(?!%)|apikey|%61pikey|b%6foks|books/", re.IGNORECASE
)
"""Spellings of which nobody can be sure, or which tell who asks: such a request is passed on."""

ACCEPTS = (
    *("*/*", "application/json", "APPLICATION/JSON", "application/json; charset=utf-8"),
    *("application/vnd.pgrst.object+json", "application/vnd.pgrst.object", "text/csv", ""),
    *(
        "text/csv, */*",
        "text/csv;q=0.5, application/json",
        "application/octet-stream",
        "text/plain",
    ),
    *("application/vnd.pgrst.array+json;nulls=stripped", "image/png", "nonsense"),
    *("application/vnd.pgrst.object+json;nulls=stripped", "application/vnd.pgrst.plan+json"),
)

PREFERS = (
    *("count=exact", "count=planned", "count=estimated", "count=nonsense", "COUNT=exact", ""),
    *("count=exact, return=minimal", "return=representation", "count=exact,count=planned"),
    *("handling=strict", "handling=strict, nonsense=1", "timezone=Europe/Vienna", "tx=rollback"),
    *("max-affected=1", "params=single-object"),
)

PROFILES = ("public", "agenda", "agenda", "nowhere", "", "public, agenda")

PUBLIC = ("anonymous", "the key alone", "a small bearer")
PRIVATE = (
    "anna",
    "bert",
    "secret",
    "secret bearer",
    "no key",
    "wrong key",
    "wrong token",
    "no scheme",
)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Asked:
    """A request as it is sent."""

    method: str
    target: str
    headers: Headers


def _headers(accept: str | None, prefer: str | None, profile: str | None) -> Headers:
    named = (("accept", accept), ("prefer", prefer), ("accept-profile", profile))
    return tuple((name, value) for name, value in named if value is not None)


def _target(name: str, parameters: list[str]) -> str:
    return f"/rest/v1/{name}" + ("?" + "&".join(parameters) if parameters else "")


def _targets(names: Sequence[str], parameters: Sequence[str]) -> st.SearchStrategy[str]:
    some = st.lists(st.sampled_from(parameters), max_size=3)
    return st.builds(_target, st.sampled_from(names), some)


HEADERS = st.builds(
    _headers, *(st.one_of(st.none(), st.sampled_from(v)) for v in (ACCEPTS, PREFERS, PROFILES))
)
REPEATED = st.builds(lambda first, second: (*first, *second), HEADERS, HEADERS)
TARGET = st.one_of(
    _targets(["reviews"], PLAIN),
    _targets(["reviews", "readings"], FEW),
    _targets(["rpc/search_books", "rpc/count_books"], CALLS),
    _targets(["books"], ODD),
    _targets(TARGETS, PLAIN + CALLS + ODD),
)
FORMS = st.lists(
    st.tuples(
        st.sampled_from(["GET", "GET", "HEAD"]), st.one_of(st.just(()), HEADERS, HEADERS, REPEATED)
    ),
    min_size=1,
    max_size=3,
)
WHO = st.lists(st.one_of(*map(st.sampled_from, (PUBLIC, PRIVATE))), min_size=1, max_size=4)


def credentials(who: str, users: dict[str, Caller]) -> Headers:
    """Return the headers with which a caller says who he is."""
    key, secret = users["anonymous"].key, users["secret"].key
    tokens = {name: f"Bearer {users[name].token}" for name in ("anna", "bert")}
    known: dict[str, dict[str, str]] = {
        "anonymous": {"apikey": key, "authorization": f"Bearer {key}"},
        "the key alone": {"apikey": key},
        "a small bearer": {"apikey": key, "authorization": f"bearer {key}"},
        "anna": {"apikey": key, "authorization": tokens["anna"]},
        "bert": {"apikey": key, "authorization": tokens["bert"]},
        "secret": {"apikey": secret, "authorization": f"Bearer {secret}"},
        "secret bearer": {"apikey": key, "authorization": f"Bearer {secret}"},
        "no key": {},
        "wrong key": {"apikey": f"{key}x", "authorization": f"Bearer {key}"},
        "wrong token": {"apikey": key, "authorization": f"{tokens['anna']}x"},
        "no scheme": {"apikey": key, "authorization": key},
    }
    return tuple(known[who].items())


def answer(http: httpx.Client, asked: Asked) -> tuple[object, ...]:
    """Send a request as it is spelled, and return what of the answer must be the same."""
    raw = {"target": asked.target.encode()}  # httpx would mend broken escapes
    request = http.build_request(asked.method, "/", headers=asked.headers, extensions=raw)
    if "accept" not in dict(asked.headers):
        del request.headers["accept"]
    said = http.send(request)
    return (said.status_code, said.content, *(said.headers.get(name) for name in COMPARED))


class Stage:
    """The Worker that all examples share, Supabase beside it, and who may ask."""

    def __init__(self, edge: Edge, directly: httpx.Client, users: dict[str, Caller]) -> None:
        self.edge = edge
        self.directly = directly
        self.users = users

    def asked(self, method: str, target: str, headers: Headers, who: str) -> Asked:
        """Return the request of a caller."""
        # Supabase Lite refuses HEAD for a function.
        method = "GET" if "/rpc/" in target else method
        return Asked(method, target, (*headers, *credentials(who, self.users)))

    def require_same(self, asked: Asked, wanted: object, *, passed: bool) -> None:
        """Fail if the Worker does not say the same, or does not pass on what it should."""
        before = self.edge.asked
        assert (asked, answer(self.edge.http, asked)) == (asked, wanted)
        if passed:  # an entry may be renewed in the background meanwhile
            assert self.edge.asked > before, asked


@pytest.fixture
def stage(
    edge_of: EdgeOf,
    library_worker: stack.Worker,
    supabase: stack.Supabase,
    users: dict[str, Caller],
) -> Iterator[Stage]:
    """Return both, with a hidden row of each user."""
    edge = edge_of(library_worker)
    hidden = {"book_id": 2, "stars": 3, "published": False}
    owners = enumerate((users["anna"].user, users["bert"].user), start=200)
    edge.db.insert(
        [{"id": row_id, **hidden, "owner": owner} for row_id, owner in owners], "reviews"
    )
    with httpx.Client(base_url=supabase.url, timeout=60) as directly:
        yield Stage(edge, directly, users)
    edge.db.http.delete("/reviews", params={"id": "gte.200"}).raise_for_status()


@settings(
    max_examples=80,
    deadline=None,
    database=None,
    print_blob=True,
    phases=[Phase.generate],  # shrinking would take the runtime minutes
    suppress_health_check=list(HealthCheck),
)
@given(target=TARGET, forms=FORMS, callers=WHO)
def test_everybody_gets_his_own_answer(
    stage: Stage, target: str, forms: list[tuple[str, Headers]], callers: list[str]
) -> None:
    """One query in several forms, by several callers in turn, several times."""
    cast = [(who, *form) for form in forms for who in callers]
    requests = [stage.asked(method, target, headers, who) for who, method, headers in cast]
    wanted = [answer(stage.directly, asked) for asked in requests]
    for _ in range(ROUNDS):
        for (who, *_), asked, want in zip(cast, requests, wanted, strict=True):
            passed = who in PRIVATE or UNSAFE.search(target) is not None
            stage.require_same(asked, want, passed=passed)
        stage.edge.kv.wait()
