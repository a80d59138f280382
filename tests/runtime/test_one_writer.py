"""There is one refresh at a time, and all who wait share it, however many and however large."""

from __future__ import annotations

import asyncio
import json
import threading

from edge import Edge, many
from upstream import holding, rows

READERS = 200
ROWS = 100


def gets(path: str, count: int) -> list[tuple[str, str, object]]:
    """Return so many requests for a path."""
    return [("GET", path, None)] * count


def test_a_crowd_of_cold_reads_is_one_request(edge: Edge) -> None:
    """All of them get the same answer."""
    answers = asyncio.run(many(edge.url, gets("/articles", READERS)))
    assert {answer.status_code for answer in answers} == {200}
    edge.kv.wait()
    assert {answer.content for answer in answers} == {edge.kv.value("/articles")}
    assert edge.asked == 1


def test_a_client_that_goes_away_does_not_cancel_the_others(edge: Edge) -> None:
    """All who wait share the read."""
    gone = threading.Event()
    edge.upstream.acts.append(holding(gone))

    async def scene() -> list[int]:
        impatient = asyncio.create_task(many(edge.url, gets("/articles", 5)))
        while edge.asked == 0:  # noqa: ASYNC110  the upstream is no task
            await asyncio.sleep(0.01)
        patient = asyncio.create_task(many(edge.url, gets("/articles", 5)))
        impatient.cancel()
        await asyncio.wait([impatient])
        gone.set()
        return [answer.status_code for answer in await patient]

    assert asyncio.run(scene()) == [200] * 5
    assert edge.asked == 1


def test_twenty_megabytes_pass(edge: Edge) -> None:
    """They pass on a miss, and from KV."""
    body = json.dumps([{"id": n, "title": "x" * 10_000} for n in range(2000)]).encode()
    assert len(body) > 20_000_000
    edge.upstream.acts.append(rows(body, 2000))
    miss, hit = edge.get("/articles"), edge.get_from_kv("/articles")
    assert miss.content == hit.content == body
    assert hit.headers["cache-status"].endswith("; hit")


def test_a_hundred_rows_at_once_are_all_found_and_all_fresh(edge: Edge) -> None:
    """The object knows nothing of these rows, neither at first nor after a revalidation.

    A reader that would wait too long gets the old row, which is marked.
    """
    paths: list[tuple[str, str, object]] = [
        ("GET", f"/articles/{row_id}", None) for row_id in range(1, ROWS + 1)
    ]

    def titles() -> set[str]:
        answers = asyncio.run(many(edge.url, paths))
        slow = "detail=supabase-slow"
        return {one.json()["title"] for one in answers if slow not in one.headers["cache-status"]}

    edge.db.replace([{"id": n, "title": "old"} for n in range(1, ROWS + 1)])
    assert titles() == {"old"}
    edge.kv.wait()
    changed = {"title": "new"}
    edge.db.http.patch("/articles", params={"id": "gt.0"}, json=changed).raise_for_status()
    edge.get("/revalidate").raise_for_status()
    edge.evict()
    assert titles() <= {"new"}
    edge.kv.wait()
    assert titles() == {"new"}


def test_who_reads_while_kv_says_absent_is_answered_from_memory(edge: Edge) -> None:
    """For a minute KV may not show what was just written. Supabase is not asked again for that."""
    edge.get("/articles")
    edge.kv.wait()
    edge.kv.clear()
    again = edge.get("/articles")
    assert again.headers["cache-status"] == "supabase-edge-cache; hit; detail=memory"
    assert edge.asked == 1
