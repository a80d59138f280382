"""Compiles the Python lock files again: `sh scripts/run scripts/lock.py [--upgrade]`.

Without --upgrade, a version stays if it still fits. The files name no index, so they work with
every mirror.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from setup import python_env, worker_packages
from shared.failure import run_main
from shared.project import PACKAGE, REQUIREMENTS

COMMON = ("--generate-hashes", "--no-header", "--no-emit-index-url", "--quiet")


@dataclass(frozen=True)
class Lock:
    """A lock file and the arguments that make `uv pip compile` write it."""

    path: Path
    arguments: tuple[str, ...]

    def compile_to(self, output: Path, *options: str) -> None:
        """Write the lock to `output`, and keep the versions that this file already has."""
        python_env.uv("pip", "compile", *self.arguments, *COMMON, *options, "-o", str(output))


LOCKS = (
    # For the Workers runtime: only wheels in pure Python. Its platform counts as Linux.
    Lock(
        worker_packages.LOCK,
        (
            *(str(PACKAGE / "pyproject.toml"), "--only-binary", ":all:", "--no-annotate"),
            *("--python-version", worker_packages.WORKER_PYTHON, "--python-platform", "linux"),
        ),
    ),
    # For every platform and every Python that a developer may have.
    Lock(
        python_env.DEV,
        ("--group", "dev", "--no-annotate", "--universal", "--python-version", "3.11"),
    ),
    # The same for a project that has the package among its node packages, and no tests of it.
    Lock(
        python_env.TOOLS,
        ("--group", "tools", "--no-annotate", "--universal", "--python-version", "3.11"),
    ),
    # uv itself, which installs the others.
    Lock(
        python_env.BOOTSTRAP,
        (
            *(str(REQUIREMENTS / "bootstrap.in"), "--no-annotate"),
            *("--universal", "--python-version", "3.11"),
        ),
    ),
)


def main() -> int:
    """Compile every lock file from pyproject.toml."""
    for lock in LOCKS:
        lock.compile_to(lock.path, *sys.argv[1:])
    return 0


if __name__ == "__main__":
    run_main(main)
