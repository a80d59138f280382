"""Which reads of Supabase's own clients are the same read."""

from __future__ import annotations

from random import Random
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_cache.queries import ACCEPTED, Query
from edge_cache.reasons import PassedOn, Reason
from edge_cache.worker.canonical import MAX_QUERY_CHARS, Variant, canonical, query_in

Pairs = list[tuple[str, str]]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SOME_NAMES = st.sampled_from(["a", "b", "select", "or", "ä"])
PAIRS = st.lists(st.tuples(SOME_NAMES | TEXTS, TEXTS), max_size=5).filter(
    lambda pairs: all(name.casefold() != "apikey" for name, _ in pairs)
)
SPELLINGS = st.sampled_from([quote, quote_plus, lambda text: quote(text, "*,.():!~/@$'")])


def spelled(pairs: Pairs, spelling: object = quote) -> str:
    """Return a query string in one of the ways in which a client may write it."""
    assert callable(spelling)
    return "&".join(f"{spelling(name)}={spelling(value)}" for name, value in pairs)


def read_of(raw: str) -> Pairs:
    """Return a query string as PostgREST reads it: decoded, and sorted by name only.

    The order of values with the same name stays.
    """
    return sorted(parse_qsl(raw, keep_blank_values=True), key=lambda pair: pair[0].encode())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", ""),
        ("select=*", "select=*"),
        ("select=%2A", "select=*"),
        ("select=id%2Ctitle", "select=id,title"),
        ("select=id,author(name)", "select=id,author(name)"),
        ("select=id,author%28name%29", "select=id,author(name)"),
        ("title=eq.a+b", "title=eq.a%20b"),
        ("title=eq.a%20b", "title=eq.a%20b"),
        ("title=eq.a%2Bb", "title=eq.a%2Bb"),
        ("title=eq.ä", "title=eq.%C3%A4"),
        ("title=eq.%c3%a4", "title=eq.%C3%A4"),
        ("t=eq.a%26b%3Dc%23d%3Be%25f%2Fg", "t=eq.a%26b%3Dc%23d%3Be%25f%2Fg"),
        ("t=a=b/c?d@e'f\"g", "t=a%3Db%2Fc%3Fd%40e%27f%22g"),
        ("%74itle=eq.1", "title=eq.1"),
        ("b=1&a=2", "a=2&b=1"),
        ("b=2&a=0&b=1", "a=0&b=2&b=1"),
        ("a=", "a="),
        ("=a", "=a"),
        ("a=~!:*.-_(),", "a=~!:*.-_(),"),
        ("x=apikey", "x=apikey"),
    ],
)
def test_every_spelling_has_one_text(raw: str, expected: str) -> None:
    """The text is itself a query string that a client may send."""
    assert canonical(raw) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "a",
        "a=1&",
        "&a=1",
        "a=1&&b=2",
        "a=1&b",
        "a=1;b=2",
        "a=eq.x;y",
        "a=%",
        "a=%4",
        "a=%zz",
        "a=%1g",
        "%=1",
        "a=%ff",
        "%ff=a",
        "a=%ed%a0%80",
        "apikey=x",
        "a=1&ApiKey=x",
        "%61pikey=x",
        "a=" + "x" * (MAX_QUERY_CHARS - 1),
    ],
)
def test_what_cannot_be_told_for_sure_has_none(raw: str) -> None:
    """Servers and proxies may read it in more than one way, or it has a key in it."""
    assert canonical(raw) is None


def test_a_long_query_has_one() -> None:
    """It may have 16 KiB."""
    raw = "a=" + "x" * (16 * 1024 - 2)
    assert canonical(raw) == raw


@given(PAIRS, SPELLINGS, st.randoms(use_true_random=False))
def test_the_order_of_different_names_does_not_matter(
    pairs: Pairs, spelling: object, random: Random
) -> None:
    """The way in which names are encoded does not matter either."""
    queues: dict[str, Pairs] = {}
    for name, value in pairs:
        queues.setdefault(name, []).append((name, value))
    names = [name for name, _ in pairs]
    random.shuffle(names)
    other = [queues[name].pop(0) for name in names]
    assert canonical(spelled(pairs)) == canonical(spelled(other, spelling))


@given(PAIRS, PAIRS, SPELLINGS)
def test_two_reads_have_one_text_only_if_postgrest_reads_the_same(
    one: Pairs, other: Pairs, spelling: object
) -> None:
    """For one name, the order of the values counts too."""
    raw, others = spelled(one), spelled(other, spelling)
    assert (canonical(raw) == canonical(others)) is (read_of(raw) == read_of(others))


@given(PAIRS.filter(bool), SPELLINGS)
def test_the_order_of_one_names_values_matters(pairs: Pairs, spelling: object) -> None:
    """For `select`, only the first counts. A function's arguments become an array."""
    same = [("a", value) for _, value in pairs]
    reordered = spelled(same[::-1], spelling)
    assert (canonical(spelled(same)) == canonical(reordered)) is (same == same[::-1])


@given(PAIRS, SPELLINGS)
def test_postgrest_reads_it_as_it_reads_what_the_client_sent(
    pairs: Pairs, spelling: object
) -> None:
    """So the client would get the same answer from Supabase."""
    raw = spelled(pairs, spelling)
    text = canonical(raw)
    assert text is not None
    assert read_of(text) == read_of(raw) == sorted(pairs, key=lambda pair: pair[0])
    assert text.isascii()
    assert not set(text) & set(" #;\"'<>[]\\^`{|}?/+")


