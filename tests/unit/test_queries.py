"""A query's text, which names everything that its answer depends on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_cache.queries import ACCEPTED, ROOT, Query, query_at
from edge_cache.worker.canonical import canonical

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,63}", fullmatch=True)
QUERIES = st.builds(
    Query,
    NAMES | NAMES.map("rpc/{}".format),
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3).map(
        lambda pairs: canonical("&".join(f"{name.encode().hex()}=%25" for name, _ in pairs)) or ""
    ),
    st.just("") | st.from_regex(r"[A-Za-z0-9_$-]{1,63}", fullmatch=True),
    st.sampled_from(list(ACCEPTED)),
    st.sampled_from(["", "exact", "planned", "estimated"]),
    head=st.booleans(),
    arguments=st.just("") | st.text(min_size=1, max_size=9).map("{{{}}}".format),
)

PATHS = {
    "/rest/v1/articles": Query("articles"),
    "/rest/v1/rpc/top_10": Query("rpc/top_10"),
    "/rest/v1/articles?select=*": Query("articles", "select=*"),
    "/rest/v1/a?x=eq.http://b/c?d;e=f": Query("a", "x=eq.http://b/c?d;e=f"),
    "/rest/v1/rpc/f;call?%7B%7D": Query("rpc/f", arguments="{}"),
    "/rest/v1/rpc/f;count=exact;call?%7B%22a%26%22:1%7D&limit=3": Query(
        "rpc/f", "limit=3", count="exact", arguments='{"a&":1}'
    ),
    "/rest/v1/articles;head;count=exact": Query("articles", count="exact", head=True),
    "/rest/v1/a;profile=my$-x;accept=stripped-object;count=planned?b=c": Query(
        "a", "b=c", "my$-x", "stripped-object", "planned"
    ),
}


@pytest.mark.parametrize(("path", "query"), PATHS.items())
def test_a_query_is_a_path(path: str, query: Query) -> None:
    """A path is a query, too."""
    assert query.path == path
    assert query_at(path) == query


@given(QUERIES)
def test_a_path_leads_back_to_its_query(query: Query) -> None:
    """The query may have any text."""
    assert query_at(query.path) == query


@given(QUERIES, QUERIES)
def test_two_queries_never_share_a_path(one: Query, other: Query) -> None:
    """Each part of the path says which part it is."""
    assert (one.path == other.path) is (one == other)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        ROOT,
        "/rest/v1",
        "/rest/v2/articles",
        "/articles",
        "x/rest/v1/articles",
        "/rest/v1/articles/",
        "/rest/v1/articles/7",
        "/rest/v1/rpc/",
        "/rest/v1/rpc/a/b",
        "/rest/v1/größe",
        "/rest/v1/a.b",
        "/rest/v1/" + "x" * 64,
        "/rest/v1/articles?",
        "/rest/v1/articles?a=b#c",
        "/rest/v1/articles;",
        "/rest/v1/articles;profile=",
        "/rest/v1/articles;profile=ä",
        "/rest/v1/articles;accept=CSV",
        "/rest/v1/articles;count=1",
        "/rest/v1/articles;count=exact;head",
        "/rest/v1/articles;sha256=00",
        "/rest/v1/rpc/f;call",
        "/rest/v1/rpc/f;call?",
        "/rest/v1/rpc/f;call?%7B%7D&",
        "/rest/v1/rpc/f;call?{}",
        "/rest/v1/rpc/f;call?%2a",
    ],
)
def test_other_paths_are_no_queries(path: str) -> None:
    """Such a path is refused; nothing is guessed."""
    assert query_at(path) is None
