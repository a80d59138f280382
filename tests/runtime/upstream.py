"""The remote and its bad days: a real HTTP server in front of the real Supabase.

It passes requests on and counts them; a test may put *acts* before that, one for each request to
come. An act is a function of the request's handler that answers, or does not, as it likes.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Act = Callable[["Handler"], None]

NO_FUNCTION = b'{"code":"PGRST202","details":null,"hint":null,"message":"Could not find it"}'

_FORWARDED = (
    "content-location",
    "content-range",
    "content-type",
    "preference-applied",
    "sb-error-code",
)


@dataclass
class Script:
    """What the upstream does next, and what it was asked.

    Without ``has_function`` it plays a project in which supabase/snapshot.sql is not installed.
    """

    target: str
    acts: deque[Act] = field(default_factory=deque)
    always: Act | None = None
    table: str = "articles"
    has_function: bool = True
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Forget acts and requests."""
        self.acts.clear()
        self.always = None
        self.table = "articles"
        self.has_function = True
        self.requests.clear()
        self.headers.clear()

    def next_act(self, handler: Handler) -> Act:
        """Record a request and return what to do with it."""
        with self.lock:
            self.requests.append(handler.path)
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            if not self.has_function and "/rpc/" in handler.path:
                return answering(404, NO_FUNCTION)
            if self.acts:
                return self.acts.popleft()
            return self.always or forward


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server
    body: bytes

    def do_GET(self) -> None:
        """Play the next act."""
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.script.next_act(self)(self)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  the base's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; a header's underscores become dashes."""
        self.send_response(status)
        fields = {"content_type": "application/json", "content_length": str(len(body)), **headers}
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """The upstream; ``script`` is the tests' handle on it."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = Script(target)

    @property
    def url(self) -> str:
        """Where the Worker finds it."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(target: str) -> Iterator[Server]:
    """Serve in front of a Supabase until the block ends."""
    server = Server(target)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def forward(handler: Handler) -> None:
    """Pass the request on to the real Supabase, and its answer back."""
    script = handler.server.script
    connection = http.client.HTTPConnection(urlsplit(script.target).netloc, timeout=30)
    path = handler.path.replace("/rest/v1/articles", f"/rest/v1/{script.table}", 1)
    try:
        connection.putrequest(handler.command, path, skip_accept_encoding=True)
        for name, value in handler.headers.items():  # some of them more than once
            if name.lower() != "host":
                connection.putheader(name, value)
        connection.endheaders(handler.body)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    kept = {name: response.headers[name] for name in _FORWARDED if name in response.headers}
    if handler.command == "HEAD":
        kept["content-length"] = response.headers.get("content-length", "0")
    handler.answer(response.status, body, **{k.replace("-", "_"): v for k, v in kept.items()})


def answering(status: int, body: bytes = b"", **headers: str) -> Act:
    """Return an act that answers this."""
    return lambda handler: handler.answer(status, body, **headers)


def rows(body: bytes, count: int) -> Act:
    """Return an act that answers a table's only page."""
    shown = f"0-{count - 1}" if count else "*"
    return answering(200, body, content_range=f"{shown}/{count}")


def hanging_up(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def cut_off(handler: Handler) -> None:
    """Promise more than is sent, and close."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'[{"id":1},')
    handler.close_connection = True


def after(seconds: float, act: Act) -> Act:
    """Return an act that begins late."""

    def late(handler: Handler) -> None:
        time.sleep(seconds)
        act(handler)

    return late


def before_asking(action: Callable[[], object], act: Act = forward) -> Act:
    """Return an act that does something before the request goes any further."""

    def acting(handler: Handler) -> None:
        action()
        act(handler)

    return acting


def before_answering(action: Callable[[], object]) -> Act:
    """Return an act that reads the real Supabase, does something, and hands over what was read."""

    def acting(handler: Handler) -> None:
        answer = handler.answer

        def afterwards(status: int, body: bytes = b"", **headers: str) -> None:
            action()
            answer(status, body, **headers)

        handler.answer = afterwards  # type: ignore[method-assign]
        try:
            forward(handler)
        finally:  # the same handler serves the connection's next request
            handler.answer = answer  # type: ignore[method-assign]

    return acting


def late_answer(seconds: float) -> Act:
    """Return an act that reads the real Supabase now and hands its answer over late."""
    return before_answering(lambda: time.sleep(seconds))
