"""Runs a tool, and shows its output only if it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.failure import Failure
from shared.project import ROOT

Command = Sequence[str | Path]

TAIL_LINES = 20


def tail(text: str) -> str:
    """Return the last lines of a log, without empty lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-TAIL_LINES:])


def run(command: Command, *, env: Mapping[str, str], otherwise: str) -> str:
    """Run a command in the project, and return its output. A Failure ends with `otherwise`."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise Failure(f"{tail(done.stdout)}\n\n{otherwise}")
    return done.stdout
