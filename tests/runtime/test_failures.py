"""Supabase's failures: each has a problem of its own, and none of them enters the cache."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from edge import SEED, SHORT_TIMEOUT_S, Edge, EdgeOf, Variables, eventually
from upstream import Act, answering, cut_off, hanging_up, holding

pytestmark = pytest.mark.played

ERROR = "urn:supabase-edge-cache:"
HIT = "supabase-edge-cache; hit"

FAILURES: dict[str, tuple[Act, int, str]] = {
    "connection closed": (hanging_up, 502, "supabase-unreachable"),
    "connection closed within the body": (cut_off, 502, "supabase-unreachable"),
    "wrong key": (answering(401, b'{"message":"Invalid API key"}'), 502, "supabase-rejected"),
    "internal error": (answering(500, b"oops"), 502, "supabase-unavailable"),
    "HTML": (
        answering(200, b"<!doctype html>", content_type="text/html"),
        502,
        "supabase-invalid-answer",
    ),
    "redirect": (
        answering(302, location="http://127.0.0.1:1/elsewhere"),
        502,
        "supabase-invalid-answer",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_told_on_a_miss_and_leaves_a_good_entry_in_place(
    edge: Edge, failure: str
) -> None:
    """The first reader gets the error. For the next reader, Supabase is asked again.

    If a revalidation fails, readers get the old rows, but not as if these were fresh.
    """
    act, status, slug = FAILURES[failure]
    edge.upstream.always = act
    response = edge.get("/articles")
    assert (response.status_code, response.json()["type"]) == (status, ERROR + slug)
    assert response.headers["content-type"].startswith("application/problem+json")
    assert response.headers["cache-control"] == "no-store"
    assert "Traceback" not in response.text
    assert "/articles" not in edge.kv.contents()
    edge.upstream.always = None
    assert edge.get("/articles").json() == list(SEED)
    before = edge.kv.contents()["/articles"]
    edge.upstream.always = act
    response = edge.get("/revalidate")
    assert (response.status_code, response.json()["type"]) == (status, ERROR + slug)
    assert edge.kv.contents()["/articles"] == before
    eventually(lambda: edge.get("/articles").headers["cache-status"] != HIT, "readers are told")
    old = edge.get("/articles")
    assert old.json() == list(SEED)
    assert "detail=supabase-" in old.headers["cache-status"]


def test_the_time_limit_holds(edge_of: EdgeOf) -> None:
    """The reader gets an error then, although the remote goes on."""
    edge, told = edge_of({"SUPABASE_TIMEOUT_SECONDS": str(SHORT_TIMEOUT_S)}), threading.Event()
    edge.upstream.always = holding(told)
    response = edge.get("/articles")
    told.set()
    assert (response.status_code, response.json()["type"]) == (504, ERROR + "supabase-timeout")
    assert response.headers["retry-after"] == "5"


def test_larger_than_kv_takes_is_served_uncached(edge: Edge) -> None:
    """KV's limit is 25 MiB. An older, smaller entry must not be served instead.

    Nobody reads the table again and again because it has no entry.
    """
    edge.get("/articles")
    title = "x" * 1_000_000
    body = json.dumps([{"id": n, "title": title} for n in range(27)]).encode()
    edge.upstream.always = answering(200, body, content_range="0-26/27")
    assert edge.get("/revalidate").status_code == 200
    assert edge.log.wait_for("too_large")[0]["bytes"] == len(body)
    eventually(lambda: edge.status()["pending"] == 0, "nothing pending", 10)
    assert "/articles" not in edge.kv.contents()
    response = edge.get("/articles")
    assert response.content == body
    assert "stored" not in response.headers["cache-status"]


def test_supabase_not_listening(edge: Edge, variables: Variables) -> None:
    """The connection is refused, or the host name does not resolve. Each has its own words."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for url, words in (
            (nobody, "refused the connection"),
            ("http://no-such-host.invalid", "does not resolve"),
        ):
            edge.configure({**variables, "SUPABASE_URL": url})
            problem = edge.get("/articles")
            unreachable = ERROR + "supabase-unreachable"
            assert (problem.status_code, problem.json()["type"]) == (502, unreachable)
            assert words in problem.json()["detail"]
            written = edge.http.post("/rest/v1/articles", json={})
            assert (written.status_code, written.json()["code"]) == (
                502,
                "EDGE_SUPABASE_UNREACHABLE",
            )


def test_a_worker_without_configuration_says_what_is_missing(edge: Edge) -> None:
    """Each variable is named, with what it should be. Nothing is guessed, and no key is shown."""
    edge.configure({"SUPABASE_ANON_KEY": "sb_secret_x", "PASS_THROUGH": "some"})
    response = edge.get("/articles")
    assert (response.status_code, response.json()["type"]) == (500, ERROR + "configuration")
    detail = response.json()["detail"]
    assert "SUPABASE_URL is missing: it should be your project's URL" in detail
    assert "SUPABASE_ANON_KEY holds a secret key" in detail
    passed_on = edge.http.post("/rest/v1/articles", json={})
    assert (passed_on.status_code, passed_on.json()["code"]) == (502, "EDGE_CONFIGURATION")
    assert "PASS_THROUGH is malformed: " in passed_on.json()["details"]
    assert edge.http.options("/rest/v1/articles").status_code == 204
    health = edge.get("/health")
    assert health.status_code == 503
    names = [fault.split()[0] for fault in health.json()["configuration"]]
    assert names == ["SUPABASE_URL", "SUPABASE_ANON_KEY", "PASS_THROUGH"]
    assert "sb_secret_x" not in response.text + passed_on.text + health.text + edge.log.text()
