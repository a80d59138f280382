"""Writes the results of a run, as JSON and as a plot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from statistics import median

import machine
import plot
from contenders import LESSON, OURS, Contender
from figures import FIGURES, Figure
from places import PLOT, RESULTS
from samples import Samples, ratios, summary
from scenarios import CONNECTIONS, scenarios
from targets import Verdict

_DIGITS = 4
"""Significant digits. More would suggest a precision that a run does not have."""


def write(
    samples: Samples,
    contenders: dict[str, Contender],
    verdicts: list[Verdict],
    settings: dict[str, object],
) -> None:
    """Write bench/results.json, and bench/results.svg from it."""
    document: dict[str, object] = {
        "date": datetime.now(UTC).date().isoformat(),
        "settings": settings,
        "machine": machine.describe(),
        "versions": machine.versions(),
        "targets": [_target(one) for one in verdicts],
        "figures": [_figure(one, samples) for one in FIGURES],
        "throughput_of_ours": _ratios(samples),
        "uploads": [_upload(contender) for contender in contenders.values()],
        "medians": medians(samples),
    }
    RESULTS.write_text(as_text(document))
    PLOT.write_text(plot.drawing(document))


def as_text(document: Mapping[str, object]) -> str:
    """Return the JSON with a line for each item of a list."""
    members = (f"{json.dumps(name)}: {_text(value)}" for name, value in document.items())
    return "{\n" + ",\n".join(members) + "\n}\n"


def _text(value: object) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(f"  {_text(item)}" for item in value) + "\n]"


def medians(samples: Samples) -> list[dict[str, object]]:
    """Return an object for each scenario, Worker and number of connections, with its metrics."""
    found: dict[tuple[str, str, int], dict[str, object]] = {}
    for key, values in samples.values.items():
        place = {"scenario": key.scenario, "worker": key.worker, "connections": key.connections}
        one = found.setdefault((key.scenario, key.worker, key.connections), dict(place))
        one[key.metric] = _rounded(median(values))
    return list(found.values())


def _ratios(samples: Samples) -> list[dict[str, object]]:
    """Return the ratios of ours to the lesson and to the floor, if both were measured."""
    found: list[dict[str, object]] = []
    for scenario in scenarios():
        for connections in CONNECTIONS:
            for title, base in (("lesson", LESSON), ("floor", scenario.floor)):
                values = ratios(
                    samples.of(scenario.name, OURS, connections, "per_second"),
                    samples.of(scenario.name, base, connections, "per_second"),
                )
                if values:
                    place = {"scenario": scenario.name, "connections": connections, "to": title}
                    found.append({**place, **_summarized(values)})
    return found


def _target(one: Verdict) -> dict[str, object]:
    measured = {} if one.measured is None else asdict(one.measured)
    return {
        "title": one.target.title,
        "wanted": one.target.wanted,
        "outcome": one.word,
        **{name: _rounded(value) for name, value in measured.items()},
    }


def _figure(one: Figure, samples: Samples) -> dict[str, object]:
    return {"title": one.title, "unit": one.unit.strip(), **_summarized(one.values(samples))}


def _upload(contender: Contender) -> dict[str, object]:
    plain, gzipped = contender.upload_bytes()
    return {"worker": contender.name, "bytes": plain, "gzipped_bytes": gzipped}


def _summarized(values: Sequence[float]) -> dict[str, float]:
    found = summary(values)
    return {name: _rounded(value) for name, value in asdict(found).items()} if found else {}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
