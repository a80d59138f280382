"""The part of a WebSocket (RFC 6455) that tests need: short text messages, in both directions."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from typing import BinaryIO
from urllib.parse import urlsplit

from upstream import Handler

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL_TEXT, _FINAL_CLOSE, _MASKED, _LENGTH = 0x81, 0x88, 0x80, 0x7F
_MASK_BYTES = 4


def echoing(handler: Handler) -> None:
    """Accept a WebSocket and send back each message until it is closed."""
    key = handler.headers["sec-websocket-key"]
    accept = base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode()).digest()).decode()  # noqa: S324
    handler.begin(101, upgrade="websocket", connection="Upgrade", sec_websocket_accept=accept)
    while (text := _received(handler.rfile)) is not None:
        handler.wfile.write(_frame(text))
    handler.wfile.write(bytes([_FINAL_CLOSE, 0]))
    handler.close_connection = True


@dataclass(frozen=True)
class Client:
    """An open WebSocket; ``answered`` is how the server accepted it."""

    answered: str
    sent: socket.socket
    received: BinaryIO

    def ask(self, text: bytes) -> bytes | None:
        """Send a message and return the next one, or None if the connection is closed."""
        self.sent.sendall(_frame(text, mask=os.urandom(_MASK_BYTES)))
        return _received(self.received)


@contextmanager
def connected(url: str, path: str) -> Iterator[Client]:
    """Open a WebSocket and close it at the end of the block."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    with socket.create_connection((host, port), timeout=10) as opened:
        key = base64.b64encode(os.urandom(16)).decode()
        opened.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        with opened.makefile("rb") as received:
            head = b"".join(iter(received.readline, b"\r\n"))
            yield Client(head.decode(), opened, received)
            opened.sendall(bytes([_FINAL_CLOSE, _MASKED, 0, 0, 0, 0]))


def _frame(text: bytes, mask: bytes | None = None) -> bytes:
    if mask is None:
        return bytes([_FINAL_TEXT, len(text)]) + text
    return bytes([_FINAL_TEXT, _MASKED | len(text)]) + mask + _masked(text, mask)


def _received(stream: BinaryIO | BufferedIOBase) -> bytes | None:
    head = stream.read(2)
    if len(head) < 2 or head[0] == _FINAL_CLOSE:
        return None
    mask = stream.read(_MASK_BYTES) if head[1] & _MASKED else bytes(_MASK_BYTES)
    return _masked(stream.read(head[1] & _LENGTH), mask)


def _masked(text: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[index % _MASK_BYTES] for index, byte in enumerate(text))
