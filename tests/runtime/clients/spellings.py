"""How requests may be written, and who may send them: the words from which tests build requests."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clients.players import Caller
from hypothesis import strategies as st

TARGETS = (
    *("books", "reviews", "writers", "readings", "shelves", "recent_books", "loans", "lost"),
    *("nowhere", "rpc/search_books", "rpc/count_books", "books/", "b%6Foks"),
)

FEW = ("select=*", "select=%2A", "%73elect=*", "select=id", "id=eq.1", "order=id.desc", "limit=1")
"""Reads that work with any table here."""

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
    *("select=id;title", "id=eq.1;id=eq.2", "id=eq.1;", "title=neq.a;b", "title=neq.a%3Bb"),
    *("", "&", "=", "id", "apikey=sb_secret_local_only", "%61pikey=sb_publishable_local_only"),
)

UNSAFE = re.compile(
    r";|%(?![0-9a-f]{2})|%ff|%c3(?!%)|apikey|%61pikey|b%6foks|books/", re.IGNORECASE
)
"""Nobody can be sure what these mean, or they say who asks. Such a request is passed on."""

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


def _repeated(first: Headers, second: Headers) -> Headers:
    """Return headers twice.

    The local runtime leaves out an empty value of a repeated header. Of two media types, PostgREST
    takes the first, but Supabase Lite takes its own wherever it stands.
    """
    again = (header for header in second if "vnd.pgrst" not in header[1])
    return tuple((name, value) for name, value in (*first, *again) if value)


REPEATED = st.builds(_repeated, HEADERS, HEADERS)
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


def credentials(who: str, users: dict[str, Caller]) -> Headers:
    """Return the headers that say who a caller is."""
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
