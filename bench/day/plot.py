"""Draws hit ratio and Supabase's requests over the hours of the day as an SVG file. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# All lengths are in pixels.
WIDTH, LEFT, RIGHT, TOP, HEIGHT, GAP = 640, 60, 20, 40, 150, 50

_COLOURS = {"ours": "#0072b2", "ttl": "#e69f00"}
_LEGENDS = {"ours": "this Worker", "ttl": "TTL caching of 60 s"}

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>"""


def drawing(day: Mapping[str, Any], events: Mapping[str, float]) -> str:
    """Return the plot of a day's figures. ``events`` has the hour of each."""
    second = TOP + HEIGHT + GAP
    asked = [max(day[one]["supabase_by_hour"]) for one in _COLOURS]
    return "\n".join(
        (
            _HEAD.format(width=WIDTH, height=second + HEIGHT + 50),
            *_panel(day, "hit_share_by_hour", "Hits, as a share of all reads", TOP, 1.0),
            *_panel(day, "supabase_by_hour", "Requests to Supabase in an hour", second, max(asked)),
            *_marks(events, second + HEIGHT),
            *_legend(second + HEIGHT + 40),
            "</svg>\n",
        )
    )


def _panel(day: Mapping[str, Any], metric: str, title: str, top: int, most: float) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="{top - 8}" font-size="14">{title}</text>'
    for share in (0.0, 0.5, 1.0):
        y = _y(share, 1.0, top)
        yield f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
        shown = f"{share:.0%}" if most == 1.0 else f"{share * most:,.0f}"
        yield f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{shown}</text>'
    for name, colour in _COLOURS.items():
        points = _points(day[name][metric], top, most)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _points(values: Sequence[float], top: int, most: float) -> str:
    return " ".join(f"{_x(hour + 0.5)},{_y(value, most, top)}" for hour, value in enumerate(values))


def _marks(events: Mapping[str, float], bottom: int) -> Iterator[str]:
    for name, hour in events.items():
        yield f'<path d="M{_x(hour)} {TOP}V{bottom}" stroke="#333333" stroke-dasharray="3 3"/>'
        yield f'<text x="{_x(hour)}" y="{bottom + 16}" text-anchor="middle">{name}</text>'


def _legend(y: int) -> Iterator[str]:
    for index, (name, colour) in enumerate(_COLOURS.items()):
        x = LEFT + 215 * index
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="{y}" font-size="11">{_LEGENDS[name]}</text>'


def _x(hour: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * hour / 24, 1)


def _y(value: float, most: float, top: int) -> float:
    return round(top + HEIGHT * (1 - value / most), 1)
