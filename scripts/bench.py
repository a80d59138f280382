"""Measures the Worker beside the lesson's: `npm run bench`, or `npm run bench -- --quick`."""

import os
import sys

from shared import project

os.chdir(project.ROOT)
environment = {**project.environment(), "PYTHONPATH": str(project.SCRIPTS)}
command = [sys.executable, "bench/run.py", *sys.argv[1:]]
os.execve(sys.executable, command, environment)  # noqa: S606 - no shell wanted
