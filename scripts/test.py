"""Runs the tests: `npm test`, or `npm test -- tests/unit -k name` with pytest's arguments."""

import os
import sys

from shared import project

os.chdir(project.ROOT)
command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
os.execve(sys.executable, command, project.environment())  # noqa: S606 - no shell wanted
