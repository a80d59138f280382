"""Times as people and other programs read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(ms: int) -> str | None:
    """Return a Unix time in milliseconds as RFC 3339 has it, in UTC; None for 0, which is never."""
    if not ms:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
