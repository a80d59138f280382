"""Freshness without webhooks: maximum age, cron trigger, stale answers instead of errors."""

from __future__ import annotations

import time

import pytest
from edge import SEED, Edge, EdgeOf, StartWorker, eventually
from upstream import Act, answering, hanging_up

from local import stack

CACHE_STATUS = "supabase-edge-cache; "
MAX_AGE_S = 1


@pytest.fixture(scope="module")
def ageing_worker(start_worker: StartWorker) -> stack.Worker:
    """Return a Worker whose entries age."""
    return start_worker({"MAX_AGE_SECONDS": str(MAX_AGE_S)})


@pytest.fixture
def ageing(edge_of: EdgeOf, ageing_worker: stack.Worker) -> Edge:
    """Return that Worker in its initial state."""
    return edge_of(ageing_worker)


@pytest.mark.parametrize("path", ["/articles", "/articles/2"])
def test_an_old_entry_is_served_and_renewed(ageing: Edge, path: str) -> None:
    """The reader does not wait; the next one has the edit."""
    first = ageing.get(path)
    ageing.db.update(2, title="Edited")
    time.sleep(MAX_AGE_S + 1.1)
    stale = ageing.get(path)
    assert stale.content == first.content
    assert stale.headers["cache-status"].startswith(CACHE_STATUS + "hit; ttl=-")
    eventually(lambda: "Edited" in ageing.get(path).text, "the edit arrives")


def test_a_young_entry_says_how_long_it_is_fresh(ageing: Edge) -> None:
    """Its ttl is not negative, and Supabase is not asked."""
    ageing.get("/articles")
    assert ageing.get("/articles").headers["cache-status"] in {
        CACHE_STATUS + f"hit; ttl={seconds}" for seconds in range(MAX_AGE_S + 1)
    }
    assert ageing.asked == 1


def test_many_readers_of_an_old_entry_cause_one_read(ageing: Edge) -> None:
    """The first one's renewal serves all."""
    ageing.get("/articles")
    time.sleep(MAX_AGE_S + 1.1)
    for _ in range(10):
        ageing.get("/articles")
    eventually(lambda: ageing.asked >= 2, "it is renewed")
    assert ageing.asked == 2


def test_an_old_entry_outlives_supabase(ageing: Edge) -> None:
    """However old: readers get it, and Supabase is not hammered."""
    ageing.get("/articles")
    ageing.upstream.always = answering(401)
    time.sleep(MAX_AGE_S + 1.1)
    for _ in range(20):
        assert ageing.get("/articles").json() == list(SEED)
    assert ageing.asked == 2


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (answering(503), "fwd-status=503; detail=supabase-unavailable"),
        (answering(401), "fwd-status=401; detail=supabase-rejected"),
        (hanging_up, "detail=supabase-unreachable"),
    ],
)
def test_a_stale_row_is_better_than_an_error(edge: Edge, act: Act, status: str) -> None:
    """A row that could not be read again is served as it was, and marked.

    A status is claimed only if one arrived.
    """
    edge.get("/articles/2")
    edge.get("/revalidate").raise_for_status()
    edge.upstream.always = act
    response = edge.get("/articles/2")
    assert response.json() == SEED[1]
    assert response.headers["cache-status"] == CACHE_STATUS + f"fwd=stale; {status}"
    assert edge.log.wait_for("stale_if_error")


def test_a_stale_row_does_not_wait_for_a_remote_that_just_failed(edge: Edge) -> None:
    """Only the first reader waits; the others have their answer at once."""
    for row_id in (1, 2, 3):
        edge.get(f"/articles/{row_id}")
    edge.get("/revalidate").raise_for_status()
    edge.upstream.always = answering(503)
    assert edge.get("/articles/1").json() == SEED[0]
    asked = edge.asked
    for row_id in (1, 2, 3):
        response = edge.get(f"/articles/{row_id}")
        assert response.json() == SEED[row_id - 1]
        assert response.headers["cache-status"] == (
            CACHE_STATUS + "hit; detail=supabase-failed-just-now"
        )
    assert edge.asked == asked


def test_a_row_that_fails_keeps_no_other_out_of_date(edge: Edge) -> None:
    """Supabase is well; it refuses one row."""
    for row_id in (1, 2):
        edge.get(f"/articles/{row_id}")
    edge.kv.wait()
    edge.db.update(2, title="Edited")
    edge.get("/revalidate").raise_for_status()
    edge.upstream.acts.extend([answering(500)] * 3)  # it is tried thrice
    assert edge.get("/articles/1").json() == SEED[0]
    assert edge.get("/articles/2").json()["title"] == "Edited"


def test_the_cron_trigger_heals_a_lost_webhook(edge: Edge) -> None:
    """Of the list and of rows: changed, deleted and appeared."""
    edge.get("/articles")
    for row_id in (1, 2, 3):
        edge.get(f"/articles/{row_id}")
    edge.db.update(1, title="Edited")
    edge.db.delete(2)
    edge.db.insert([{"id": 4, "title": "New", "published": True}])
    edge.tick()
    eventually(lambda: edge.titles() == ["Edited", "Third blog", "New"], "the list is healed")
    assert edge.get("/articles/1").json()["title"] == "Edited"
    assert edge.get("/articles/2").status_code == 404
    assert edge.get("/articles/4").json()["title"] == "New"


def test_the_cron_trigger_heals_a_row_that_came_and_went(edge: Edge) -> None:
    """The list is as it was; an entry of the row is not."""
    edge.get("/articles")
    edge.db.insert([{"id": 4, "title": "Short-lived", "published": True}])
    assert edge.get("/articles/4").status_code == 200
    edge.db.delete(4)
    edge.tick()
    eventually(lambda: edge.get("/articles/4").status_code == 404, "the row is gone")


def test_the_cron_trigger_writes_nothing_if_nothing_changed(edge: Edge) -> None:
    """Same rows, no write: neither to the list nor to the rows."""
    edge.get("/articles")
    edge.get("/articles/2")
    before = edge.kv.contents()
    edge.tick()
    edge.log.wait_for("unchanged")
    assert edge.kv.contents() == before
    assert not edge.log.events("changed")


def test_a_failing_cron_trigger_leaves_the_entries(edge: Edge) -> None:
    """And says so in the log."""
    edge.get("/articles")
    before = edge.kv.contents()
    edge.upstream.always = answering(503)
    edge.tick()
    edge.log.wait_for("check_failed")
    assert edge.kv.contents() == before
