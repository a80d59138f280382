"""`npm run bench`: the Worker side by side with the lesson's, on this machine.

It prints a table, and writes bench/results.json and bench/results.svg. `--quick` only tries out
whether everything runs: it does one round of short bursts and writes nothing.
"""

import argparse
import random
import shutil
import time
from pathlib import Path

import figures
import results
import table
import targets
from contenders import Contender
from crowds import measure_clients
from edits import measure_edits
from first_impression import measure_first_impression
from fresh import measure_fresh
from places import BENCH, PLOT, RESULTS, WORK
from rounds import measure_round, warm_up
from samples import Samples
from scenarios import scenarios
from setup import node_packages
from shared.failure import run_main
from shared.project import ROOT
from shared_cache import measure_shared
from stage import Say, Stage, staged

ROUNDS, SECONDS = 5, 0.6
QUICK_ROUNDS, QUICK_SECONDS = 1, 0.25

EDITED_S, QUICK_EDITED_S = 20.0, 5.0
"""Shares of hits are measured for so long while nothing or something is edited, once in a run."""

SEED = 20
"""The seed of the order of Workers. The order is shuffled, but the same in every run."""


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="npm run bench --", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short round that tries everything out"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default: {ROUNDS}")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"of a burst; default: {SECONDS:g}"
    )
    parser.add_argument(
        "--first-impression", action="store_true", help="only what a hit takes under `npm start`"
    )
    arguments = parser.parse_args()
    arguments.edited_seconds = QUICK_EDITED_S if arguments.quick else EDITED_S
    if arguments.quick:
        arguments.rounds, arguments.seconds = QUICK_ROUNDS, QUICK_SECONDS
    return arguments


def measure(stage: Stage, samples: Samples, seconds: float, order: random.Random, say: Say) -> None:
    """Run one round, with processes that are new."""
    # The webhooks come before queries are popular. Else they would be read again for half a minute.
    for scenario in reversed(scenarios()):
        say(f"warming up: {scenario.name}")
        warm_up(stage, scenario)
    for scenario in scenarios():
        say(scenario.name)
        measure_round(stage, scenario, samples, seconds=seconds, order=order)
    say("start and memory")
    measure_fresh(stage, samples, seconds=seconds, order=order)
    say("queries after a change")
    measure_clients(stage, samples, seconds=seconds)
    say("behind a shared cache")
    measure_shared(stage, samples)


def saying(prefix: str, began: float) -> Say:
    """Return what prints progress: the seconds since a moment, and what is going on."""
    return lambda what: print(f"[{time.monotonic() - began:4.0f} s] {prefix}: {what}", flush=True)


def report(samples: Samples, contenders: dict[str, Contender]) -> list[targets.Verdict]:
    """Print everything."""
    verdicts = targets.verdicts(samples)
    for lines in (
        table.bursts(samples),
        table.wholes(samples, contenders),
        figures.lines(samples),
        figures.edits(samples),
        table.outcomes(verdicts),
    ):
        print()
        print("\n".join(lines))
    if any(verdict.met is False for verdict in verdicts):
        print("\ndocs/speed.md explains where the time goes.")
    return verdicts


def make_work_folder() -> Path:
    """Return an empty folder for a run's files."""
    shutil.rmtree(WORK, ignore_errors=True)
    for name in ("fresh", "tmp"):
        (WORK / name).mkdir(parents=True)
    return WORK


def main() -> int:
    """Measure, print, and write the results of a whole run."""
    arguments = parse_arguments()
    node_packages.install(folder=BENCH)
    if arguments.first_impression:
        print("\n".join(measure_first_impression(make_work_folder())))
        return 0
    rounds, seconds = arguments.rounds, arguments.seconds
    edited_seconds = arguments.edited_seconds
    print(f"{rounds} rounds with bursts of {seconds:g} s. Close other programs until it ends.")
    samples, began = Samples(), time.monotonic()
    order = random.Random(SEED)  # noqa: S311 - no secret
    for number in range(1, rounds + 1):
        say = saying(f"round {number} of {rounds}", began)
        with staged(make_work_folder(), say) as stage:
            measure(stage, samples, seconds, order, say)
            if number == rounds:
                say("hits while rows are edited")
                measure_edits(stage, samples, seconds=edited_seconds)
            contenders = stage.contenders
    verdicts = report(samples, contenders)
    if arguments.quick:
        return 0
    settings = {"rounds": rounds, "burst_seconds": seconds, "edited_seconds": edited_seconds}
    results.write(samples, contenders, verdicts, settings)
    print(f"\nWritten: {RESULTS.relative_to(ROOT)}, {PLOT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    run_main(main)
