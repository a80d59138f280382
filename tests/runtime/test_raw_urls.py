"""URLs as clients sent them, tested in workerd itself: Wrangler and Miniflare rewrite URLs."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from edge import eventually
from upstream import Script, Server, answering, running

import contenders
import serving

pytestmark = pytest.mark.played

TITLES = answering(200, b'[{"id":1,"title":"Old"}]', content_range="0-0/1")
EDITED = answering(200, b'[{"id":1,"title":"New"}]', content_range="0-0/1")


@dataclass(frozen=True)
class Raw:
    """The Worker, asked over a socket, and Supabase's stand-in."""

    address: tuple[str, int]
    upstream: Script

    def ask(self, line: str, body: str = "", host: str = "localhost") -> tuple[int, bytes]:
        """Send a request line unchanged; return status and body."""
        head = f"{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(self.address, timeout=30) as connection:
            connection.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())
            with connection.makefile("rb") as answer:
                answered, _, content = answer.read().partition(b"\r\n\r\n")
        return int(answered.split()[1]), content


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raw]:
    """Return a Worker with nothing in front of it."""
    work = tmp_path_factory.mktemp("raw")
    with running(Server("http://127.0.0.1:9")) as upstream:
        upstream.script.always = TITLES
        supabase = {
            "SUPABASE_URL": contenders.text(upstream.url),
            "SUPABASE_ANON_KEY": contenders.text(contenders.KEY),
            "TABLES": contenders.text('{"articles": {}}'),
        }
        worker = contenders.ours(work / "src", supabase)
        server = serving.start(worker, work, serving.Entry(b"[]"))
        url = urlsplit(server.direct_url)
        assert url.hostname
        assert url.port
        yield Raw((url.hostname, url.port), upstream.script)
        server.process.stop()


PATHS = (
    "/articles/..",
    "/articles/%2e%2e",
    "/articles/%2E.",
    "/articles/.",
    "/x/../articles",
    "/articles//1",
    "//articles",
    "/articles\\..\\x",
    "/rest/v1/articles/../../auth/v1/user",
    "/rest/v1/%2e%2e/%2e%2e/auth/v1/user",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_not_normal_reaches_nobody(raw: Raw, path: str) -> None:
    raw.upstream.requests.clear()
    for method in ("GET", "POST", "HEAD"):
        assert raw.ask(f"{method} {path}")[0] == 400
    assert raw.upstream.requests == []


def test_an_object_stays_with_its_table_whatever_was_asked_before(raw: Raw) -> None:
    """An edit shows even after requests for paths that could have named another object."""
    for path in PATHS:
        raw.ask(f"GET {path}")
    raw.upstream.always = TITLES
    assert raw.ask("GET /revalidate")[0] == 200
    raw.upstream.always = EDITED
    notice = {"type": "UPDATE", "schema": "public", "table": "articles"}
    row = {"record": {"id": 1}, "old_record": {"id": 1}}
    assert raw.ask("POST /revalidate", json.dumps({**notice, **row}))[0] == 200
    eventually(lambda: b"New" in raw.ask("GET /articles")[1], "the edit shows")


def test_a_normal_path_is_served_as_it_came(raw: Raw) -> None:
    raw.upstream.always = TITLES
    assert raw.ask("GET /articles/")[0] == 200
    assert raw.ask("GET http://elsewhere.example/articles?x=/../")[0] == 200
    assert raw.ask("GET /")[0] == 200
    raw.upstream.requests.clear()
    raw.ask("GET /rest/v1/other/%2F..%2f?a=../..&b=//")
    assert "/rest/v1/other/%2F..%2f?a=../..&b=//" in raw.upstream.requests


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example/@localhost", "localhost@evil.example"]
)
def test_only_this_machine_may_revalidate_without_a_secret(raw: Raw, host: str) -> None:
    assert raw.ask("GET /revalidate", host=host)[0] != 200
