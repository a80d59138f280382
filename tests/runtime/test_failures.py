"""Supabase's bad days: each has its own problem, and none of them enters the cache."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import pytest
from edge import SEED, TIMEOUT_S, Edge, StartWorker
from upstream import Act, after, answering, cut_off, forward, hanging_up

from shared.failure import Failure

ERROR = "urn:supabase-edge-cache:"

FAILURES: dict[str, tuple[Act, int, str]] = {
    "connection closed": (hanging_up, 502, "supabase-unreachable"),
    "connection closed within the body": (cut_off, 502, "supabase-unreachable"),
    "too slow": (after(TIMEOUT_S + 1, hanging_up), 504, "supabase-timeout"),
    "wrong key": (answering(401, b'{"message":"Invalid API key"}'), 502, "supabase-rejected"),
    "internal error": (answering(500, b"oops"), 502, "supabase-unavailable"),
    "no database": (answering(503, b'{"code":"PGRST000"}'), 502, "supabase-unavailable"),
    "pool exhausted": (answering(504, b'{"code":"PGRST003"}'), 504, "supabase-timeout"),
    "too many requests": (answering(429), 502, "supabase-unavailable"),
    "HTML": (
        answering(200, b"<!doctype html>", content_type="text/html"),
        502,
        "supabase-invalid-answer",
    ),
    "truncated JSON": (
        answering(200, b'[{"id":1},{"id"', content_range="0-1/2"),
        502,
        "supabase-invalid-answer",
    ),
    "no array": (answering(200, b'"rows"'), 502, "supabase-invalid-answer"),
    "rows missing": (
        answering(200, b'[{"id":1}]', content_range="0-2/3"),
        502,
        "supabase-invalid-answer",
    ),
    "redirect": (
        answering(302, location="http://127.0.0.1:1/elsewhere"),
        502,
        "supabase-invalid-answer",
    ),
}


@pytest.mark.parametrize("path", ["/articles", "/articles/2"])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_on_a_miss_is_a_problem_and_is_not_kept(
    edge: Edge, failure: str, path: str
) -> None:
    """The reader is told what happened; the next one asks anew and gets the rows."""
    act, status, slug = FAILURES[failure]
    edge.upstream.always = act
    response = edge.get(path)
    assert (response.status_code, response.json()["type"]) == (status, ERROR + slug)
    assert response.headers["content-type"].startswith("application/problem+json")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"
    transient = slug in {"supabase-unreachable", "supabase-timeout", "supabase-unavailable"}
    assert ("retry-after" in response.headers) is transient
    assert "Traceback" not in response.text
    assert edge.kv.keys() == {}
    edge.upstream.always = None
    assert edge.get(path).json() == (list(SEED) if path == "/articles" else SEED[1])


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_leaves_a_good_entry_in_place(edge: Edge, failure: str) -> None:
    """Revalidation fails, and readers do not notice."""
    edge.get("/articles")
    before = edge.kv.contents()
    act, status, slug = FAILURES[failure]
    edge.upstream.always = act
    response = edge.get("/revalidate")
    assert (response.status_code, response.json()["type"]) == (status, ERROR + slug)
    assert edge.kv.contents() == before
    assert edge.get("/articles").json() == list(SEED)


def test_problems_carry_supabases_status_and_code(edge: Edge) -> None:
    """An operator sees what to mend: here, a missing grant."""
    edge.upstream.always = answering(401, b'{"code":"42501","message":"x"}')
    problem = edge.get("/articles").json()
    assert (problem["supabase_status"], problem["code"]) == (401, "42501")
    assert "grant select" in problem["detail"]


@pytest.mark.parametrize("path", ["/articles", "/articles/2"])
def test_transient_failures_are_tried_again(edge: Edge, path: str) -> None:
    """Two bad answers in a row cost the reader only time."""
    edge.upstream.acts.extend([hanging_up, answering(503)])
    assert edge.get(path).status_code == 200
    assert edge.asked == 3


def test_a_refusal_is_not_tried_again(edge: Edge) -> None:
    """A wrong key stays wrong."""
    edge.upstream.always = FAILURES["wrong key"][0]
    edge.get("/articles")
    assert edge.asked == 1


def test_the_time_limit_holds(edge: Edge) -> None:
    """A reader is told after the time limit, not when the remote gives up."""
    edge.upstream.always = after(TIMEOUT_S * 3, forward)
    response = edge.get("/articles")
    assert response.status_code == 504
    assert response.elapsed.total_seconds() < TIMEOUT_S * 2


def test_supabases_own_text_is_not_passed_on(edge: Edge) -> None:
    """Its messages may quote a row."""
    body = json.dumps({"code": "23514", "message": "row contains (7, private)"}).encode()
    edge.upstream.always = answering(400, body)
    assert "private" not in edge.get("/articles").text
    assert "private" not in edge.log.text()


def test_larger_than_kv_takes_is_served_uncached(edge: Edge) -> None:
    """25 MiB is KV's limit; an older, smaller entry must not be served in its place."""
    edge.get("/articles")
    title = "x" * 1_000_000
    body = json.dumps([{"id": n, "title": title} for n in range(27)]).encode()
    edge.upstream.acts.append(answering(200, body, content_range="0-26/27"))
    assert edge.get("/revalidate").status_code == 200
    assert edge.log.wait_for("too_large")[0]["bytes"] == len(body)
    assert "/articles" not in edge.kv.contents()
    edge.upstream.acts.append(answering(200, body, content_range="0-26/27"))
    response = edge.get("/articles")
    assert response.content == body
    assert "stored" not in response.headers["cache-status"]


