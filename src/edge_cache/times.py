"""Times as people and other programs read them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(ms: int) -> str | None:
    """Return a Unix time in milliseconds in RFC 3339's form, in UTC. 0 means never: None."""
    if not ms:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
