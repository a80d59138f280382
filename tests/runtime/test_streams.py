"""What is passed on streams in both directions, and ends if a client hangs up."""

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
    """Supabase gets the first bytes before the last are sent.

    The Worker never holds the whole body.
    """
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
    """The client gets the first bytes before Supabase sends the last."""
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
    """Return the digest of the large body."""
    return hashlib.sha256(PIECE * (LARGE // len(PIECE))).hexdigest()


class Memory:
    """The memory of the runtime's processes, if Linux shows it."""

    def __init__(self, worker: stack.Worker) -> None:
        self._folders = [
            folder
            for folder in Path("/proc").glob("[0-9]*")
            if _is_runtime(folder, worker.process.popen.pid)
        ]

    def reset(self) -> float:
        """Start a new peak; return the memory in use now, in MB."""
        for folder in self._folders:
            (folder / "clear_refs").write_text("5")
        return self.peak_mb()

    def peak_mb(self) -> float:
        """Return the peak since then in MB, or 0 if it is unknown."""
        return sum(_peak_mb(folder) for folder in self._folders)


def _is_runtime(folder: Path, group: int) -> bool:
    try:
        name, _, rest = (folder / "stat").read_text().rpartition(")")
    except OSError:
        return False  # the process has ended
    return name.endswith("(workerd") and int(rest.split()[2]) == group


def _peak_mb(folder: Path) -> float:
    lines = (folder / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024 / MB


def test_a_client_that_stops_reading_ends_the_answer(edge: Edge) -> None:
    """Supabase does not go on sending to nobody."""
    noticed = threading.Event()
    endless = iter(lambda: PIECE, None)
    edge.upstream.always = until_hung_up(streaming(endless), noticed)
    with edge.http.stream("GET", REST) as response:
        assert len(next(response.iter_raw())) > 0
    assert noticed.wait(DEADLINE_S)


@pytest.mark.parametrize("framing", ["content-length: 9000000", "transfer-encoding: chunked"])
def test_a_client_that_stops_sending_ends_the_request(edge: Edge, framing: str) -> None:
    """Supabase sees that the upload broke, not that it ended."""
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
