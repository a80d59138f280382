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


def main() -> int:
    """Run the steps. Each prints what it does if there is something to do."""
    with only_one():
        node_packages.install()
        python_env.install()
        worker_packages.vendor()
        runtime.ensure()
    return 0


if __name__ == "__main__":
    run_main(main)
