"""`npm run bench -- --day`: a day's traffic through the whole program, in virtual time.

It takes minutes, prints what it found, and writes bench/day.json and bench/day.svg.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from typing import Any

from day.plot import drawing
from day.simulation import Events, simulate
from day.traffic import Shape
from places import BENCH
from results import as_text

_OUTAGE_S = 600.0

DAY = Shape(reads_a_day=200_000, edits_an_hour=200, hour_s=_OUTAGE_S)
"""Ten minutes of each hour are played."""

WHOLE_DAY = Events(
    deploy_s=10 * DAY.hour_s,
    outage_s=14 * DAY.hour_s,
    schema_s=18 * DAY.hour_s,
    outage_for_s=_OUTAGE_S,
)

BUSY_HOUR = Shape(reads_a_day=2_000_000, edits_an_hour=2_000, first_hour=15, hours=1, hour_s=900.0)
"""Ten times as much of everything, in a quarter of the hour with the most readers."""

TEN_TIMES = Events(
    deploy_s=BUSY_HOUR.began_s + 300,
    outage_s=BUSY_HOUR.began_s + 500,
    schema_s=BUSY_HOUR.began_s + 750,
    outage_for_s=120.0,
)

RESULTS, PLOT = BENCH / "day.json", BENCH / "day.svg"


def main() -> None:
    """Simulate both at once, print, and write the files."""
    with ProcessPoolExecutor(2) as pool:
        runs = [pool.submit(simulate, DAY, WHOLE_DAY), pool.submit(simulate, BUSY_HOUR, TEN_TIMES)]
        day, busy = (run.result() for run in runs)
    print("\n".join(write(day, busy)))


def write(day: Mapping[str, Any], busy: Mapping[str, Any]) -> list[str]:
    """Write both files from the figures of both runs, and return lines to print."""
    told = {**_told("day", DAY, WHOLE_DAY, day), **_told("busy", BUSY_HOUR, TEN_TIMES, busy)}
    RESULTS.write_text(as_text(told))
    PLOT.write_text(drawing(day, _hours(WHOLE_DAY)))
    return [f"{name}: {json.dumps(value)}" for name, value in told.items()]


def _told(run: str, shape: Shape, events: Events, found: Mapping[str, Any]) -> dict[str, object]:
    whole = {"shape": asdict(shape), "events": asdict(events), **found}
    return {f"{run}_{name}": value for name, value in whole.items()}


def _hours(events: Events) -> dict[str, float]:
    seconds = {"deploy": events.deploy_s, "outage": events.outage_s, "schema": events.schema_s}
    return {name: at_s / DAY.hour_s for name, at_s in seconds.items()}


if __name__ == "__main__":
    main()
