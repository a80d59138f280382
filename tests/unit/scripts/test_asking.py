"""How the commands ask a Worker, and what they say if something else answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import purge
from local.ports import free_port
from shared import asking
from shared.failure import Failure

PROBLEM = "urn:supabase-edge-cache:"


class Server(ThreadingHTTPServer):
    """Answers each request in the same way, and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.body = b"{}"
        self.sent: list[str | None] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def problem(self, status: int, kind: str, detail: str) -> None:
        """Answer with a problem from now on."""
        self.status, told = status, {"type": f"{PROBLEM}{kind}", "detail": detail}
        self.body = json.dumps(told).encode()


class Handler(BaseHTTPRequestHandler):
    """One connection to the server."""

    server: Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self.server.sent.append(self.headers["authorization"])
        self.send_response(self.server.status)
        self.send_header("location", f"{self.server.url}/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a server that runs."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("secret", ["one\ntwo", "sécret", "a\x7f"])
def test_a_secret_that_cannot_be_sent_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv(asking.SECRET, secret)
    with pytest.raises(Failure) as raised:
        asking.ask("http://127.0.0.1:1/queries", "targets")
    assert str(raised.value) == (
        "REVALIDATE_SECRET from the environment has a character that a header cannot have."
    )


def test_a_refused_secret_is_said_to_be_from_somewhere(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setenv(asking.SECRET, "wrong")
    server.problem(401, "unauthorized", "It is another one.")
    with pytest.raises(Failure, match="took REVALIDATE_SECRET from the environment") as raised:
        asking.ask(server.url, "targets")
    assert "wrong" not in str(raised.value)
    assert server.sent == ["Bearer wrong"]


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (404, b"Not found"), (200, b"[]"), (200, b'{"other": 1}'), (502, b"\xff")],
)
def test_what_is_not_this_worker_is_named_so(server: Server, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    with pytest.raises(Failure, match=f"^What answers {status} at {server.url} is not this Worker"):
        asking.ask(server.url, "targets")


def test_another_machine_gets_the_secret_once_it_answers_as_the_worker_does(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    """The address may be Supabase's, by mistake."""
    monkeypatch.setenv(asking.SECRET, "secret")
    elsewhere = server.url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104  reached, not bound to
    server.body = b'{"message": "No API key found in request"}'
    with pytest.raises(Failure, match="is not this Worker"):
        asking.ask(elsewhere, "targets")
    assert server.sent == [None]
    server.problem(401, "unauthorized", "Send the secret.")
    with pytest.raises(Failure, match=r"Send the secret\."):
        asking.ask(elsewhere, "targets")
    assert server.sent == [None, None, "Bearer secret"]


def test_the_secret_follows_no_redirect(server: Server) -> None:
    server.status = 301
    with pytest.raises(Failure, match=f"It leads to {server.url}/elsewhere."):
        asking.ask(server.url, "targets")
    assert len(server.sent) == 1


@pytest.mark.parametrize("address", ["http://127.0.0.1:x", "http://a b", "http://."])
def test_an_address_that_nobody_has_is_refused(address: str) -> None:
    with pytest.raises(Failure):
        asking.ask(address, "targets")


def test_nobody_may_answer() -> None:
    with pytest.raises(Failure, match="Does the Worker run"):
        asking.ask(f"http://127.0.0.1:{free_port()}", "targets")


def test_a_worker_that_is_not_configured_says_why(server: Server) -> None:
    """Its report has an error's status, and names nothing that is served."""
    told = {"configuration": ["SUPABASE_URL is missing."], "tables": {}, "project": {}}
    server.status, server.body = 503, json.dumps(told).encode()
    with pytest.raises(Failure, match=r"is not configured\. SUPABASE_URL is missing"):
        purge.declared_at(server.url)


def test_in_an_outage_everything_is_out_of_date_all_the_same(server: Server) -> None:
    server.problem(502, "supabase-unreachable", "It is down.")
    with pytest.raises(Failure) as raised:
        purge.outdate_all(server.url)
    assert str(raised.value) == (
        "Everything is out of date, but Supabase could not be read. It is down. Until it can be,"
        " readers get the last good answers."
    )
    server.problem(503, "kv-unavailable", "Workers KV is down.")
    with pytest.raises(Failure, match="Workers KV is down"):
        purge.outdate_all(server.url)
