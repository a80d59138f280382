"""Writes a run as JSON: everything measured, round by round, and what it comes to."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import machine
from contenders import LESSON, OURS, Contender
from figures import FIGURES, Figure
from places import RESULTS
from samples import Samples, ratios, summary
from scenarios import CONNECTIONS, scenarios
from targets import Verdict

_DIGITS = 4
"""Significant ones; more would pretend."""


def write(
    samples: Samples,
    contenders: dict[str, Contender],
    verdicts: list[Verdict],
    settings: dict[str, object],
) -> None:
    """Write bench/results.json."""
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "settings": settings,
        "machine": machine.describe(),
        "versions": machine.versions(),
        "targets": [_target(one) for one in verdicts],
        "figures": [_figure(one, samples) for one in FIGURES],
        "throughput_of_ours": _ratios(samples),
        "uploads": [_upload(contender) for contender in contenders.values()],
        "measurements": [
            {**asdict(key), **_summarized(values), "rounds": [_rounded(v) for v in values]}
            for key, values in samples.values.items()
        ],
    }
    RESULTS.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _ratios(samples: Samples) -> list[dict[str, object]]:
    """Return ours to the lesson and to the scenario's floor, wherever both were measured."""
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
