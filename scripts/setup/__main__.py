"""Brings the project to where everything runs; takes a moment when nothing changed.

`scripts/run` calls it before every script, as `python -m setup` in `scripts/`.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from setup import node_packages, python_env, runtime, worker_packages
from shared.failure import run_main
from shared.project import CACHE


@contextmanager
def only_one() -> Iterator[None]:
    """Keep two set-ups (`npm start` beside `npm test`) from installing into the same folders."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up of this project …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Run the steps; each says what it does, if it does something."""
    with only_one():
        node_packages.install()
        python_env.install()
        worker_packages.vendor()
        runtime.ensure()
    return 0


if __name__ == "__main__":
    run_main(main)