def test_supabase_not_listening(start_worker: StartWorker) -> None:
    """Connection refused, and a host name that does not resolve, each with its own words."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = {"SUPABASE_URL": f"http://127.0.0.1:{unused.getsockname()[1]}"}
        worker = start_worker(refused)
        problem = httpx.get(f"{worker.url}/articles", timeout=30)
    assert (problem.status_code, problem.json()["type"]) == (502, ERROR + "supabase-unreachable")
    assert "refused the connection" in problem.json()["detail"]

    worker = start_worker({"SUPABASE_URL": "http://no-such-host.invalid"})
    problem = httpx.get(f"{worker.url}/articles", timeout=30)
    assert (problem.status_code, problem.json()["type"]) == (502, ERROR + "supabase-unreachable")
    assert "does not resolve" in problem.json()["detail"]


def test_a_worker_without_configuration_says_what_is_missing(
    start_worker: StartWorker, project: Path
) -> None:
    """Each variable and binding is named, with what it should be; nothing is guessed."""
    bare = project / "bare.toml"
    config = (project / "wrangler.toml").read_text()
    bare.write_text(config.replace('"ARTICLES"', '"OTHER"'))
    worker = start_worker(only={"SUPABASE_ANON_KEY": "sb_secret_x"}, config=bare)
    response = httpx.get(f"{worker.url}/articles")
    assert (response.status_code, response.json()["type"]) == (500, ERROR + "configuration")
    detail = response.json()["detail"]
    assert "SUPABASE_URL is missing: it should be your project's URL" in detail
    assert "SUPABASE_ANON_KEY holds a secret key" in detail
    assert "ARTICLES is not bound: it should be a KV namespace" in detail
    assert "sb_secret_x" not in response.text + worker.process.log.read_text()


def test_the_output_of_a_runtime_that_does_not_start_is_shown(
    start_worker: StartWorker, project: Path, tmp_path: Path
) -> None:
    """A broken Worker fails the tests with its own log, within the deadline."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "entry.py").write_text("import no_such_module\n")
    config = (project / "wrangler.toml").read_text().replace("worker_entry.py", "entry.py")
    (tmp_path / "wrangler.toml").write_text(config)
    (tmp_path / "python_modules").symlink_to(project / "python_modules")
    with pytest.raises(Failure, match="no_such_module"):
        start_worker(only={}, config=tmp_path / "wrangler.toml")
