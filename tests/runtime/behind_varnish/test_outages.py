"""What readers get from a shared cache while the Worker is slow, dead, or without Supabase."""

from __future__ import annotations

import threading
import time

import pytest
from edge import SEED, Edge, EdgeOf, eventually
from upstream import Server, answering, hanging_up, holding
from varnished import StartCache, client_of, was_kept

pytestmark = pytest.mark.played

PAST_S = 1.2
"""After this time, an answer that may be kept for a second is no longer fresh."""

PATIENT = """sub vcl_backend_response {
    set beresp.http.CDN-Cache-Control =
        beresp.http.CDN-Cache-Control + ", stale-while-revalidate=600";
}"""

SHORTER = """sub vcl_backend_response {
    set beresp.http.CDN-Cache-Control =
        regsub(beresp.http.CDN-Cache-Control, "stale-if-error=\\d+", "stale-if-error=1");
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
    assert survived.headers["cdn-cache-control"] == "public, max-age=1, stale-if-error=86400"
