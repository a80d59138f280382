"""The Worker behind a real shared cache: Varnish, with the VCL of docs/."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import httpx
import pytest
from edge import SEED, Edge, EdgeOf, Variables, eventually
from upstream import Server, answering, hanging_up, holding, serving

from local import stack, varnish

LONG_S = 600
"""The shared cache may answer by itself for this long, which is longer than any test."""

PAST_S = 1.2
"""After this time, an answer that may be kept for a second is no longer fresh."""

RATE = 200
"""Requests a second."""

CROWD_S = 3.0

StartCache = Callable[..., varnish.SharedCache]
"""Starts a shared cache in front of a URL, with ``more`` VCL before the project's."""


@pytest.fixture(scope="module")
def start_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartCache]:
    """Return a function that starts a shared cache. The cache ends with the module."""
    varnishd = varnish.program()
    if varnishd is None:
        pytest.skip("there is no Varnish on this machine: apt-get install varnish")
    with ExitStack() as ends:

        def start(url: str, *, more: str = "") -> varnish.SharedCache:
            folder = tmp_path_factory.mktemp("varnish")
            started = varnish.start(varnishd, url, folder, more=more)
            ends.callback(started.process.stop)
            return started

        yield start


@pytest.fixture
def keeping(edge_of: EdgeOf) -> Callable[[int], Edge]:
    """Return a function that lets shared caches keep the Worker's answers for so many seconds."""

    def filled(seconds: int) -> Edge:
        edge = edge_of({"SHARED_MAX_AGE_SECONDS": str(seconds)})
        for path in ("/articles", "/articles/2"):
            edge.get(path).raise_for_status()
        edge.kv.wait()
        return edge

    return filled


@pytest.fixture
def edge(keeping: Callable[[int], Edge]) -> Edge:
    """Return the Worker with answers that a shared cache may keep for long."""
    return keeping(LONG_S)


@pytest.fixture
def brief(keeping: Callable[[int], Edge]) -> Edge:
    """Return the Worker with answers that a shared cache may keep for a second."""
    return keeping(1)


@pytest.fixture(scope="module")
def shared_cache(start_cache: StartCache, worker: stack.Worker) -> varnish.SharedCache:
    """Return the shared cache in front of the Worker."""
    return start_cache(worker.url)


@pytest.fixture(scope="module")
def heedless_cache(start_cache: StartCache, worker: stack.Worker) -> varnish.SharedCache:
    """Return a shared cache that ignores who asks, and keeps answers that say nothing about it.

    Cloudflare's cache does the same.
    """
    return start_cache(worker.url, more=HEEDLESS)


HEEDLESS = """sub vcl_recv {
    return (hash);
}
sub vcl_backend_response {
    unset beresp.http.Content-Range;
    if (!beresp.http.Cache-Control && !beresp.http.CDN-Cache-Control) {
        set beresp.http.CDN-Cache-Control = "max-age=7200";
    }
}"""


@pytest.fixture
def cache(shared_cache: varnish.SharedCache) -> Iterator[httpx.Client]:
    """Return a client of the shared cache, which is empty."""
    with client_of(shared_cache) as http:
        yield http


@pytest.fixture
def heedless(heedless_cache: varnish.SharedCache) -> Iterator[httpx.Client]:
    """Return a client of the heedless one, which is empty."""
    with client_of(heedless_cache) as http:
        yield http


def client_of(cache: varnish.SharedCache) -> httpx.Client:
    """Empty a shared cache and return a client of it."""
    cache.clear()
    return httpx.Client(base_url=cache.url, timeout=30)


_numbers = count()


def was_kept(response: httpx.Response) -> bool:
    """Return whether the shared cache had the answer: then it names the request that brought it."""
    return " " in response.headers.get("x-varnish", "")


def reached(edge: Edge, since: int = 0) -> list[object]:
    """Return the statuses with which the Worker answered reads, without the first ones.

    The log is late, so another request is sent, whose line comes after all of theirs.
    """
    last = f"/last/of/{next(_numbers)}"
    edge.get(last)
    eventually(lambda: last in edge.log.text(), "the log's last line")
    return [line["status"] for line in edge.log.events("hit", "aged")][since:]


async def ask_steadily(url: str, seconds: float) -> list[httpx.Response]:
    """Send requests at a steady rate, even if earlier ones are not answered yet."""
    # Varnish closes connections that are idle for five seconds.
    limits = httpx.Limits(max_connections=20, keepalive_expiry=2)
    async with httpx.AsyncClient(timeout=30, limits=limits) as http:
        asked: list[asyncio.Future[httpx.Response]] = []
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * RATE) + 1 - len(asked)
            asked.extend(asyncio.ensure_future(http.get(url)) for _ in range(due))
            await asyncio.sleep(0.01)
        return await asyncio.gather(*asked)


