"""What needs a fresh process: how long the runtime starts, and how much memory it takes."""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import MappingProxyType

import dataset
from contenders import CHECKED_MISS_FLOOR, FLOOR, LESSON, MISS_FLOOR, OURS
from load import Expected, Target, probe
from samples import WHOLE, Key, Samples
from scenarios import CONNECTIONS, HIT_LARGE, HIT_TINY, Scenario, scenarios
from serving import TABLE_KEY, Server, http, start
from stage import Stage
from usage import Usage

START, MEMORY, REFRESH, HERD = "start", "memory", "refresh 5 MB", "herd 5 MB"

READERS = 300
"""This many readers ask at once for a table that is not cached."""

_MANY = CONNECTIONS[-1]
_IDLE_S = 0.5

_HOLD_S = 2.0
"""Supabase's first answer waits this long, so that the whole herd asks before it."""


def measure_fresh(stage: Stage, samples: Samples, *, seconds: float, order: random.Random) -> None:
    """Add one value of each of these metrics for every Worker."""
    for worker in order.sample(sorted(stage.contenders), len(stage.contenders)):
        with started(stage, worker) as server:
            samples.add(Key(START, worker, WHOLE, "first_answer_ms"), server.first_answer_ms)
            if server.usage and worker in {OURS, LESSON, FLOOR}:
                _measure_memory(stage, server, server.usage, samples, seconds)
    _measure_large(stage, samples)


@contextmanager
def started(
    stage: Stage, worker: str, variables: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Server]:
    """Start a new process of a Worker, with more variables. It ends with the block."""
    entry = stage.entry(worker, dataset.TINY)
    server = start(stage.contenders[worker].given(variables), stage.work / "fresh", entry)
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


def _measure_large(stage: Stage, samples: Samples) -> None:
    """Measure the memory of a refresh of the large table, and of herds."""
    with started(stage, OURS) as server:
        if server.usage is None:
            return
        asked = _measure_refresh(stage, server, server.usage, samples)
    for worker in (OURS, MISS_FLOOR, CHECKED_MISS_FLOOR):
        with started(stage, worker) as server:
            if server.usage:
                _measure_herd(stage, server, server.usage, samples, once=asked)


def _measure_refresh(stage: Stage, server: Server, usage: Usage, samples: Samples) -> int:
    """Measure the peak while the large table is refreshed; return how often Supabase was asked."""
    probe(_hit(server, HIT_TINY))
    idle_mb = _idle_mb(usage)
    stage.supabase.serve(dataset.LARGE)
    before = stage.supabase.asked()
    http.get(f"{server.url}/revalidate").raise_for_status()
    _add(samples, REFRESH, server, idle_mb, usage.peak_mb())
    return stage.supabase.asked() - before


def _measure_herd(
    stage: Stage, server: Server, usage: Usage, samples: Samples, *, once: int
) -> None:
    """Measure the peak while many wait for the large table. Supabase is asked for it ``once``."""
    probe(_hit(server, HIT_TINY))
    idle_mb = _idle_mb(usage)
    server.delete(TABLE_KEY)
    stage.supabase.serve(dataset.LARGE, hold_s=_HOLD_S)
    before = stage.supabase.asked()
    body = dataset.LARGE.body
    target = Target(server.name, server.url, Scenario(HERD, (server.name,), body), {})
    stage.load.herd(target, Expected(HTTPStatus.OK, body), readers=READERS)
    _add(samples, HERD, server, idle_mb, usage.peak_mb())
    asked = stage.supabase.asked() - before
    if not 0 < asked <= once:
        raise target.failure(
            f"Supabase was asked {asked} times for {READERS} readers, but {once} for one refresh"
        )


def _add(samples: Samples, scenario: str, server: Server, idle_mb: float, peak_mb: float) -> None:
    samples.add(Key(scenario, server.name, WHOLE, "idle_mb"), idle_mb)
    samples.add(Key(scenario, server.name, WHOLE, "peak_mb"), peak_mb)


def _idle_mb(usage: Usage) -> float:
    """Return the resident memory at rest, and reset the peak to it."""
    time.sleep(_IDLE_S)
    usage.reset_peak()
    return usage.resident_mb()


def _hit(server: Server, name: str) -> Target:
    scenario = next(scenario for scenario in scenarios() if scenario.name == name)
    return Target(server.name, server.url, scenario, {})
