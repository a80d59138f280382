"""`npm run bench`: measures the Worker side by side with the lesson's, or simulates a day."""

import os
import sys

from shared import project

os.chdir(project.ROOT)
DAY_PATHS = ("src", "bench", "tests/unit/fakes", "tests/unit/program")
"""A day is simulated on the unit tests' program."""

paths, command = [project.SCRIPTS], ["bench/run.py", *sys.argv[1:]]
MODULES = {"--day": "day.run", "--ten-minutes": "day.real"}
"""What is played instead of measured."""

if module := MODULES.get(" ".join(sys.argv[1:])):
    paths += [project.ROOT / path for path in DAY_PATHS]
    command = ["-m", module]
environment = {**project.environment(), "PYTHONPATH": os.pathsep.join(map(str, paths))}
command = [sys.executable, *command]
os.execve(sys.executable, command, environment)  # noqa: S606 - it needs no shell
