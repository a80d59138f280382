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
    ("bytes_total", "Bytes of the bodies that answered them, without compression.", 4, 1),
    ("supabase_seconds_total", "Seconds that Supabase took to answer them.", 5, 1000),
)
"""A counter's name, its help, where a row of the totals has it, and what divides it there."""


def answer(traffic: Mapping[str, Any]) -> Answer:
    """Answer with the totals. No cache may keep them."""
    text = "".join(f"{line}\n" for line in _lines(traffic["totals"]))
    return Answer(200, {"content-type": _TYPE, "cache-control": "no-store"}, text.encode())


def _lines(totals: Sequence[Sequence[Any]]) -> Iterator[str]:
    for name, help_, place, divisor in _COUNTERS:
        full = f"supabase_edge_cache_{name}"
        yield f"# HELP {full} {help_}"
        yield f"# TYPE {full} counter"
        for row in sorted(totals, key=str):
            labels = zip(("target", "outcome", "detail"), row, strict=False)
            told = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
            yield f"{full}{{{told}}} {row[place] / divisor}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
