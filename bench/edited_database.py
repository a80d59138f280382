"""A Supabase whose rows are edited, and whose database has the script of `npm run sql`."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from edited_articles import Articles, answer
from local.ports import LOCALHOST
from outbox import ARTICLES, Outbox, catalogue

_CHANGES, _CATALOGUE = "/rest/v1/rpc/edge_cache_changes", "/rest/v1/rpc/edge_cache_catalogue"
_NO_FUNCTION = b'{"code":"PGRST202","details":null,"hint":null,"message":"Could not find it"}'
_JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Database:
    """The rows, and what the script's triggers noted about them."""

    articles: Articles = field(default_factory=Articles)
    outbox: Outbox = field(default_factory=Outbox)

    def edit(self, table: str, article: int, at: float) -> None:
        """Edit an article, or a comment on it. The triggers note that."""
        if table == ARTICLES:
            self.articles.edit(article, at)
            self.outbox.note(table, article)
        else:
            self.outbox.note(table)

    def call(self, path: str, asked: dict[str, str | None]) -> object:
        """Return what a function of the script answers, or None if there is none."""
        if path == _CHANGES:
            return self.outbox.changes(asked)
        return catalogue(asked) if path == _CATALOGUE else None


class Supabase(ThreadingHTTPServer):
    """The REST API. It counts how often each path was asked for."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, database: Database) -> None:
        super().__init__((LOCALHOST, 0), _Handler)
        self.database = database
        self.asked: Counter[str] = Counter()
        self.is_down = False
        """While it is, it breaks each connection without an answer."""

    def asked_for(self, paths: Iterable[str]) -> int:
        """Return how often it was asked for one of these paths."""
        return sum(self.asked[path] for path in paths)

    @property
    def url(self) -> str:
        """The project's URL."""
        return f"http://{LOCALHOST}:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Supabase

    def do_GET(self) -> None:
        """Answer a read."""
        self.server.asked[unquote(self.path)] += 1
        asked = urlsplit(self.path)
        if "/rpc/" in asked.path:  # the function that reads a whole table
            self._send(HTTPStatus.NOT_FOUND, _NO_FUNCTION)
            return
        editions = self.server.database.articles.editions()
        body, rows = answer(dict(parse_qsl(asked.query)), editions)
        total = rows if "count=exact" in self.headers.get("prefer", "") else "*"
        self._send(HTTPStatus.OK, body, f"0-{rows - 1}/{total}")

    def do_POST(self) -> None:
        """Call a function."""
        self.server.asked[self.path] += 1
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answered = self.server.database.call(self.path, asked)
        if answered is None:
            self._send(HTTPStatus.NOT_FOUND, _NO_FUNCTION)
        else:
            self._send(HTTPStatus.OK, json.dumps(answered).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Print nothing."""

    def _send(self, status: HTTPStatus, body: bytes, content_range: str = "0-0/*") -> None:
        if self.server.is_down:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(status)
        self.send_header("content-type", _JSON)
        self.send_header("content-range", content_range)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(database: Database) -> Iterator[Supabase]:
    """Serve a database until the block ends."""
    with Supabase(database) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
