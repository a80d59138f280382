"""Bodies of answers: bytes, or a stream that only the runtime reads."""

from __future__ import annotations

from typing import Protocol


class Stream(Protocol):
    """A body that only the runtime reads."""

    def cancel(self) -> object:
        """Drop it unread."""


Body = bytes | Stream | None


def release(body: Body) -> None:
    """Drop a body that will not be sent."""
    if body is not None and not isinstance(body, bytes):
        body.cancel()
