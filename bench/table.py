"""Prints a run as text."""

from collections.abc import Iterator

from contenders import CHECKED_MISS_FLOOR, LESSON, MISS_FLOOR, OURS, Contender
from fresh import HERD, MEMORY, READERS, REFRESH, START
from samples import WHOLE, Samples, Summary, ratios, summary
from scenarios import CONNECTIONS, Scenario, scenarios
from targets import Verdict

_HEADER = (
    f"{'':15}{'conn.':>5}  {'':17}{'req/s':>9}{'±':>5}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>8}"
    f"{'/lesson':>9}{'/floor':>8}"
)


def bursts(samples: Samples) -> Iterator[str]:
    """Return the lines of the measurements under load."""
    yield _HEADER
    for scenario in scenarios():
        title = scenario.name
        for connections in CONNECTIONS:
            shown = str(connections)
            for worker in scenario.workers:
                yield f"{title:15}{shown:>5}  {_row(samples, scenario, worker, connections)}"
                title = shown = ""


def _row(samples: Samples, scenario: Scenario, worker: str, connections: int) -> str:
    def of(metric: str) -> Summary | None:
        return summary(samples.of(scenario.name, worker, connections, metric))

    rate = of("per_second")
    spread = f"{rate.spread:.0%}" if rate else ""
    return (
        f"{worker:17}{_number(rate):>9}{spread:>5}"
        f"{_number(of('p50_ms')):>9}{_number(of('p99_ms')):>9}{_number(of('cpu_ms')):>8}"
        f"{_ratio(samples, scenario, worker, LESSON, connections):>9}"
        f"{_ratio(samples, scenario, worker, scenario.floor, connections):>8}"
    ).rstrip()


def _ratio(samples: Samples, scenario: Scenario, worker: str, base: str, connections: int) -> str:
    if worker != OURS:
        return ""
    found = summary(
        ratios(
            samples.of(scenario.name, worker, connections, "per_second"),
            samples.of(scenario.name, base, connections, "per_second"),
        )
    )
    return f"{found.median:.2f}" if found else ""


def _number(found: Summary | None) -> str:
    """Return the median with about three digits."""
    if found is None:
        return ""
    value = found.median
    digits = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 - powers of ten
    return f"{value:,.{digits}f}"


def wholes(samples: Samples, contenders: dict[str, Contender]) -> Iterator[str]:
    """Return the lines of what is measured once for a process: start, memory, upload."""
    first, idle, peak = "first answer ms", "idle MB", "peak MB"
    yield f"{'':17}{first:>17}{idle:>10}{peak:>10}{'upload KiB':>13}{'gzipped':>10}"
    for name, contender in contenders.items():
        plain, gzipped = contender.upload_bytes()
        yield (
            f"{name:17}"
            f"{_number(summary(samples.of(START, name, WHOLE, 'first_answer_ms'))):>17}"
            f"{_number(summary(samples.of(MEMORY, name, WHOLE, 'idle_mb'))):>10}"
            f"{_number(summary(samples.of(MEMORY, name, WHOLE, 'peak_mb'))):>10}"
            f"{plain / 1024:>13,.1f}{gzipped / 1024:>10,.1f}"
        )
    herd = f"herd of {READERS}"
    for title, scenario, name in (
        ("ours, refreshing", REFRESH, OURS),
        (f"ours, {herd}", HERD, OURS),
        (f"{MISS_FLOOR}, {herd}", HERD, MISS_FLOOR),
        (f"{CHECKED_MISS_FLOOR}, {herd}", HERD, CHECKED_MISS_FLOOR),
    ):
        yield (
            f"{title:34}"
            f"{_number(summary(samples.of(scenario, name, WHOLE, 'idle_mb'))):>10}"
            f"{_number(summary(samples.of(scenario, name, WHOLE, 'peak_mb'))):>10}"
        )


def outcomes(verdicts: list[Verdict]) -> Iterator[str]:
    """Return a line for each target."""
    for one in verdicts:
        measured = _measured(one)
        yield f"{one.word:13}{measured:26}{one.target.wanted:>11}  {one.target.title}"


def _measured(one: Verdict) -> str:
    found, unit = one.measured, one.target.unit
    if found is None:
        return ""
    return f"{found.median:.2f}{unit} ({found.low:.2f} to {found.high:.2f})"
