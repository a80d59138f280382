"""Hands a reader's ``traceparent`` on to Supabase, with the read that the reader waits for.

A context variable carries it, because a read may be queued, shared by many readers and tried again
before it is sent. A task begins with the context of who started it, so the first reader's counts.

SQL can see the header, so two readers could get different answers to the same question. Therefore
it is off unless ``TRACE_FILLS`` is on. https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import re
from contextvars import ContextVar

HEADER = "traceparent"

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_traceparent: ContextVar[str] = ContextVar(HEADER, default="")


def well_formed(value: str | None) -> str:
    """Return a header's value if it has the standard's form, else an empty text."""
    return value if value and _FORM.fullmatch(value) else ""


def hand_on(traceparent: str) -> None:
    """Send this with what the current task asks of Supabase from now on (empty: nothing)."""
    _traceparent.set(traceparent)


def headers() -> dict[str, str]:
    """Return the header to send, if there is one."""
    traceparent = _traceparent.get()
    return {HEADER: traceparent} if traceparent else {}