def test_a_crowd_reaches_the_worker_once_a_second(brief: Edge, cache: httpx.Client) -> None:
    """Clients send two hundred requests a second.

    The Worker gets one at first, then one with an ETag.
    """
    before, began = len(reached(brief)), time.monotonic()
    answers = asyncio.run(ask_steadily(f"{cache.base_url}/articles", CROWD_S))
    took_s = time.monotonic() - began
    assert len(answers) > RATE * CROWD_S / 2
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.content for answer in answers} == {brief.get("/articles").content}
    first, *again, compared = reached(brief, before)
    assert (first, set(again), compared) == (200, {304}, 200)
    assert len(again) <= took_s


def test_the_time_in_kv_does_not_count(edge: Edge, cache: httpx.Client) -> None:
    """An entry that was read long ago is kept as long as any other."""
    edge.set_clock(3600)
    assert "age" not in edge.get("/articles").headers
    assert int(cache.get("/articles").headers["age"]) == 0
    assert was_kept(cache.get("/articles"))


def test_an_edit_shows_once_what_was_kept_is_old(brief: Edge, cache: httpx.Client) -> None:
    """This holds for a deleted row's 404, too, which is not kept.

    The row that was kept does not return.
    """
    for path in ("/articles", "/articles/1", "/articles/2"):
        cache.get(path).raise_for_status()
    brief.db.update(1, title="Edited")
    brief.db.delete(2)
    brief.webhook("UPDATE", {"id": 1})
    brief.webhook("DELETE", {"id": 2})
    for path in ("/articles", "/articles/1"):
        eventually(lambda: "Edited" in cache.get(path).text, "the edit")  # noqa: B023
    eventually(lambda: cache.get("/articles/2").status_code == 404, "the 404")
    assert cache.get("/articles/2").status_code == 404


def test_a_second_shared_cache_adds_no_time(
    edge: Edge, cache: httpx.Client, start_cache: StartCache
) -> None:
    """It counts the Age that the first one sends."""
    with client_of(start_cache(str(cache.base_url))) as outer:
        outer.headers["host"] = cache.base_url.netloc.decode()  # Varnish keeps it by its URL
        cache.get("/articles").raise_for_status()
        eventually(lambda: int(cache.get("/articles").headers["age"]) >= 2, "some age")
        assert was_kept(cache.get("/articles"))
        assert int(outer.get("/articles").headers["age"]) >= 2
    assert edge.asked == 2


SPELLINGS = ("/articles/2/", "/articles/%32")


@pytest.fixture
def gate(worker: stack.Worker) -> Iterator[Server]:
    """Return a server between the Worker and a shared cache. It can hang up like a dead Worker."""
    with serving(worker.url) as server:
        yield server


