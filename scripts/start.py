"""`npm start`: runs the Worker on this machine until Ctrl-C."""

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from local.processes import Process
from shared.failure import Failure, run_main
from shared.project import ROOT
from starting import local_project, own_project
from starting.arguments import check_ports, parsed

LOCAL = ROOT / ".local"
POLL_S = 0.2


class Stopped(Exception):
    """Somebody pressed Ctrl-C, sent SIGTERM, or closed the terminal."""


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Raise Failure if `npm start` already runs on this state: both would use one database."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(
                "`npm start` already runs in this folder, and two would share one database. Stop"
                " the other one, or start the second in another clone."
            ) from None
        yield


def follow(log: Path, running: list[Process]) -> None:
    """Show what the Worker logs from now on. Raises Failure if a server ends."""
    parent = os.getppid()
    # The start-up's own request is logged a moment after its answer, and should not be shown.
    time.sleep(POLL_S)
    with log.open(errors="replace") as lines:
        lines.seek(0, os.SEEK_END)
        while all(process.alive for process in running):
            sys.stdout.write(lines.read())
            sys.stdout.flush()
            if os.getppid() != parent:
                raise Stopped
            time.sleep(POLL_S)
    ended = next(process for process in running if not process.alive)
    raise Failure(f"{ended.log_tail()}\n\n{ended.name} ended by itself; its log is {ended.log}.")


def stop_on_signal(_number: int, _frame: FrameType | None) -> None:
    """Turn the first signal into an exception. A second Ctrl-C must not interrupt the stopping."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def main() -> int:
    """Run until stopped, if no other `npm start` runs here."""
    arguments = parsed(sys.argv[1:])
    state = LOCAL / ("project" if arguments.project else "start")
    with only_one(state):
        check_ports(arguments)
        return serve(arguments, state)


def serve(arguments: argparse.Namespace, state: Path) -> int:
    """Run the servers until stopped. Stop all, whatever happens."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)
    mode = own_project if arguments.project else local_project
    running: list[Process] = []
    try:
        worker, ready = mode.start(arguments, state, running)
        print(ready, flush=True)
        follow(worker.process.log, running)
    except Stopped:
        print("\nStopping …", flush=True)
    finally:
        for process in reversed(running):
            process.stop()
    return 0


if __name__ == "__main__":
    run_main(main)
