"""One refresh at a time, in order: shared by all who wait for it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from edge import SEED, Edge, many
from upstream import after, answering, before_answering, forward, late_answer, rows

CACHE_STATUS = "supabase-edge-cache; "

VAIN_BURST, VAIN_PER_S = 50, 10
"""How many lookups in vain Supabase sees at once, and then a second."""


def gets(path: str, count: int) -> list[tuple[str, str, object]]:
    """Return so many requests for a path."""
    return [("GET", path, None)] * count


def test_two_hundred_cold_reads_are_one_request(edge: Edge) -> None:
    """All get the one answer."""
    edge.upstream.acts.append(after(0.5, forward))
    answers = asyncio.run(many(str(edge.http.base_url), gets("/articles", 200)))
    assert {answer.status_code for answer in answers} == {200}
    edge.kv.wait()
    assert {answer.content for answer in answers} == {edge.kv.value("/articles")}
    assert edge.asked == 1


def test_all_who_wait_get_the_failure_and_the_next_starts_anew(edge: Edge) -> None:
    """Nobody hangs, and nothing remembers the failure."""
    edge.upstream.acts.append(after(0.5, answering(401)))
    answers = asyncio.run(many(str(edge.http.base_url), gets("/articles", 50)))
    assert {answer.status_code for answer in answers} == {502}
    assert edge.asked == 1
    assert edge.get("/articles").json() == list(SEED)


def test_revalidations_during_a_slow_read_see_the_edit(edge: Edge) -> None:
    """They get a read that began after them, and share it."""
    edge.upstream.acts.append(late_answer(1.0))
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(edge.get, "/articles")
        edge.log.wait_for("miss")
        while edge.asked == 0:
            pass
        edge.db.update(2, title="Cool second blog")
        answers = asyncio.run(many(str(edge.http.base_url), gets("/revalidate", 20)))
        assert "Second blog" in slow.result().text
    assert {answer.status_code for answer in answers} == {200}
    assert "Cool second blog" in edge.titles()
    assert edge.asked == 2


def test_an_older_read_never_replaces_a_newer_one(edge: Edge) -> None:
    """Of two refreshes the later one's state stays, however slow the earlier one is."""
    edge.upstream.acts.extend([late_answer(0.8), forward])
    with ThreadPoolExecutor() as pool:
        older = pool.submit(edge.get, "/revalidate")
        while edge.asked == 0:
            pass
        edge.db.update(1, title="Newer")
        newer = pool.submit(edge.get, "/revalidate")
        assert older.result().status_code == newer.result().status_code == 200
    assert edge.titles()[0] == "Newer"
    assert json.loads(edge.kv.value("/articles"))[0]["title"] == "Newer"


def test_a_client_that_goes_away_does_not_cancel_the_others(edge: Edge) -> None:
    """The read belongs to all who wait for it."""
    edge.upstream.acts.append(after(1.0, forward))

    async def scene() -> list[int]:
        impatient = asyncio.create_task(many(str(edge.http.base_url), gets("/articles", 5)))
        await asyncio.sleep(0.3)
        patient = asyncio.create_task(many(str(edge.http.base_url), gets("/articles", 5)))
        await asyncio.sleep(0.3)
        impatient.cancel()
        return [answer.status_code for answer in await patient]

    assert asyncio.run(scene()) == [200] * 5
    assert edge.asked == 1


def test_writes_of_a_key_are_a_second_apart(edge: Edge) -> None:
    """A burst of revalidations keeps Workers KV's limit and ends with the latest state."""
    edge.get("/articles")
    edge.kv.wait()
    begun = time.monotonic()
    for number in range(3):
        edge.db.update(1, title=f"Edit {number}")
        edge.get("/revalidate").raise_for_status()
    seconds = time.monotonic() - begun
    assert edge.titles()[0] == "Edit 2"
    # The first fill and three revalidations, of which each waited for the rest of a second.
    assert len(edge.log.events("refreshed")) == 4
    assert seconds > 2.5


def test_misses_are_answered_while_kv_says_absent(edge: Edge) -> None:
    """KV may deny for a minute what was just written; Supabase is not asked again for that."""
    first = edge.get("/articles")
    edge.kv.wait()
    edge.kv.clear()
    again = edge.get("/articles")
    assert again.content == first.content
    assert again.headers["cache-status"] == CACHE_STATUS + "hit; detail=memory"
    assert edge.asked == 1


def test_twenty_megabytes_pass(edge: Edge) -> None:
    """On a miss, and from KV."""
    body = json.dumps([{"id": n, "title": "x" * 10_000} for n in range(2000)]).encode()
    assert len(body) > 20_000_000
    edge.upstream.acts.append(rows(body, 2000))
    miss, hit = edge.get("/articles"), edge.get_from_kv("/articles")
    assert miss.content == hit.content == body
    assert hit.headers["cache-status"].endswith("; hit")


def test_a_flood_of_unknown_ids_is_bounded(edge: Edge) -> None:
    """Supabase sees the burst and ten lookups a second, KV nothing; rows that exist are found."""
    edge.get("/articles")
    before = edge.kv.contents()
    edge.upstream.requests.clear()
    begun = time.monotonic()
    refused: list[httpx.Response] = []
    for start in range(1000, 3000, 250):
        flood = [("GET", f"/articles/{n}", None) for n in range(start, start + 250)]
        answers = asyncio.run(many(str(edge.http.base_url), flood))
        assert {answer.status_code for answer in answers} <= {404, 503}
        refused += [answer for answer in answers if answer.status_code == 503]
    seconds = time.monotonic() - begun
    # Each was in vain, so none was tried again.
    assert VAIN_BURST <= edge.asked <= VAIN_BURST + VAIN_PER_S * seconds
    assert len(refused) == 2000 - edge.asked
    assert refused[0].json()["type"] == "urn:supabase-edge-cache:lookups-exhausted"
    assert refused[0].headers["retry-after"] == "1"
    assert edge.kv.contents() == before
    assert edge.get("/articles/2").json() == SEED[1]


def test_a_missing_row_is_not_asked_for_each_time(edge: Edge) -> None:
    """One lookup serves a few seconds of requests for the same row."""
    assert [edge.get("/articles/99").status_code for _ in range(10)] == [404] * 10
    assert edge.asked == 1


def test_a_row_written_during_the_flight_is_seen(edge: Edge) -> None:
    """A revalidation that begins while a row is read makes that row's entry stale."""
    begun = threading.Event()
    edge.upstream.acts.append(late_answer(1.0))
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(edge.get, "/articles/2")
        while edge.asked == 0:
            begun.wait(0.01)
        edge.db.update(2, title="Edited")
        edge.get("/revalidate").raise_for_status()
        assert edge.get("/articles/2").json()["title"] == "Edited"
        slow.result()
    assert edge.get("/articles/2").json()["title"] == "Edited"


def test_edits_while_answering_do_not_mix(edge: Edge) -> None:
    """What a reader gets is one state of the table: the one that was read, and then the next."""
    edge.upstream.acts.append(before_answering(lambda: edge.db.delete(1)))
    assert edge.titles() == ["First blog", "Second blog", "Third blog"]
    edge.webhook("DELETE", dict(SEED[0]))
    edge.settle()
    assert edge.titles() == ["Second blog", "Third blog"]
