"""What a shared cache keeps, for how long, and for whom."""

from __future__ import annotations

import asyncio
import time
from itertools import count

import httpx
import pytest
from edge import SEED, Edge, EdgeOf, eventually
from varnished import StartCache, client_of, was_kept

pytestmark = pytest.mark.played

RATE = 200
"""Requests a second."""

CROWD_S = 3.0

_numbers = count()


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
    limits = httpx.Limits(max_connections=20)
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

    The Worker gets one at first, then one with an ETag each second.
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
    """A deleted row's 404 shows, too, though it is not kept.

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
