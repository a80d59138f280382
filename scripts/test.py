"""Runs the tests: `npm test`, or `npm test -- tests/unit -k name` with pytest's arguments.

Without arguments everything runs: what needs no Supabase Lite beside what does, because both mostly
wait. So there are at most two Workers and one Supabase Lite at a time. In the end it tells how long
that took, and how much memory.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from shared import project

PYTEST = (sys.executable, "-m", "pytest")

RUNTIME = project.ROOT / "tests" / "runtime"
WITHOUT_A_WORKER = ("*_sql.py", "test_deploy.py", "test_setup.py")

SAMPLE_S = 0.5
A_MINUTE_S = 60

INTERRUPTED = 2
"""As pytest says it."""


def main() -> int:
    """Return 0 if all tests pass."""
    os.chdir(project.ROOT)
    arguments = sys.argv[1:]
    with measured():
        return run(arguments) if arguments else run_everything()


def run(arguments: Sequence[str], output: BinaryIO | None = None) -> int:
    """Run pytest and return its status. Its output goes to a file, if there is one."""
    command = [*PYTEST, *arguments]
    return subprocess.run(
        command, env=project.environment(), stdout=output, stderr=output, check=False
    ).returncode


def run_everything() -> int:
    """Run both halves side by side, and show the second one's output after the first one's."""
    apart = [str(path) for pattern in WITHOUT_A_WORKER for path in sorted(RUNTIME.glob(pattern))]
    workers = ["tests/runtime", *(f"--ignore={path}" for path in apart)]
    # Two processes, so that the browser and the Worker of the first have ended before the second.
    beside = [[*workers, "-m", "played"], ["tests/unit", *apart]]
    with tempfile.TemporaryFile() as output, ThreadPoolExecutor(1) as pool:
        other = pool.submit(run_in_turn, beside, output)
        print("What needs Supabase Lite; everything else runs beside it:", flush=True)
        status = run([*workers, "-m", "not played"])
        others = other.result()
        output.seek(0)
        print("\nWorkers with a played Supabase; unit tests and SQL:", flush=True)
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
    return status or others


def run_in_turn(runs: Sequence[Sequence[str]], output: BinaryIO) -> int:
    """Run pytest with each of these arguments; return the first status that is not 0."""
    statuses = [0]
    for arguments in runs:
        if INTERRUPTED not in statuses:
            statuses.append(run(arguments, output))
    return next(filter(None, statuses), 0)


@contextmanager
def measured() -> Iterator[None]:
    """Tell how long the block took, and the most memory that this and all its processes had."""
    began, over, peak = time.monotonic(), threading.Event(), [0]

    def watch() -> None:
        while not over.wait(SAMPLE_S):
            peak[0] = max(peak[0], resident_bytes(os.getpid()))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        seconds = time.monotonic() - began
        taken = f"{seconds:.0f} s" if seconds < A_MINUTE_S else f"{seconds / A_MINUTE_S:.1f} min"
        memory = f" and at most {peak[0] / 1e9:.1f} GB of memory" if peak[0] else ""
        print(f"This took {taken}{memory}.", flush=True)


def resident_bytes(root: int) -> int:
    """Return what a process and all below it have in memory, where Linux tells; else 0."""
    parents, sizes = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            rest = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        pid = int(folder.name)
        parents[pid], sizes[pid] = int(rest[1]), int(rest[21])
    pages = sum(size for pid, size in sizes.items() if _is_below(pid, root, parents))
    return pages * os.sysconf("SC_PAGE_SIZE")


def _is_below(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid not in {root, 0}:
        pid = parents.get(pid, 0)
    return pid == root


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
