"""URLs are parsed once. If a URL could be read in two ways, it is not normal."""

from __future__ import annotations

import pytest

from edge_cache.urls import cut


@pytest.mark.parametrize(
    ("url", "route", "query"),
    [
        ("http://localhost:8787/articles", "/articles", ""),
        ("https://example.com/articles/", "/articles", ""),
        ("https://example.com/articles/7/?x=/y", "/articles/7", "x=/y"),
        (
            "https://example.com/articles?a=https://b.example/../c",
            "/articles",
            "a=https://b.example/../c",
        ),
        ("https://example.com/articles/X%2f..%2f", "/articles/X%2f..%2f", ""),
        ("https://example.com/...", "/...", ""),
        ("https://example.com/.a/b./%2ea", "/.a/b./%2ea", ""),
        ("https://example.com/a;b=1/:@!$&'()*+,=", "/a;b=1/:@!$&'()*+,=", ""),
        ("https://example.com/ü", "/ü", ""),
        ("https://example.com", "/", ""),
        ("https://example.com/", "/", ""),
        ("https://example.com?a", "/", "a"),
    ],
)
def test_a_normal_path_has_no_trailing_slash_in_its_route(url: str, route: str, query: str) -> None:
    """A slash at the end, or a query string, makes no other table or row."""
    found = cut(url)
    assert (found.route, found.query, found.is_normal) == (route, query, True)


@pytest.mark.parametrize(
    "target",
    [
        "/articles/..",
        "/articles/.",
        "/articles/%2e%2e",
        "/articles/%2E.",
        "/articles/.%2e/",
        "/./articles",
        "/../articles",
        "/rest/v1/../../auth/v1/token",
        "/articles//7",
        "//articles",
        "/articles//",
        "/articles\\..\\x",
        "/articles/ /x",
        "/articles/\t../x",
        "/articles/\n",
        "/articles#x",
        "/articles?a=b#c",
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_not_normal(target: str) -> None:
    assert not cut(f"https://example.com{target}").is_normal


def test_what_is_no_absolute_url_is_not_normal() -> None:
    assert not cut("/articles").is_normal
    assert not cut("").is_normal


@pytest.mark.parametrize(
    "target",
    ["/", "/rest/v1/a?b=c://d/e", "/rest/v1/", "/rest/v1/%2f/%C3%A4/?select=%2A&a=+;&&", "/a?"],
)
def test_what_is_asked_for_is_spelled_as_it_came(target: str) -> None:
    for host in ("http://localhost:8787", "https://cache.example.com"):
        assert cut(f"{host}{target}").target == target


@pytest.mark.parametrize(
    ("url", "netloc", "host"),
    [
        ("http://LocalHost:8787/x", "LocalHost:8787", "localhost"),
        ("http://[::1]:8787/x", "[::1]:8787", "::1"),
        ("http://evil/@localhost", "evil", "evil"),
        ("http://evil\\@localhost/x", "evil", "evil"),
        ("http://evil?@localhost/x", "evil", "evil"),
        ("http://evil#@localhost/x", "evil", "evil"),
        ("http://user@localhost/x", "user@localhost", "localhost"),
        ("http://localhost@evil/x", "localhost@evil", "evil"),
    ],
)
def test_the_host_is_what_a_browser_would_ask(url: str, netloc: str, host: str) -> None:
    assert (cut(url).netloc, cut(url).host) == (netloc, host)


@pytest.mark.parametrize(
    ("target", "below"),
    [
        ("/cache", "/"),
        ("/cache/", "/"),
        ("/cache?a", "/?a"),
        ("/cache/articles?a=/cache", "/articles?a=/cache"),
        ("/cached", None),
        ("/articles", None),
        ("/", None),
        ("/Cache/articles", None),
    ],
)
def test_a_worker_may_have_the_cache_below_a_path(target: str, below: str | None) -> None:
    """What is left is what the cache would be asked for without the prefix."""
    found = cut(f"https://example.com{target}").below("/cache")
    assert found == (None if below is None else cut(f"https://example.com{below}"))


def test_without_a_prefix_every_url_stays() -> None:
    url = cut("https://example.com/a?b")
    assert url.below("") == url
