"""The worst days: everything at once, and Supabase failing in every way that it can."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from edge import SEED, Edge, eventually, many, payload
from upstream import Act, Handler, after, answering, cut_off, forward, hanging_up

CACHE_STATUS = "supabase-edge-cache; "
ROW = "id=eq."


def article(row_id: int, title: str = "", *, published: bool = True) -> dict[str, object]:
    """Return a row."""
    return {"id": row_id, "title": title, "body": "", "published": published}


def gets(paths: Iterator[str] | list[str]) -> list[tuple[str, str, object]]:
    """Return requests for paths."""
    return [("GET", path, None) for path in paths]


def ask(edge: Edge, paths: list[str]) -> list[httpx.Response]:
    """Ask for all paths at once."""
    return asyncio.run(many(str(edge.http.base_url), gets(paths)))


def rows_of(count: int) -> list[str]:
    """Return the paths of the first rows."""
    return [f"/articles/{row_id}" for row_id in range(1, count + 1)]


def only_for(part: str, act: Act) -> Act:
    """Return an act for requests whose URL has the part; the others are passed on."""
    return lambda handler: (act if part in handler.path else forward)(handler)


def without_lists(act: Act) -> Act:
    """Return an act for requests of rows; those of the whole table are passed on."""
    return only_for(ROW, act)


BAD_DAYS: dict[str, Act] = {
    "HTML": answering(200, b"<!doctype html>", content_type="text/html"),
    "401": answering(401, b'{"message":"Invalid API key"}'),
    "403": answering(403, b"{}"),
    "404 of a proxy": answering(404, b"not here", content_type="text/plain"),
    "302": answering(302, location="http://127.0.0.1:1/"),
    "408": answering(408),
    "425": answering(425),
    "429": answering(429),
    "500": answering(500, b"oops"),
    "cut-off JSON": answering(200, b'{"id":2,"title":"Sec'),
    "cut-off body": cut_off,
    "NaN": answering(200, b'{"id":2,"title":NaN}'),
    "hanging up": hanging_up,
}


@pytest.mark.parametrize("day", BAD_DAYS)
def test_a_row_that_cannot_be_read_keeps_its_entry(edge: Edge, day: str) -> None:
    """After its webhook, whatever Supabase answers but a proven absence; the change is pending.

    Another row's change, and the list's, arrive meanwhile.
    """
    for row_id in (2, 3):
        edge.get(f"/articles/{row_id}")
    edge.get("/articles")
    edge.kv.wait()
    before = edge.kv.value("/articles/2")
    edge.upstream.always = only_for(f"{ROW}2", BAD_DAYS[day])
    edge.db.update(2, title="Edited")
    edge.db.update(3, title="Edited too")
    edge.webhook("UPDATE", article(2)).raise_for_status()
    edge.webhook("UPDATE", article(3)).raise_for_status()
    edge.log.wait_for("retry_scheduled")
    eventually(lambda: edge.get("/articles/3").json()["title"] == "Edited too", "the other row", 5)
    eventually(lambda: edge.titles() == ["First blog", "Edited", "Edited too"], "the list", 5)
    assert edge.kv.value("/articles/2") == before
    assert edge.get("/articles/2").json() == SEED[1]
    eventually(lambda: edge.status()["pending"] == 1, "only that row is pending", 5)
    edge.upstream.always = None
    edge.settle()
    assert edge.get("/articles/2").json()["title"] == "Edited"


def test_rows_that_are_cached_do_not_fail_while_supabase_flaps(edge: Edge) -> None:
    """Well for a while, then without a database, and so on, with webhooks all the time."""
    paths = rows_of(3)
    ask(edge, paths)
    flapping = answering(503, b'{"code":"PGRST002","message":"x"}')

    def by_turns(handler: Handler) -> None:
        (forward if time.monotonic() % 1.4 < 0.7 else flapping)(handler)

    edge.upstream.always = by_turns
    end = time.monotonic() + 6
    answers: list[httpx.Response] = []
    while time.monotonic() < end:
        edge.webhook("UPDATE", article(len(answers) % 3 + 1)).raise_for_status()
        answers += ask(edge, paths)
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("evicted", [True, False])
def test_a_hundred_rows_are_fresh_after_a_revalidation(edge: Edge, evicted: bool) -> None:
    """All asked for at once, by a refresher that knows nothing of them; Supabase is well."""
    edge.db.replace([article(n, "old") for n in range(1, 101)])
    ask(edge, rows_of(100))
    edge.kv.wait()
    changed = {"title": "new"}
    edge.db.http.patch("/articles", params={"id": "gt.0"}, json=changed).raise_for_status()
    edge.get("/revalidate").raise_for_status()
    if evicted:
        edge.evict()
    answers = ask(edge, rows_of(100))
    assert [answer.json()["title"] for answer in answers] == ["new"] * 100


@contextmanager
def unknown_ids(edge: Edge) -> Iterator[None]:
    """Have somebody ask for rows that do not exist, all the time."""
    stop = threading.Event()

    def flood() -> None:
        number = 1_000_000
        while not stop.is_set():
            ask(edge, [f"/articles/{number + n}" for n in range(20)])
            number += 20

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        eventually(lambda: "lookups-exhausted" in edge.log.text(), "the budget is spent")
        yield
    finally:
        stop.set()
        thread.join()


def test_an_unpublished_row_is_not_served(edge: Edge) -> None:
    """However many unknown ids somebody asks for."""
    edge.get("/articles/2")
    edge.kv.wait()
    with unknown_ids(edge):
        edge.db.update(2, published=False)
        edge.get("/revalidate").raise_for_status()
        for _ in range(20):
            assert edge.get("/articles/2").status_code == 404


def test_a_hundred_cold_rows_are_found(edge: Edge) -> None:
    """All asked for at once, by a fresh refresher."""
    edge.db.replace([article(n, "here") for n in range(1, 101)])
    answers = ask(edge, rows_of(100))
    assert [answer.json().get("title") for answer in answers] == ["here"] * 100


def test_a_crawl_is_not_refused_while_supabase_is_slow(edge: Edge) -> None:
    """40 rows a second that take most of the time limit each."""
    edge.db.replace([article(n, "here") for n in range(1, 161)])
    edge.upstream.always = after(1.2, forward)

    async def crawl() -> list[int]:
        async with httpx.AsyncClient(base_url=edge.http.base_url, timeout=60) as http:
            under_way = []
            for path in rows_of(160):
                under_way.append(asyncio.create_task(http.get(path)))
                await asyncio.sleep(1 / 40)
            return [(await answer).status_code for answer in under_way]

    assert asyncio.run(crawl()) == [200] * 160


@contextmanager
def changing(edit: Callable[[int], object], per_second: float) -> Iterator[None]:
    """Edit the database all the time."""
    stop = threading.Event()

    def edits() -> None:
        number = 0
        while not stop.wait(1 / per_second):
            number += 1
            edit(number)

    thread = threading.Thread(target=edits)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_table_that_cannot_be_read_does_not_hold_up_its_rows(edge: Edge) -> None:
    """The list's read fails again and again; a row's change arrives in the usual time."""
    edge.get("/articles")
    edge.get("/articles/2")

    def list_hangs(handler: Handler) -> None:
        (forward if ROW in handler.path else after(3, hanging_up))(handler)

    edge.upstream.always = list_hangs
    edge.webhook("UPDATE", article(1)).raise_for_status()
    edge.log.wait_for("refresh_failed")
    edge.db.update(2, title="Edited")
    edge.webhook("UPDATE", article(2)).raise_for_status()
    eventually(lambda: edge.get("/articles/2").json()["title"] == "Edited", "the row", 2.5)
    assert edge.status()["pending"] == 1


def test_who_has_a_stale_entry_waits_a_second_at_most(edge: Edge) -> None:
    """While Supabase hangs, and again and again; the refresh goes on without the reader."""
    for path in rows_of(3):
        edge.get(path)
    edge.kv.wait()
    edge.get("/revalidate").raise_for_status()
    edge.db.update(1, title="Edited")
    edge.upstream.always = without_lists(after(1.6, forward))
    response = edge.get("/articles/1")
    assert response.json() == SEED[0]
    assert response.headers["cache-status"] == CACHE_STATUS + "fwd=stale; detail=supabase-slow"
    assert 0.9 < response.elapsed.total_seconds() < 1.5
    eventually(lambda: edge.get("/articles/1").json()["title"] == "Edited", "the refresh", 5)
    edge.upstream.always = without_lists(after(10, hanging_up))
    for path in ("/articles/2", "/articles/3", "/articles/2"):
        response = edge.get(path)
        assert response.status_code == 200
        assert response.elapsed.total_seconds() < 1.5


def test_a_pending_change_does_not_wait_after_an_outage(edge: Edge) -> None:
    """Any read that succeeds wakes the backlog."""
    edge.get("/articles")
    edge.get("/articles/2")
    edge.upstream.always = hanging_up
    edge.db.update(2, title="Edited")
    edge.webhook("UPDATE", article(2)).raise_for_status()
    edge.log.wait_for("retry_scheduled", count=8)
    edge.upstream.always = None
    assert edge.get("/articles/3").status_code == 200
    eventually(lambda: edge.get("/articles/2").json()["title"] == "Edited", "the row", 2.5)


def test_a_reader_is_never_told_of_a_status_that_did_not_arrive(edge: Edge) -> None:
    """Neither for an entry that was in memory nor for one that was served without asking."""
    edge.get("/articles/2")
    edge.kv.wait()
    edge.kv.clear()
    assert edge.get("/articles/2").headers["cache-status"] == CACHE_STATUS + "hit; detail=memory"


def test_deeply_nested_rows_starve_nobody(edge: Edge) -> None:
    """A webhook's body and a row of the worst kind take their share, not seconds."""
    worst = b"[" + b",".join([b"[" * 480 + b"]" * 480] * 100) + b"]"
    row = b'{"id":2,"title":' + worst + b"}"
    edge.upstream.always = without_lists(answering(200, row))
    begun = time.monotonic()
    assert edge.get("/articles/2").content == row
    body = b'{"type":"UPDATE","table":"articles","schema":"public","record":{"id":1,"x":%s},'
    body = body % worst + b'"old_record":{"id":1}}'
    assert edge.http.post("/revalidate", content=body * 1).json() == {"received": True}
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-8-sig"])
def test_only_utf_8_is_read(edge: Edge, encoding: str) -> None:
    """Depth cannot be hidden in another encoding; the isolate lives on."""
    body = ("[" * 10_000).encode(encoding)
    assert edge.http.post("/revalidate", content=body).status_code == 400
    edge.upstream.acts.append(answering(200, body))
    assert edge.get("/articles/2").status_code == 502
    assert edge.get("/articles/2").json() == SEED[1]


def test_no_row_with_nan_is_cached(edge: Edge) -> None:
    """It is no JSON; neither is a payload that has it."""
    edge.upstream.acts.append(answering(200, b'[{"id":NaN}]', content_range="0-0/1"))
    assert edge.get("/articles").json()["type"].endswith("supabase-invalid-answer")
    assert edge.kv.contents() == {}
    body = b'{"type":"INSERT","table":"articles","schema":"public","record":{"id":1,"x":Infinity}}'
    assert edge.http.post("/revalidate", content=body).status_code == 400


def test_a_payload_of_nine_megabytes_is_taken(edge: Edge) -> None:
    """A row with large texts, old and new."""
    text = "x" * 4_500_000
    row = article(1, text)
    body = payload("UPDATE", row)
    assert edge.http.post("/revalidate", json=body).json() == {"received": True}
