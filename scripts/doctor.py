"""`npm run doctor`: says what is missing between this clone and a working production.

`npm run doctor -- --help` lists its options. Its code is in `scripts/diagnosis/`.
"""

import os
import sys

from shared import project

environment = {
    **project.environment(),
    "PYTHONPATH": f"{project.PACKAGE / 'src'}:{project.SCRIPTS}",
}
command = [sys.executable, "-m", "diagnosis", *sys.argv[1:]]
os.execve(sys.executable, command, environment)  # noqa: S606 - it needs no shell
