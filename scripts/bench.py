"""`npm run bench`: measures the Worker side by side with the lesson's."""

import os
import sys

from shared import project

os.chdir(project.ROOT)
environment = {**project.environment(), "PYTHONPATH": str(project.SCRIPTS)}
command = [sys.executable, "bench/run.py", *sys.argv[1:]]
os.execve(sys.executable, command, environment)  # noqa: S606 - it needs no shell
