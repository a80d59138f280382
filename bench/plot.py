"""Draws the ratios of a run as an SVG file. The same results give the same file. Pure."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CONNECTIONS = 4

LEFT_OUT = "revalidate"
"""A revalidation waits until KV may be written again, so its throughput says nothing."""

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)

# All lengths are in pixels.
WIDTH, LEFT, RIGHT, TOP, ROW, BAR = 640, 110, 20, 36, 38, 13
PER_DECADE = (WIDTH - LEFT - RIGHT) / math.log10(TICKS[-1] / TICKS[0])

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="{left}" y="22" font-size="14">Requests per second at {connections} connections, \
as a ratio</text>"""


@dataclass(frozen=True)
class Series:
    """A Worker that ours is compared with: two colours that everybody can tell apart."""

    base: str
    legend: str
    colour: str


SERIES = (
    Series("lesson", "to the lesson's JavaScript Worker", "#0072b2"),
    Series("floor", "to the smallest Python Worker that serves from KV", "#e69f00"),
)


def drawing(results: Mapping[str, Any]) -> str:
    """Return the plot of a run's `throughput_of_ours`."""
    found = [
        one
        for one in results["throughput_of_ours"]
        if one["connections"] == CONNECTIONS and one["scenario"] != LEFT_OUT
    ]
    rows = list(dict.fromkeys(one["scenario"] for one in found))
    bottom = TOP + ROW * len(rows)
    head = HEAD.format(width=WIDTH, height=bottom + 50, left=LEFT, connections=CONNECTIONS)
    bars = (
        line
        for one in found
        for number, series in enumerate(SERIES)
        if one["to"] == series.base
        for line in _bar(one, TOP + ROW * rows.index(one["scenario"]) + 6 + BAR * number, series)
    )
    return "\n".join((head, *_axes(rows, bottom), *bars, *_legend(bottom + 42), "</svg>\n"))


def _x(ratio: float) -> float:
    return round(LEFT + PER_DECADE * math.log10(ratio / TICKS[0]), 1)


def _axes(rows: list[str], bottom: int) -> Iterator[str]:
    for tick in TICKS:
        colour = "black" if tick == 1 else "#dddddd"
        yield f'<path d="M{_x(tick)} {TOP}V{bottom}" stroke="{colour}"/>'
        yield f'<text x="{_x(tick)}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>'
    for index, scenario in enumerate(rows):
        y = TOP + ROW * index + ROW // 2 + 4
        yield f'<text x="{LEFT - 8}" y="{y}" text-anchor="end">{scenario}</text>'


def _bar(one: Mapping[str, float], top: int, series: Series) -> Iterator[str]:
    """Draw a bar from 1 to the median, a line over all rounds, and the number beside them."""
    median, low, high = one["median"], one["low"], one["high"]
    start, end = sorted((_x(1), _x(median)))
    yield (
        f'<rect x="{start}" y="{top}" width="{end - start:.1f}" height="{BAR}"'
        f' fill="{series.colour}"/>'
    )
    yield f'<path d="M{_x(low)} {top + BAR / 2}H{_x(high)}" stroke="#333333"/>'
    x, anchor = (_x(max(high, 1)) + 4, "start") if median >= 1 else (_x(min(low, 1)) - 4, "end")
    yield (
        f'<text x="{x:.1f}" y="{top + BAR - 3}" text-anchor="{anchor}" font-size="10">'
        f"{median:.2f}</text>"
    )


def _legend(y: int) -> Iterator[str]:
    for index, series in enumerate(SERIES):
        x = LEFT + 215 * index
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{series.colour}"/>'
        yield f'<text x="{x + 17}" y="{y}" font-size="11">{series.legend}</text>'
