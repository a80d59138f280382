"""Makes `.venv` with exactly the packages of requirements/dev.txt.

A project that has this package among its node packages gets those of requirements/tools.txt.
"""

import os
import subprocess
import sys
from pathlib import Path

from shared.command import Command, run
from shared.project import CACHE, IS_CLONE, REQUIREMENTS, ROOT, VENV, VENV_PYTHON
from shared.stamp import Stamp
from shared.terminal import step

BOOTSTRAP = REQUIREMENTS / "bootstrap.txt"
DEV = REQUIREMENTS / "dev.txt"
TOOLS = REQUIREMENTS / "tools.txt"
WANTED = DEV if IS_CLONE else TOOLS

# A virtual environment contains its own absolute path, so a project that was moved needs a new one.
MADE = Stamp(VENV / ".made", (BOOTSTRAP, WANTED), salt=str(ROOT))

# A company's mirror and certificate are usually in pip's settings, and uv does not read those.
PIP_SETTINGS = (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE"))

VENV_FAILED = (
    "Python could not make a virtual environment in .venv. On Debian and Ubuntu, install the"
    " package `python3-venv`, then run this again."
)
INSTALL_FAILED = (
    "The Python packages could not be installed: check that pip reaches its index"
    " (`python3 -m pip download pip`), then run this again."
)


def install(prefix: str = "") -> None:
    """Make the environment anew if its packages are not those of the lock files."""
    if MADE.is_current():
        return
    with step(f"{prefix}Making .venv with the Python packages of requirements/{WANTED.name}"):
        make_room(VENV)
        python: Command = [sys.executable, "-m", "venv", "--clear", VENV]
        run(python, env=os.environ, otherwise=VENV_FAILED)
        pip: Command = [VENV_PYTHON, "-m", "pip", "install", "--require-hashes", "-r", BOOTSTRAP]
        run(pip, env=os.environ, otherwise=INSTALL_FAILED)
        uv("pip", "sync", "--require-hashes", str(WANTED))
    MADE.write()


def make_room(venv: Path) -> None:
    """Remove a link to another environment: `venv --clear` would empty that one."""
    if venv.is_symlink():
        venv.unlink()


def uv(*arguments: str) -> str:
    """Run uv on the environment, and return its output. Raises Failure."""
    command: Command = [VENV_PYTHON, "-m", "uv", *arguments]
    return run(command, env=_uv_environment(), otherwise=INSTALL_FAILED)


def _uv_environment() -> dict[str, str]:
    given = {
        "UV_CACHE_DIR": str(CACHE / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "VIRTUAL_ENV": str(VENV),
        **os.environ,
    }
    for setting, variable in PIP_SETTINGS:
        if variable not in given and (value := _pip_setting(setting)):
            given[variable] = value
    return given


def _pip_setting(name: str) -> str:
    variable = "PIP_" + name.upper().replace("-", "_")
    if variable in os.environ:
        return os.environ[variable]
    command: Command = [VENV_PYTHON, "-m", "pip", "config", "get", f"global.{name}"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
