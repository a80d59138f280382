"""Clocks that jump: nothing old looks fresh, and nobody waits longer than without the jump."""

from __future__ import annotations

import time

import pytest
from edge import Edge, eventually, payload

BACK_S = [-30, -3600]
JUMPS_S = [*BACK_S, 3600]


@pytest.mark.parametrize("jump_s", JUMPS_S)
@pytest.mark.parametrize("evicted", [False, True])
def test_revalidation_makes_rows_fresh(edge: Edge, jump_s: float, evicted: bool) -> None:
    """Also if the object was restarted meanwhile, on a machine with another time."""
    for row_id in (1, 2, 3):
        edge.get(f"/articles/{row_id}")
    edge.kv.wait()
    edge.set_clock(jump_s)
    if evicted:
        edge.evict()
    for row_id in (1, 2, 3):
        edge.db.update(row_id, title=f"Edited {row_id}")
    begun = time.monotonic()
    edge.get("/revalidate").raise_for_status()
    assert time.monotonic() - begun < 5
    for row_id in (1, 2, 3):
        assert edge.get(f"/articles/{row_id}").json()["title"] == f"Edited {row_id}"


@pytest.mark.parametrize("jump_s", JUMPS_S)
def test_a_webhooks_change_arrives(edge: Edge, jump_s: float) -> None:
    """In the usual second or two."""
    edge.get("/articles")
    edge.get("/articles/2")
    edge.webhook("UPDATE", {"id": 2})
    edge.settle()
    edge.set_clock(jump_s)
    edge.db.update(2, title="Edited")
    edge.webhook("UPDATE", {"id": 2}).raise_for_status()
    eventually(lambda: edge.get("/articles/2").json()["title"] == "Edited", "the row", 5)
    eventually(lambda: "Edited" in edge.titles(), "the list", 5)


@pytest.mark.parametrize("jump_s", BACK_S)
def test_the_cron_trigger_heals_a_row(edge: Edge, jump_s: float) -> None:
    """Whatever time the entry says it was read at."""
    edge.get("/articles/2")
    edge.kv.wait()
    edge.set_clock(jump_s)
    edge.evict()
    edge.db.update(2, title="Edited")
    edge.tick()
    eventually(lambda: edge.get("/articles/2").json()["title"] == "Edited", "it is healed", 5)


@pytest.mark.parametrize("jump_s", BACK_S)
def test_a_change_that_waits_for_its_retry_arrives(edge: Edge, jump_s: float) -> None:
    """The alarm of the earlier life may be an hour off."""
    edge.get("/articles/2")
    edge.upstream.always = lambda handler: handler.answer(401)
    edge.db.update(2, title="Edited")
    edge.http.post("/revalidate", json=payload("UPDATE", {"id": 2})).raise_for_status()
    edge.log.wait_for("retry_scheduled", count=2)
    edge.set_clock(jump_s)
    edge.evict()
    edge.upstream.always = None
    eventually(lambda: edge.status()["pending"] == 0, "nothing pending", 12)
    assert edge.get("/articles/2").json()["title"] == "Edited"
