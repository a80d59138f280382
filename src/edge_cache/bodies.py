"""Bodies of answers: bytes, or a stream that only the runtime looks into."""

from __future__ import annotations

from typing import Protocol


class Stream(Protocol):
    """A body that only the runtime looks into."""

    def cancel(self) -> object:
        """Let go of it unread."""


Body = bytes | Stream | None


def release(body: Body) -> None:
    """Let go of a body that is not going to be sent."""
    if body is not None and not isinstance(body, bytes):
        body.cancel()
