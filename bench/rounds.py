"""A round: a short burst for every scenario, number of connections and Worker.

The bursts of all Workers are mixed, and each round has a new order. So if something else slows the
machine down, it affects all Workers.
"""

import random
import time
from statistics import median

from contenders import OURS
from load import Expected, Target, probe
from samples import Key, Samples
from scenarios import CONNECTIONS, DIRECT, Scenario
from serving import require_alive
from stage import Stage
from usage import Usage

_WARM_UP_S = 1.5

_PACED_TURNS = 3

PACED_MS = "paced_ms"
"""The median time of an answer, with a pause after each."""


def measure_round(
    stage: Stage, scenario: Scenario, samples: Samples, *, seconds: float, order: random.Random
) -> None:
    """Add one value of each metric for all Workers and connections of a scenario.

    If Supabase itself takes part, times are compared, so a paced reader comes first.
    """
    stage.prepare(scenario)
    if DIRECT in scenario.workers:
        _measure_paced(stage, scenario, samples, order)
    for connections in CONNECTIONS:
        for worker in _shuffled(scenario, order):
            _measure(stage, stage.target(scenario, worker), samples, connections, seconds)
            _settle(scenario, worker)


def _shuffled(scenario: Scenario, order: random.Random) -> list[str]:
    return order.sample(scenario.workers, len(scenario.workers))


def _measure_paced(
    stage: Stage, scenario: Scenario, samples: Samples, order: random.Random
) -> None:
    """Add the median time of a paced reader's answers, who has several turns at each Worker."""
    times_ms: dict[str, list[float]] = {worker: [] for worker in scenario.workers}
    for _ in range(_PACED_TURNS):
        for worker in _shuffled(scenario, order):
            target = stage.target(scenario, worker)
            times_ms[worker] += stage.load.paced(target, probe(target))
    for worker, found_ms in times_ms.items():
        samples.add(Key(scenario.name, worker, 1, PACED_MS), median(found_ms))


def warm_up(stage: Stage, scenario: Scenario) -> None:
    """Let every runtime compile its hot code, for all scenarios before they are measured."""
    stage.prepare(scenario)
    for worker in scenario.workers:
        target = stage.target(scenario, worker)
        stage.load.burst(target, probe(target), connections=CONNECTIONS[1], seconds=_WARM_UP_S)
        _settle(scenario, worker)


def _settle(scenario: Scenario, worker: str) -> None:
    if worker == OURS:
        time.sleep(scenario.settle_s)


def _measure(
    stage: Stage, target: Target, samples: Samples, connections: int, seconds: float
) -> None:
    scenario, worker = target.scenario, target.name
    expected = probe(target)
    usage = None if worker == DIRECT else stage.servers[worker].usage
    values = _burst(stage, target, expected, usage, connections, seconds)
    for metric, value in values.items():
        samples.add(Key(scenario.name, worker, connections, metric), value)
    if worker != DIRECT:
        require_alive(stage.servers[worker].process)


def _burst(  # noqa: PLR0913, PLR0917 - a burst needs all of them
    stage: Stage,
    target: Target,
    expected: Expected,
    usage: Usage | None,
    connections: int,
    seconds: float,
) -> dict[str, float]:
    cpu_ms = usage.cpu_ms() if usage else 0.0
    asked = stage.supabase.asked()
    burst = stage.load.burst(target, expected, connections=connections, seconds=seconds)
    _check_asked(target, stage.supabase.asked() - asked, burst.answers)
    values = {
        "per_second": burst.per_second,
        "p50_ms": burst.p50_ms,
        "p99_ms": burst.p99_ms,
    }
    if usage:
        values["cpu_ms"] = (usage.cpu_ms() - cpu_ms) / burst.answers
    return values


def _check_asked(target: Target, asked: int, answers: int) -> None:
    """Raise Failure if a hit asked Supabase, or a miss did not."""
    asks = target.scenario.asks
    if asks is False and asked:
        raise target.failure(f"Supabase was asked {asked} times for {answers} answers")
    if asks and asked < answers:
        raise target.failure(f"Supabase was asked only {asked} times for {answers} answers")
