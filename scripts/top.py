"""`npm run top`: says what readers ask for most, and what costs most."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from shared import npm_options
from shared.asking import SECRET, add_worker, address_of, ask
from shared.failure import run_main

MEASURES = {"requests": 1, "misses": 2, "milliseconds": 3}
"""What can be sorted by, and where a row has it."""

SHOWN = 20


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="npm run top --",
        description=f"{__doc__} It needs {SECRET}, from the environment or .dev.vars.",
    )
    parser.add_argument(
        "--by", choices=MEASURES, default="requests", help="what comes first; default: requests"
    )
    add_worker(parser)
    return npm_options.parsed(parser, sys.argv[1:])


def lines(told: dict[str, Any], by: str) -> Iterator[str]:
    """Return the table, one line for each thing that is asked for."""
    rows = [row for target in told["targets"].values() for row in target]
    rows.sort(key=lambda row: row[MEASURES[by]], reverse=True)
    if not rows:
        yield f"Nothing was noted since {told['since']}."
        return
    yield f"Since {told['since']}, from a sample:"
    yield f"{'requests':>10} {'misses':>10} {'Supabase':>12}"
    for path, requests, misses, ms in rows[:SHOWN]:
        yield f"{requests:>10,} {misses:>10,} {ms / 1000:>10,.1f} s  {path}"


def main() -> int:
    """Ask the Worker, and print what it tells."""
    asked = parse_arguments()
    for line in lines(ask(address_of("/queries", asked.worker), "targets"), asked.by):
        print(line)
    return 0


if __name__ == "__main__":
    run_main(main)
