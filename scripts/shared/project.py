"""The project's folders. Scripts write only inside the project, into folders that git ignores."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
NODE_MODULES = ROOT / "node_modules"
PYTHON_MODULES = ROOT / "python_modules"
REQUIREMENTS = ROOT / "requirements"
SCRIPTS = ROOT / "scripts"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"


def environment() -> dict[str, str]:
    """Return this process's variables, with the project's own Node.js and tools first on PATH."""
    folders = [str(NODE_MODULES / ".bin"), os.environ.get("PATH", os.defpath)]
    return {**os.environ, "PATH": os.pathsep.join(folders)}
