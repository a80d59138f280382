"""The remote and its failures: a real HTTP server in front of the real Supabase.

It passes requests on and counts them. A test may give it *acts*, one for each of the next requests.
An act is a function of the request's handler that answers as it likes, or not at all.
"""

from __future__ import annotations

import http.client
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import urlsplit

Act = Callable[["Handler"], None]

NO_FUNCTION = b'{"code":"PGRST202","details":null,"hint":null,"message":"Could not find it"}'

_OF_THE_SCRIPT = tuple(f"/rpc/edge_cache_{name}" for name in ("changes", "catalogue", "check"))

HELD_S = 60.0
"""A held request goes on after this time, so that no test hangs."""

PIECE_BYTES = 64 * 1024

_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding"}
)
"""Headers that belong to one connection, so they are not passed on."""

_WITHOUT_BODY = frozenset({204, 304})


@dataclass
class Script:
    """What the upstream does next, and which requests it got.

    Without ``has_script``, it plays a project in which the output of `npm run sql` was not run, and
    only the function that reads a long table exists. Without ``has_function``, that one is missing,
    too.
    """

    target: str
    acts: deque[Act] = field(default_factory=deque)
    always: Act | None = None
    table: str = "articles"
    has_script: bool = False
    has_function: bool = True
    requests: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Forget acts and requests."""
        self.acts.clear()
        self.always = None
        self.table = "articles"
        self.has_script = False
        self.has_function = True
        self.requests.clear()
        self.methods.clear()
        self.headers.clear()

    def next_act(self, handler: Handler) -> Act:
        """Record a request and return what to do with it."""
        with self.lock:
            self.requests.append(handler.path)
            self.methods.append(handler.command)
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            if not self.has_function and "/rpc/" in handler.path:
                return answering(404, NO_FUNCTION)
            if self.acts:
                return self.acts.popleft()
            return self.always or forward


class Handler(BaseHTTPRequestHandler):
    """One request. ``body`` has its pieces, as they arrive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body are sent one after the other. Else the body may wait 40 ms for the head's ACK.
    server: Server
    body: Iterator[bytes]

    def do_GET(self) -> None:
        """Play the next act."""
        self.body = self._pieces()
        self.server.script.next_act(self)(self)

    do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Print nothing."""

    def answer(self, status: int, body: bytes = b"", **headers: str | Sequence[str]) -> None:
        """Send a whole answer, after the request's body was read.

        In a header's name, an underscore becomes a dash. A header with several values is sent as
        often.
        """
        for _ in self.body:
            pass
        fields = {"content_type": "application/json", "content_length": str(len(body)), **headers}
        if status in _WITHOUT_BODY:
            del fields["content_length"]
        self.begin(status, **fields)
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, **headers: str | Sequence[str]) -> None:
        """Send the beginning of an answer, for an act that sends the rest itself."""
        self.send_response(status)
        for name, value in headers.items():
            for one in [value] if isinstance(value, str) else value:
                self.send_header(name.replace("_", "-"), one)
        if self.close_connection:  # the client asked for it, and waits for this (RFC 9112, 9.6)
            self.send_header("connection", "close")
        self.end_headers()

    def _pieces(self) -> Iterator[bytes]:
        """Read the body, in any framing. Raises ConnectionError if it does not end."""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline() or b"-1", 16):
                yield self._exactly(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("content-length", 0))
        while left:
            piece = self._exactly(min(left, PIECE_BYTES))
            left -= len(piece)
            yield piece

    def _exactly(self, size: int) -> bytes:
        piece = self.rfile.read(max(size, 0))
        if len(piece) != size:
            raise ConnectionError("The connection ended within the body.")
        return piece


class Server(ThreadingHTTPServer):
    """The upstream. Tests control it with ``script``."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print an error, but not that a client has hung up."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def __init__(self, target: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.script = Script(target)

    @property
    def url(self) -> str:
        """The address at which the Worker finds it."""
        return f"http://127.0.0.1:{self.server_port}"


AnyServer = TypeVar("AnyServer", bound=ThreadingHTTPServer)


@contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """Run a server until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serving(target: str) -> AbstractContextManager[Server]:
    """Serve in front of a Supabase until the block ends."""
    return running(Server(target))


def forward(handler: Handler, **more: str) -> None:
    """Pass the request on to the real Supabase, and pass its answer back with ``more`` headers."""
    script = handler.server.script
    if not script.has_script and handler.path.endswith(_OF_THE_SCRIPT):
        return handler.answer(404, NO_FUNCTION)
    connection = http.client.HTTPConnection(urlsplit(script.target).netloc, timeout=30)
    path = handler.path.replace("/rest/v1/articles", f"/rest/v1/{script.table}", 1)
    body = b"".join(handler.body)
    try:
        connection.putrequest(handler.command, path, skip_accept_encoding=True)
        for name, value in _of_the_message(handler.headers.items()):
            connection.putheader(name, value)
        if "content-length" in handler.headers or "transfer-encoding" in handler.headers:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        answered = response.read()
    finally:
        connection.close()
    headers: dict[str, list[str]] = {}
    for name, value in _of_the_message(response.getheaders()):
        headers.setdefault(name.lower().replace("-", "_"), []).append(value)
    if handler.command == "HEAD":  # the length is that of the body of a GET
        headers["content_length"] = [response.headers.get("content-length", "0")]
    return handler.answer(response.status, answered, **{**headers, **more})


def _of_the_message(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return (pair for pair in headers if pair[0].lower() not in _OF_THE_CONNECTION)


def answering(status: int, body: bytes = b"", **headers: str | Sequence[str]) -> Act:
    """Return an act that answers this."""
    return lambda handler: handler.answer(status, body, **headers)


def rows(body: bytes, count: int) -> Act:
    """Return an act that answers a table's only page."""
    shown = f"0-{count - 1}" if count else "*"
    return answering(200, body, content_range=f"{shown}/{count}")


def hanging_up(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def cut_off(handler: Handler) -> None:
    """Promise more bytes than are sent, and close."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'[{"id":1},')
    handler.close_connection = True


def streaming(pieces: Iterable[bytes], **headers: str) -> Act:
    """Return an act that sends pieces as they come, each as a chunk."""

    def act(handler: Handler) -> None:
        handler.begin(200, transfer_encoding="chunked", **headers)
        for piece in pieces:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    return act


def until_hung_up(act: Act, noticed: threading.Event) -> Act:
    """Return an act that records whether the other side hangs up before the act ends."""

    def watched(handler: Handler) -> None:
        try:
            act(handler)
        except OSError:
            noticed.set()
            handler.close_connection = True

    return watched


def holding(over: threading.Event, act: Act = forward) -> Act:
    """Return an act that begins once an event is set."""

    def held(handler: Handler) -> None:
        over.wait(HELD_S)
        act(handler)

    return held
