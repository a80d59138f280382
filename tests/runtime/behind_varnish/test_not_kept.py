"""What a shared cache does not keep, even one that ignores who asks."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from edge import SEED, Edge, Variables, eventually
from upstream import Server, answering, hanging_up
from varnished import StartCache, client_of, was_kept

from local import stack, varnish

pytestmark = pytest.mark.played

HEEDLESS = """sub vcl_recv {
    return (hash);
}
sub vcl_backend_response {
    unset beresp.http.Content-Range;
    if (!beresp.http.Cache-Control && !beresp.http.CDN-Cache-Control) {
        set beresp.http.CDN-Cache-Control = "max-age=7200";
    }
}"""

SPELLINGS = ("/articles/2/", "/articles/%32")

PUBLIC = {"apikey": "{key}"}

NEVER: dict[str, tuple[str, dict[str, str], int]] = {
    "a row that does not exist": ("/articles/999", {}, 404),
    "another path": ("/nothing", {}, 404),
    "the page": ("/", {}, 200),
    "health": ("/health", {}, 200),
    "a query": ("/rest/v1/articles?select=*", PUBLIC, 200),
    "what is not declared": ("/rest/v1/authors?select=*", PUBLIC, 200),
}


@pytest.fixture(scope="module")
def heedless_cache(start_cache: StartCache, worker: stack.Worker) -> varnish.SharedCache:
    """Return a shared cache that ignores who asks, and keeps answers that say nothing about it.

    Cloudflare's cache does the same.
    """
    return start_cache(worker.url, more=HEEDLESS)


@pytest.fixture
def heedless(heedless_cache: varnish.SharedCache) -> Iterator[httpx.Client]:
    """Return a client of the heedless one, which is empty."""
    with client_of(heedless_cache) as http:
        yield http


def test_a_deleted_row_does_not_come_back_under_another_spelling(
    brief: Edge, gate: Server, start_cache: StartCache
) -> None:
    """It stays away even if the Worker is dead, and the shared cache answers with what it kept."""
    with client_of(start_cache(gate.url)) as http:
        for path in ("/articles", "/articles/2", *SPELLINGS, *SPELLINGS):
            assert not was_kept(http.get(path).raise_for_status())
        brief.db.delete(2)
        brief.webhook("DELETE", {"id": 2})
        eventually(lambda: http.get("/articles/2").status_code == 404, "the 404")
        gate.script.always = hanging_up
        for path in SPELLINGS:
            assert http.get(path).status_code == 503
        assert http.get("/articles").status_code == 200


def test_nothing_else_is_kept(
    edge: Edge, cache: httpx.Client, heedless: httpx.Client, variables: Variables
) -> None:
    """Errors, queries, requests that are passed on, and the Worker's own reports are not kept."""
    for case, (path, sent, status) in NEVER.items():
        headers = {n: v.format(key=variables["SUPABASE_ANON_KEY"]) for n, v in sent.items()}
        assert edge.get(path, **headers).status_code == status, case
        for http in (cache, heedless):
            for _ in range(2):
                answer = http.get(path, headers=headers)
                assert not was_kept(answer), case
                told = answer.status_code, answer.headers["cdn-cache-control"]
                assert told == (status, "no-store"), case


def test_a_secret_keys_rows_are_for_nobody_else(
    edge: Edge, heedless: httpx.Client, supabase: stack.Supabase
) -> None:
    """A cache that ignores headers does not show them either."""
    path = "/rest/v1/articles?select=title"
    edge.db.insert([{"id": 9, "title": "A draft", "published": False}])
    assert "A draft" in heedless.get(path, headers={"apikey": supabase.secret_key}).text
    public = heedless.get(path, headers={"apikey": supabase.publishable_key})
    assert public.json() == [{"title": row["title"]} for row in SEED]
    assert "A draft" not in heedless.get(path).text


def test_an_outdated_answer_is_not_kept(edge: Edge, cache: httpx.Client) -> None:
    """Readers see the new row as soon as Supabase gives it, not N seconds later."""
    assert edge.get("/articles/2").json() == SEED[1]
    edge.kv.wait()
    edge.db.update(2, title="Edited")
    edge.upstream.always = answering(503)
    edge.webhook("UPDATE", {"id": 2}).raise_for_status()
    eventually(lambda: "detail=" in edge.get("/articles/2").headers["cache-status"], "it is old")
    outdated = cache.get("/articles/2")
    assert outdated.json() == SEED[1]
    assert outdated.headers["cdn-cache-control"] == "no-store"
    edge.upstream.always = None
    eventually(lambda: "Edited" in edge.get("/articles/2").text, "the edit at the Worker")
    assert cache.get("/articles/2").json()["title"] == "Edited"


def test_a_failure_is_not_kept(edge: Edge, cache: httpx.Client) -> None:
    """The next reader gets the row."""
    edge.upstream.always = answering(503)
    assert cache.get("/articles/3").status_code == 502
    edge.upstream.always = None
    assert cache.get("/articles/3").json() == SEED[2]