def test_a_deleted_row_does_not_come_back_spelled_otherwise(
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


PUBLIC = {"apikey": "{key}"}
NEVER: dict[str, tuple[str, dict[str, str], int]] = {
    "a row that does not exist": ("/articles/999", {}, 404),
    "another path": ("/nothing", {}, 404),
    "the page": ("/", {}, 200),
    "health": ("/health", {}, 200),
    "a query": ("/rest/v1/articles?select=*", PUBLIC, 200),
    "what is not declared": ("/rest/v1/authors?select=*", PUBLIC, 200),
}


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


def test_an_answer_that_is_known_to_be_out_of_date_is_not_kept(
    edge: Edge, cache: httpx.Client
) -> None:
    """Readers see the new row as soon as Supabase gives it, not N seconds later."""
    edge.db.update(2, title="Edited")
    edge.get("/revalidate").raise_for_status()
    edge.kv.wait()
    edge.upstream.always = answering(503)
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


def test_head_and_get_share_an_answer(edge: Edge, cache: httpx.Client) -> None:
    """Either of them may come first."""
    before = len(reached(edge))
    head = cache.head("/articles")
    got = cache.get("/articles")
    assert (head.status_code, head.content) == (200, b"")
    assert got.json() == list(SEED)
    assert head.headers["etag"] == got.headers["etag"]
    assert reached(edge, before) == [200]


def test_everybody_gets_the_same_answer(edge: Edge, cache: httpx.Client) -> None:
    """Encoding, origin, cookies and query do not matter. Every page may read the answer."""
    before = len(reached(edge))
    for encoding in ("gzip", "identity", "br, gzip"):
        for origin in ("https://a.example", "https://b.example"):
            asked = {"accept-encoding": encoding, "origin": origin, "cookie": f"from={origin}"}
            answer = cache.get(f"/articles?from={origin}", headers=asked)
            packed = answer.headers.get("content-encoding")
            assert (answer.json(), packed) == (list(SEED), "gzip" if "gzip" in encoding else None)
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "Origin" not in answer.headers.get("vary", "")
    assert reached(edge, before) == [200]


def test_a_browsers_etag_is_answered_by_the_shared_cache(edge: Edge, cache: httpx.Client) -> None:
    """The 304 needs no request to the Worker. The ETag that the Worker gave before works, too."""
    given = edge.get("/articles").headers["etag"]
    etag = cache.get("/articles").headers["etag"]
    before = len(reached(edge))
    for known in (given, etag):
        answer = cache.get("/articles", headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["cache-control"] == "no-cache"
    assert cache.get("/articles", headers={"if-none-match": '"other"'}).status_code == 200
    assert reached(edge, before) == []


PATIENT = """sub vcl_backend_response {
    set beresp.http.CDN-Cache-Control =
        beresp.http.CDN-Cache-Control + ", stale-while-revalidate=600";
}"""


def test_in_the_last_tenth_nobody_waits_for_the_worker(
    brief: Edge, gate: Server, start_cache: StartCache
) -> None:
    """The reader gets the old answer once more.

    The shared cache asks the Worker in the background.
    """
    with client_of(start_cache(gate.url, more=PATIENT)) as http:
        http.get("/articles").raise_for_status()
        asked = len(gate.script.requests)
        renewed = threading.Event()
        gate.script.always = holding(renewed)
        time.sleep(PAST_S)
        old = http.get("/articles")
        assert old.json() == list(SEED)
        assert was_kept(old)
        eventually(lambda: len(gate.script.requests) > asked, "the Worker is asked")
        renewed.set()
    assert brief.asked == 2


def test_a_maximum_age_takes_nothing_away_in_an_outage(
    edge_of: EdgeOf, gate: Server, start_cache: StartCache
) -> None:
    """Supabase is down for longer than the maximum age, and then the Worker dies."""
    edge = edge_of({"SHARED_MAX_AGE_SECONDS": "1", "MAX_AGE_SECONDS": "1"})
    edge.get("/articles").raise_for_status()
    edge.kv.wait()
    with client_of(start_cache(gate.url)) as http:
        edge.upstream.always = answering(503)
        eventually(lambda: "ttl=-" in http.get("/articles").headers["cache-status"], "old age")
        time.sleep(PAST_S)
        assert http.get("/articles").status_code == 200
        gate.script.always = hanging_up
        time.sleep(PAST_S)
        assert http.get("/articles").json() == list(SEED)


SHORTER = """sub vcl_backend_response {
    set beresp.http.CDN-Cache-Control =
        regsub(beresp.http.CDN-Cache-Control, "stale-if-error=\\d+", "stale-if-error=1");
}"""


def test_a_dead_worker_is_survived_for_as_long_as_it_said(
    brief: Edge, gate: Server, start_cache: StartCache
) -> None:
    """The shared cache serves what it kept for a day.

    Here one cache does so for a day, one for a second.
    """
    assert brief.asked == 2
    patient, impatient = start_cache(gate.url), start_cache(gate.url, more=SHORTER)
    with client_of(patient) as http, client_of(impatient) as briefly:
        for client in (http, briefly):
            assert client.get("/articles").json() == list(SEED)
        gate.script.always = hanging_up
        assert http.get("/articles/1").status_code == 503
        eventually(lambda: briefly.get("/articles").status_code == 503, "the end of a second")
        survived = http.get("/articles")
    assert survived.json() == list(SEED)
    assert survived.headers["cdn-cache-control"] == "max-age=1, stale-if-error=86400"


def test_revalidating_has_workers_caching_forget_everything(edge: Edge, edge_of: EdgeOf) -> None:
    """It does so only if Workers Caching keeps something."""

    def purges() -> list[object]:
        told: list[object] = edge.get("/__purges").json()
        return told

    before = purges()
    edge.get("/revalidate").raise_for_status()
    assert purges() == [*before, {"purgeEverything": True}]
    edge_of().get("/revalidate").raise_for_status()
    assert len(purges()) == len(before) + 1
