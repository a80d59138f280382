"""What the log has of a KV key.

A person may have typed a query's values. So the log has a digest instead, unless ``LOG_QUERIES`` is
on, as it is on the developer's own machine. The code logs whole keys, and only this module decides.
"""

from __future__ import annotations

import hashlib

from edge_cache.ports import Log
from edge_cache.queries import ROOT

_KEY = "key"

_OURS = frozenset({"", "versions", "versions&rows", "versions&lists"})
"""Behind a target's name, these name steps and no query, because each parameter has a ``=``."""


def digested(key: str) -> str:
    """Return a KV key with a digest instead of a query's parameters.

    Equal queries have equal digests.
    """
    shown, _, parameters = key.partition("?")
    if not key.startswith(ROOT) or parameters in _OURS:
        return key
    return f"{shown}?{hashlib.sha256(parameters.encode()).hexdigest()[:12]}"


def without_queries(whole: Log) -> Log:
    """Return a log that digests the field ``key`` of each line."""

    def write(event: str, /, **fields: object) -> None:
        if isinstance(key := fields.get(_KEY), str):
            fields[_KEY] = digested(key)
        whole(event, **fields)

    return write
