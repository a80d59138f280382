"""Reads the command line and the configuration, and prints the findings."""

import asyncio
import os
import sys
from collections.abc import Sequence

from diagnosis.arguments import Arguments, parsed
from diagnosis.configuration import Configuration, configuration_of
from diagnosis.examination import findings
from diagnosis.findings import Finding, fail, has_failed, in_environment, merged, warn
from diagnosis.report import line, summary, wants_colour
from edge_cache.config import Settings
from edge_cache.errors import ConfigurationError
from shared.declarations import old_way
from shared.failure import Failure, run_main

WRONG_USAGE = 2


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 if nothing fails, 1 if something fails, 2 if there was nothing to examine.

    ``words`` are the arguments; without them, those of the command line count.
    """
    arguments = parsed([*(sys.argv[1:] if words is None else words)])
    try:
        configuration = configuration_of(arguments)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return WRONG_USAGE
    try:
        settings = configuration.settings()
    except ConfigurationError as error:
        found = show([fail("the configuration", fault, _MEND) for fault in error.faults])
    else:
        found = show(_old_way(arguments))
        found += asyncio.run(examine(settings, configuration, arguments))
    print(f"\n{summary(found)}")
    return 1 if has_failed(found) else 0


def _old_way(arguments: Arguments) -> list[Finding]:
    """Return a warning if wrangler.toml declares the tables."""
    said = old_way(arguments.config)
    return [warn("the declaration", said, "See docs/upgrading.md.")] if said else []


_MEND = "Correct it in .dev.vars, wrangler.toml or src/tables.toml. Nothing else was checked."


async def examine(
    settings: Settings, configuration: Configuration, arguments: Arguments
) -> list[Finding]:
    """Print each finding as soon as it is known, and return all of them."""
    found: list[Finding] = []
    steps = findings(settings, configuration.places, arguments.worker, tell)
    async for step in steps:
        named = [in_environment(finding, arguments.environment) for finding in step]
        found += show(merged(named))
    return found


def show(found: list[Finding]) -> list[Finding]:
    """Print a line for each finding, and return them."""
    coloured = wants_colour(os.environ, is_terminal=sys.stdout.isatty())
    for finding in found:
        print(line(finding, coloured=coloured), flush=True)
    return found


def tell(progress: str) -> None:
    """Print progress to stderr, so that it is not part of the result."""
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_main(main)
