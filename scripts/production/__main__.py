"""The command: finds out what stands, says what is left, asks, does it, and has it examined."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from diagnosis import __main__ as diagnosis
from production import source, telling
from production.carrying_out import Execution
from production.finding import Environment, Finding, environment_of, find
from production.names import KEY, SECRET, URL
from production.plan import plan, unpushed
from production.steps import Step
from production.values import VAULT
from shared import project
from shared.failure import Failure, run_main

DESCRIPTION = """
Brings an environment into production, or into the state that this clone describes: the Worker with
its KV namespace, objects and secrets, the SQL in the database, and Vault. It changes only what
differs. In the end `npm run doctor` examines it.
"""

EPILOG = """
SUPABASE_URL, SUPABASE_ANON_KEY, REVALIDATE_SECRET, SUPABASE_DB_URL and WORKER_URL are taken from
the environment or from .dev.vars.NAME, never from an argument. What is missing is asked for.
"""

NO_TERMINAL = (
    "There is no terminal to ask in: add --yes to do it without a question, or --dry-run to see"
    " what would be done."
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options."""

    environment: str
    config: Path
    is_agreed: bool
    is_dry: bool


def parsed(words: list[str]) -> Arguments:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="npm run setup --", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False
    )
    parser.add_argument(
        "--env", metavar="NAME", required=True, help="staging, production or another [env.NAME]"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before doing it")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=project.ROOT / "wrangler.toml",
        help="another wrangler.toml",
    )
    given = parser.parse_args(words)
    return Arguments(given.env, given.config.absolute(), given.yes, given.dry_run)


def main() -> int:
    """Return 0 if the environment is as this clone describes it and the doctor finds no fault."""
    arguments = parsed(sys.argv[1:])
    has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not (has_terminal or arguments.is_agreed or arguments.is_dry):
        raise Failure(NO_TERMINAL)
    try:
        return run(arguments, may_ask=has_terminal and not arguments.is_agreed)
    except (KeyboardInterrupt, EOFError):
        print("\nStopped. Run this again: it goes on from there.", file=sys.stderr)
        return INTERRUPTED


INTERRUPTED = 130


def run(arguments: Arguments, *, may_ask: bool) -> int:
    """Find out, plan, ask, carry out and examine."""
    environment = environment_of(arguments.config, arguments.environment)
    finding = find(environment, tell, may_ask=may_ask, is_dry=arguments.is_dry)
    steps = steps_left(environment, finding)
    print(telling.situation(environment.wanted, finding), flush=True)
    is_unpushed = unpushed(environment.wanted, finding.found)
    print(telling.plan(steps, is_unpushed=is_unpushed), flush=True)
    if arguments.is_dry:
        return 0
    if steps and may_ask and input("\nDo it? [y/N] ").strip().lower() not in {"y", "yes"}:
        print("Nothing was changed.")
        return 1
    execution = Execution(environment, finding.known, tell)
    if steps:
        print(flush=True)
        execution.all(steps)
    status = examined(environment, finding, execution.address or finding.address)
    if execution.left:
        print(telling.by_hand(execution.left), flush=True)
    return status


def steps_left(environment: Environment, finding: Finding) -> tuple[Step, ...]:
    """Return the steps that are left. Raises Failure."""
    digest = source.secrets_digest(environment.wanted.worker, finding.known.for_the_worker)
    return plan(environment.wanted, finding.known, finding.found, digest)


def examined(environment: Environment, finding: Finding, address: str | None) -> int:
    """Run the doctor, and return its status."""
    has = finding.values.values
    if address is None or not {URL, KEY} <= has.keys():
        print(telling.not_examined(environment.name), flush=True)
        return 0
    print(f"\nnpm run doctor -- --env {environment.name} --worker {address}", flush=True)
    if finding.values.places.get(SECRET) == VAULT:  # the doctor finds the others by itself
        os.environ[SECRET] = has[SECRET]
    where = ["--worker", address, "--config", str(environment.config)]
    return diagnosis.main(["--env", environment.name, *where])


def tell(progress: str) -> None:
    """Print progress."""
    print(progress, flush=True)


if __name__ == "__main__":
    run_main(main)
