"""What was counted, for Prometheus.

The text is in its exposition format, version 0.0.4:
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edge_cache.messages import Answer

PATH = "/metrics"

_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS = (
    ("requests_total", "Requests, by target, outcome and detail.", 3, 1),
    ("bytes_total", "Bytes of those bodies that the cache knows, without compression.", 4, 1),
    ("supabase_seconds_total", "Seconds that Supabase took to answer them.", 5, 1000),
)
"""A counter's name, its help, where a row of the totals has it, and what divides it there."""

_OWN_COUNTERS = (
    ("own_requests_total", "Requests of the cache itself to Supabase, by target.", 1, 1),
    ("own_bytes_total", "Bytes of the bodies that answered them.", 2, 1),
    ("own_seconds_total", "Seconds that Supabase took to answer them.", 3, 1000),
)
"""The same of the rows of what the cache itself asked."""

_Counters = tuple[tuple[str, str, int, int], ...]


def answer(traffic: Mapping[str, Any]) -> Answer:
    """Answer with the totals. No cache may keep them."""
    text = "".join(f"{line}\n" for line in _all_lines(traffic))
    return Answer(200, {"content-type": _TYPE, "cache-control": "no-store"}, text.encode())


def _all_lines(traffic: Mapping[str, Any]) -> Iterator[str]:
    yield from _lines(_COUNTERS, ("target", "outcome", "detail"), traffic["totals"])
    yield from _lines(_OWN_COUNTERS, ("target",), traffic["own"])


def _lines(
    counters: _Counters, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> Iterator[str]:
    for name, help_, place, divisor in counters:
        full = f"supabase_edge_cache_{name}"
        yield f"# HELP {full} {help_}"
        yield f"# TYPE {full} counter"
        for row in sorted(rows, key=str):
            labels = zip(names, row, strict=False)
            told = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
            yield f"{full}{{{told}}} {row[place] / divisor}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
