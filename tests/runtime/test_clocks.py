"""Clocks that jump: nothing old looks fresh, and no old alarm delays a change."""

from __future__ import annotations

from edge import Edge, eventually, payload

HOUR_BACK_S = -3600


def test_revalidation_makes_rows_fresh(edge: Edge) -> None:
    """Rows are fresh even if the object was restarted meanwhile on a machine with another time."""
    edge.get("/articles/2")
    edge.kv.wait()
    edge.set_clock(HOUR_BACK_S)
    edge.evict()
    edge.db.update(2, title="Edited")
    edge.get("/revalidate").raise_for_status()
    assert edge.get("/articles/2").json()["title"] == "Edited"


def test_a_change_that_waits_for_its_retry_arrives(edge: Edge) -> None:
    """The alarm that the object set before its restart is an hour off."""
    edge.get("/articles")
    edge.get("/articles/2")
    edge.kv.wait()
    edge.upstream.always = lambda handler: handler.answer(401)
    edge.db.update(2, title="Edited")
    edge.http.post("/revalidate", json=payload("UPDATE", {"id": 2})).raise_for_status()
    edge.log.wait_for("retry_scheduled", count=2)
    edge.set_clock(HOUR_BACK_S)
    edge.evict()
    edge.upstream.always = None
    eventually(lambda: edge.status()["pending"] == 0, "nothing pending")
    assert edge.get("/articles/2").json()["title"] == "Edited"
