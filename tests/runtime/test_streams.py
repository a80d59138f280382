"""What is passed on streams, in either direction, and ends where a client hangs up."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from edge import DEADLINE_S, Edge
from upstream import Handler, streaming, until_hung_up

from local import stack

REST = "/rest/v1/articles"

MB = 1_000_000
LARGE = 20 * MB
PIECE = os.urandom(50_000)


@pytest.mark.parametrize("framed", ["by its length", "in chunks"])
def test_a_large_upload_streams(edge: Edge, worker: stack.Worker, framed: str) -> None:
    """Supabase has the first bytes before the last are sent, and the Worker never has all."""
    begun, digests = threading.Event(), []

    def digesting(handler: Handler) -> None:
        digest = hashlib.sha256()
        for piece in handler.body:
            begun.set()
            digest.update(piece)
        digests.append(digest.hexdigest())
        handler.answer(201)

    def pieces() -> Iterator[bytes]:
        for number in range(LARGE // len(PIECE)):
            assert number < 100 or begun.wait(DEADLINE_S)
            yield PIECE

    edge.upstream.always = digesting
    headers = {"content-length": str(LARGE)} if framed == "by its length" else {}
    before = Memory(worker).reset()
    response = edge.http.post(REST, content=pieces(), headers=headers)
    assert (response.status_code, digests) == (201, [digest_of_large()])
    assert Memory(worker).peak_mb() - before < LARGE / MB


def test_a_large_download_streams(edge: Edge, worker: stack.Worker) -> None:
    """The client has the first bytes before Supabase sends the last."""
    begun = threading.Event()

    def pieces() -> Iterator[bytes]:
        for number in range(LARGE // len(PIECE)):
            assert number < 100 or begun.wait(DEADLINE_S)
            yield PIECE

    edge.upstream.always = streaming(pieces(), content_type="application/octet-stream")
    before, digest = Memory(worker).reset(), hashlib.sha256()
    with edge.http.stream("GET", REST) as response:
        for piece in response.iter_raw():
            begun.set()
            digest.update(piece)
    assert digest.hexdigest() == digest_of_large()
    assert Memory(worker).peak_mb() - before < LARGE / MB


def digest_of_large() -> str:
    """Return what the large body is told by."""
    return hashlib.sha256(PIECE * (LARGE // len(PIECE))).hexdigest()


class Memory:
    """What the runtime's processes have in memory, where Linux tells."""

    def __init__(self, worker: stack.Worker) -> None:
        self._folders = [
            folder
            for folder in Path("/proc").glob("[0-9]*")
            if _is_runtime(folder, worker.process.popen.pid)
        ]

    def reset(self) -> float:
        """Let the peak begin anew; return what is in memory now, in MB."""
        for folder in self._folders:
            (folder / "clear_refs").write_text("5")
        return self.peak_mb()

    def peak_mb(self) -> float:
        """Return the most that was in memory since, in MB; 0 where nothing tells."""
        return sum(_peak_mb(folder) for folder in self._folders)


def _is_runtime(folder: Path, group: int) -> bool:
    try:
        name, _, rest = (folder / "stat").read_text().rpartition(")")
    except OSError:
        return False  # it ended meanwhile
    return name.endswith("(workerd") and int(rest.split()[2]) == group


def _peak_mb(folder: Path) -> float:
    lines = (folder / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024 / MB


def test_a_client_that_stops_reading_ends_the_answer(edge: Edge) -> None:
    """Supabase is not left sending to nobody."""
    noticed = threading.Event()
    endless = iter(lambda: PIECE, None)
    edge.upstream.always = until_hung_up(streaming(endless), noticed)
    with edge.http.stream("GET", REST) as response:
        assert len(next(response.iter_raw())) > 0
    assert noticed.wait(DEADLINE_S)


@pytest.mark.parametrize("framing", ["content-length: 9000000", "transfer-encoding: chunked"])
def test_a_client_that_stops_sending_ends_the_request(edge: Edge, framing: str) -> None:
    """Supabase sees the upload break, not end."""
    begun, noticed = threading.Event(), threading.Event()

    def reading(handler: Handler) -> None:
        for _ in handler.body:
            begun.set()
        raise AssertionError("the body is complete")

    edge.upstream.always = until_hung_up(reading, noticed)
    url = urlsplit(str(edge.http.base_url))
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(f"POST {REST} HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n".encode())
        client.sendall((b"186a0\r\n" if "chunked" in framing else b"") + b"a" * 100_000)
        assert begun.wait(DEADLINE_S)
    assert noticed.wait(DEADLINE_S)
