"""Freshness without webhooks: maximum age, cron trigger, and stale answers instead of errors."""

from __future__ import annotations

import pytest
from edge import SEED, Edge, EdgeOf, eventually
from upstream import hanging_up

CACHE_STATUS = "supabase-edge-cache; "
MAX_AGE_S = 600


@pytest.mark.parametrize("path", ["/articles", "/articles/2"])
def test_an_old_entry_is_served_and_renewed(edge_of: EdgeOf, path: str) -> None:
    """The reader does not wait. The next reader sees the edit."""
    ageing = edge_of({"MAX_AGE_SECONDS": str(MAX_AGE_S)})
    first = ageing.get(path)
    young = ageing.get_from_kv(path).headers["cache-status"]
    assert young.startswith(CACHE_STATUS + "hit; ttl=")
    assert 0 < int(young.rpartition("=")[2]) <= MAX_AGE_S
    assert ageing.asked == 1
    ageing.db.update(2, title="Edited")
    ageing.set_clock(MAX_AGE_S + 60)
    stale = ageing.get(path)
    assert stale.content == first.content
    assert stale.headers["cache-status"].startswith(CACHE_STATUS + "hit; ttl=-")
    eventually(lambda: "Edited" in ageing.get(path).text, "the edit arrives")


def test_a_stale_row_is_better_than_an_error(edge: Edge) -> None:
    """If a row cannot be read again, readers get the old one, marked as stale."""
    edge.get("/articles/2")
    edge.kv.wait()
    edge.upstream.always = hanging_up
    assert edge.get("/revalidate").status_code == 502

    def told() -> str:
        response = edge.get("/articles/2")
        assert response.json() == SEED[1]
        return response.headers["cache-status"]

    eventually(lambda: told() != CACHE_STATUS + "hit", "readers are told")
    assert told() in {
        CACHE_STATUS + "fwd=stale; detail=supabase-unreachable",
        CACHE_STATUS + "hit; detail=supabase-failed-just-now",
    }
    assert edge.log.wait_for("stale_if_error")


def test_the_cron_trigger_heals_a_lost_webhook(edge: Edge) -> None:
    """It heals the list and rows, whether they changed, were deleted or appeared."""
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
