"""What only a fresh process tells: how long the runtime starts, and how much memory it takes."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dataset
from contenders import FLOOR, LESSON, OURS
from load import Target, probe
from samples import WHOLE, Key, Samples
from scenarios import CONNECTIONS, HIT_LARGE, HIT_TINY, scenarios
from serving import TABLE_KEY, Server, http, start
from stage import Stage
from usage import Usage

START, MEMORY, REFRESH = "start", "memory", "refresh 5 MB"

_MANY = CONNECTIONS[-1]
_IDLE_S = 0.5


def measure_fresh(stage: Stage, samples: Samples, *, seconds: float, order: random.Random) -> None:
    """Add one value of each such metric for every Worker."""
    for worker in order.sample(sorted(stage.contenders), len(stage.contenders)):
        with _started(stage, worker) as server:
            samples.add(Key(START, worker, WHOLE, "first_answer_ms"), server.first_answer_ms)
            if server.usage and worker in {OURS, LESSON, FLOOR}:
                _measure_memory(stage, server, server.usage, samples, seconds)
    with _started(stage, OURS) as server:
        if server.usage:
            _measure_refresh(stage, server, server.usage, samples)


@contextmanager
def _started(stage: Stage, worker: str) -> Iterator[Server]:
    entry = stage.entry(worker, dataset.TINY)
    server = start(stage.contenders[worker], stage.work / "fresh", entry)
    try:
        yield server
    finally:
        server.process.stop()


def _measure_memory(
    stage: Stage, server: Server, usage: Usage, samples: Samples, seconds: float
) -> None:
    """Measure the peak while many connections read the large table."""
    server.put(TABLE_KEY, stage.entry(server.name, dataset.LARGE))
    target = _hit(server, HIT_LARGE)
    expected = probe(target)
    idle_mb = _idle_mb(usage)
    stage.load.burst(target, expected, connections=_MANY, seconds=2 * seconds)
    _add(samples, MEMORY, server, idle_mb, usage.peak_mb())


def _measure_refresh(stage: Stage, server: Server, usage: Usage, samples: Samples) -> None:
    """Measure the peak while the large table is read anew, page by page."""
    probe(_hit(server, HIT_TINY))
    idle_mb = _idle_mb(usage)
    stage.supabase.serve(dataset.LARGE)
    http.get(f"{server.url}/revalidate").raise_for_status()
    _add(samples, REFRESH, server, idle_mb, usage.peak_mb())


def _add(samples: Samples, scenario: str, server: Server, idle_mb: float, peak_mb: float) -> None:
    samples.add(Key(scenario, server.name, WHOLE, "idle_mb"), idle_mb)
    samples.add(Key(scenario, server.name, WHOLE, "peak_mb"), peak_mb)


def _idle_mb(usage: Usage) -> float:
    """Return what is resident at rest, and let the peak begin anew from there."""
    time.sleep(_IDLE_S)
    usage.reset_peak()
    return usage.resident_mb()


def _hit(server: Server, name: str) -> Target:
    scenario = next(scenario for scenario in scenarios() if scenario.name == name)
    return Target(server.name, server.url, scenario, {})
