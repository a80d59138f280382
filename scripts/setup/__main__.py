"""Installs everything that is missing. If nothing changed, this takes only a moment.

`scripts/run` runs it before every script, as `python -m setup` in `scripts/`.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from setup import node_packages, python_env, runtime, worker_packages
from shared.failure import run_main
from shared.project import CACHE


@contextmanager
def only_one() -> Iterator[None]:
    """Wait until no other set-up installs into the same folders, such as that of `npm test`."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up of this project to end …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _vendor(prefix: str) -> None:
    print(prefix, end="", flush=True)
    worker_packages.vendor()


STEPS = (
    (node_packages.are_current, node_packages.install, "about 30 s"),
    (python_env.MADE.is_current, python_env.install, "about 20 s"),
    (worker_packages.VENDORED.is_current, _vendor, "about 5 s"),
    (runtime.is_current, runtime.assemble, "about 5 s"),
)
"""For each: whether it is done, what does it, and how long that takes."""


def main() -> int:
    """Run the steps that are due. Each says how many there are."""
    with only_one():
        due = [step for step in STEPS if not step[0]()]
        for number, (_, install, how_long) in enumerate(due, 1):
            install(f"Set-up, {number} of {len(due)}, {how_long}: ")
        runtime.ensure()
    return 0


if __name__ == "__main__":
    run_main(main)
