"""Draws bench/results.json: plot.py RESULTS.json PLOT.svg (or .png).

It runs by itself, with matplotlib from a folder of its own. The same results give the same file.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

CONNECTIONS = 4

# Two colours that everybody can tell apart.
LESSON = ("to the lesson's JavaScript Worker", "#0072b2")
FLOOR = ("to the smallest Python Worker that serves from KV", "#e69f00")

# A revalidation waits until KV may be written again: its throughput says nothing.
LEFT_OUT = "revalidate"

BAR = 0.38
LIMITS = (0.1, 10.0)
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)

Ratio = Mapping[str, float]
Style = tuple[str, str]
"""The legend's text, and a colour."""


def ratios_to(results: Mapping[str, Any], base: str) -> dict[str, Ratio]:
    """Return ours to another Worker, by scenario."""
    return {
        one["scenario"]: one
        for one in results["throughput_of_ours"]
        if one["to"] == base and one["connections"] == CONNECTIONS and one["scenario"] != LEFT_OUT
    }


def draw_series(
    axes: Any, places: Mapping[str, float], found: Mapping[str, Ratio], style: Style
) -> None:
    """Draw a bar from 1 to each median, a whisker over the rounds, and the number."""
    label: str | None
    label, colour = style
    for scenario, one in found.items():
        y, median = places[scenario], one["median"]
        axes.barh(y, median - 1, left=1, height=BAR, color=colour, label=label)
        axes.plot([one["low"], one["high"]], [y, y], color="#333333", linewidth=1)
        outside = max(one["high"], 1) if median >= 1 else min(one["low"], 1)
        sign, side = (1, "left") if median >= 1 else (-1, "right")
        axes.annotate(
            f"{median:.2f}",
            (outside, y),
            xytext=(4 * sign, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=8,
        )
        label = None


def figure_of(results: Mapping[str, Any]) -> Figure:
    """Return the drawing."""
    to_lesson, to_floor = ratios_to(results, "lesson"), ratios_to(results, "floor")
    rows = {scenario: float(-index) for index, scenario in enumerate(to_lesson)}
    figure = Figure(figsize=(8, 0.8 + 0.5 * len(rows)), layout="constrained", facecolor="white")
    axes = figure.subplots()
    upper = {name: y + BAR / 2 for name, y in rows.items()}
    lower = {name: y - BAR / 2 for name, y in rows.items()}
    draw_series(axes, upper, to_lesson, LESSON)
    draw_series(axes, lower, to_floor, FLOOR)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(LIMITS)
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.set_yticks(list(rows.values()), list(rows))
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(f"Requests per second at {CONNECTIONS} connections, as a ratio", loc="left")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def main() -> None:
    """Draw, without a date and with fixed names inside the file."""
    results, plot = map(Path, sys.argv[1:])
    mpl.rcParams["svg.hashsalt"] = "bench"
    metadata = {"Date": None} if plot.suffix == ".svg" else None
    figure_of(json.loads(results.read_text())).savefig(plot, metadata=metadata, dpi=120)


if __name__ == "__main__":
    main()
