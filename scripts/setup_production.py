"""`npm run setup -- --env production`: deploys an environment, or what differs in it.

`npm run setup -- --help` lists its options. Its code is in `scripts/production/`.
"""

import os
import sys

from shared import project

environment = {
    **project.environment(),
    "PYTHONPATH": f"{project.PACKAGE / 'src'}:{project.SCRIPTS}",
}
command = [sys.executable, "-m", "production", *sys.argv[1:]]
os.execve(sys.executable, command, environment)  # noqa: S606 - it needs no shell
