"""Runs a command and takes it down, children included, once whoever asked for it is gone.

A killed test run or terminal must not leave servers behind, and nobody can clean up after SIGKILL.
So this stands between: it leads the command's process group and watches its own parent.

Arguments: the parent's process id, then the command.
"""

import os
import signal
import subprocess
import sys
import time

POLL_S = 0.3
GRACE_S = 3.0


def main() -> int:
    """Wait for the command and return its status, or end the group when the parent is gone."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    child = subprocess.Popen(command)
    # These signals go to the whole group: the command answers them, and this waits for that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    while child.poll() is None:
        if os.getppid() != parent:
            _end_group(child)
        time.sleep(POLL_S)
    return child.returncode


def _end_group(child: subprocess.Popen[bytes]) -> None:
    os.killpg(0, signal.SIGTERM)
    try:
        child.wait(GRACE_S)
    finally:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
