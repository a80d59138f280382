"""The folders. Scripts write only inside the project, into folders that git ignores.

The project is the user's: it has `wrangler.toml`, `src/entry.py` and `src/tables.toml`. The package
is what these scripts belong to. In a clone of the package both are one folder. In a project that
has the package among its node packages, the command `edge-cache` names the project.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

PACKAGE = Path(__file__).resolve().parents[2]
ROOT = Path(os.environ.get("EDGE_CACHE_PROJECT") or PACKAGE)
"""The project."""

CACHE = ROOT / ".cache"
NODE_MODULES = ROOT / "node_modules"
PYTHON_MODULES = ROOT / "python_modules"
REQUIREMENTS = PACKAGE / "requirements"
SCRIPTS = PACKAGE / "scripts"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"

IS_CLONE = ROOT == PACKAGE
"""Whether the project is a clone of the package."""


def environment() -> dict[str, str]:
    """Return this process's variables, with the project's own Node.js and tools first on PATH."""
    folders = [str(NODE_MODULES / ".bin"), os.environ.get("PATH", os.defpath)]
    return {**os.environ, "PATH": os.pathsep.join(folders)}


def become(module: str) -> NoReturn:
    """Go on as another program: a module of the scripts, which may use the Worker's own code."""
    path = f"{PACKAGE / 'src'}:{SCRIPTS}"
    command = [sys.executable, "-m", module, *sys.argv[1:]]
    os.execve(sys.executable, command, {**environment(), "PYTHONPATH": path})  # noqa: S606 - it needs no shell