def query(method: str = "GET", target: str = "articles", raw: str = "", **headers: str) -> object:
    """Return what a request asks for."""
    return query_in(method, target, raw, Variant(**headers))


def test_a_plain_read_is_its_target_and_parameters() -> None:
    """It has nothing else."""
    assert query() == Query("articles")
    assert query(target="rpc/top", raw="b=1&a=2") == Query("rpc/top", "a=2&b=1", accept="any")


@pytest.mark.parametrize(
    ("accept", "word"),
    [
        (None, ""),
        ("", ""),
        ("*/*", ""),
        ("application/json", ""),
        ("Application/JSON", ""),
        ("application/vnd.pgrst.object+json", "object"),
        ("text/csv", "csv"),
        ("application/geo+json", "geojson"),
        ("application/vnd.pgrst.array+json;nulls=stripped", "stripped"),
        ("application/vnd.pgrst.array+json; nulls=stripped", "stripped"),
        ("application/vnd.pgrst.object+json;nulls=stripped", "stripped-object"),
    ],
)
def test_a_media_type_has_a_word(accept: str | None, word: str) -> None:
    """supabase-js asks for this media type in each call."""
    assert query_in("GET", "articles", "", Variant(accept)) == Query("articles", accept=word)
    assert ACCEPTED[word] in {"application/json", (accept or "").replace(" ", "").lower()}


@pytest.mark.parametrize(
    ("accept", "word"),
    [(None, "any"), ("*/*", "any"), ("application/json", ""), ("text/csv", "csv")],
)
def test_a_function_may_choose_its_media_type(accept: str | None, word: str) -> None:
    """It may do so if the client accepts any type."""
    assert query_in("GET", "rpc/x", "", Variant(accept)) == Query("rpc/x", accept=word)
    assert ACCEPTED["any"] == "*/*"


@pytest.mark.parametrize(
    "accept",
    [
        "application/json;q=0.5",
        "application/vnd.pgrst.plan+json",
        "application/vnd.pgrst.object+json;nulls=STRIPPED",
        "text/html",
        "any",
        "text / csv",
        "text/c\tsv",
        "text/csv\t",
        "application/json,",
        "text/html, application/json",
        "application/json, text/csv;q=0.5",
        "application/json, application/vnd.pgrst.array+json;nulls=stripped",
        "application/geo+json, application/json",
        "*/*, */*",
    ],
)
def test_another_media_type_is_passed_on(accept: str) -> None:
    """The answer may be anything."""
    assert query(accept=accept) == PassedOn(Reason.ACCEPT)


@pytest.mark.parametrize("target", ["articles", "rpc/x"])
@pytest.mark.parametrize(
    ("accept", "word"),
    [
        ("application/json, text/plain, */*", ""),
        ("*/*, application/json", ""),
        ("text/csv,application/json", "csv"),
        ("application/vnd.pgrst.object+json, application/json", "object"),
    ],
)
def test_of_several_media_types_the_first_decides(target: str, accept: str, word: str) -> None:
    """Axios and Angular send such lists."""
    assert query(target=target, accept=accept) == Query(target, accept=word)


@pytest.mark.parametrize(
    ("prefer", "count"),
    [
        ("", ""),
        ("count=exact", "exact"),
        (" count=planned ", "planned"),
        ("count=estimated,return=representation", "estimated"),
        ("return=minimal, count=exact", "exact"),
        ("resolution=merge-duplicates", ""),
        ("missing=default", ""),
        (",", ""),
    ],
)
def test_a_count_is_part_of_the_query(prefer: str, count: str) -> None:
    """Preferences that change nothing in a read are no part of it."""
    assert query(prefer=prefer) == Query("articles", count=count)


@pytest.mark.parametrize(
    "prefer",
    [
        "count=all",
        "count",
        "count=exact, count=planned",
        "count=exact, count=exact",
        "Count=exact",
        "handling=strict",
        "timezone=Europe/Berlin",
        "max-affected=5",
        "return",
        "x",
    ],
)
def test_another_preference_is_passed_on(prefer: str) -> None:
    """It may change the answer."""
    assert query(prefer=prefer) == PassedOn(Reason.PREFER)


def test_a_schema_is_part_of_the_query() -> None:
    """It is written as the client names it."""
    assert query(profile="public") == Query("articles", profile="public")
    assert query(profile="x" * 63) == Query("articles", profile="x" * 63)


@pytest.mark.parametrize("profile", ["", "a b", "größe", "a;b", "a\n", "x" * 64])
def test_what_is_no_schema_is_passed_on(profile: str) -> None:
    """It would stand in the key, and in a header."""
    assert query(profile=profile) == PassedOn(Reason.PROFILE)


def test_a_query_string_that_is_not_safe_is_passed_on() -> None:
    """Nothing else in the request changes that."""
    assert query(raw="a;b", prefer="x", accept="y", profile="") == PassedOn(Reason.QUERY)


def test_a_head_is_a_read_of_its_own_only_where_it_counts() -> None:
    """PostgREST may count rows without reading any. Without a count, HEAD gets GET's headers."""
    assert query("HEAD") == query("GET") == Query("articles")
    assert query("HEAD", prefer="count=exact") == Query("articles", count="exact", head=True)
    assert query("GET", prefer="count=exact") == Query("articles", count="exact")
