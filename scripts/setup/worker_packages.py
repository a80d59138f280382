"""Fills `python_modules/`, the folder whose packages Wrangler bundles with the Worker."""

import shutil
from pathlib import Path

from setup import python_env
from shared.project import CACHE, PYTHON_MODULES, REQUIREMENTS
from shared.stamp import Stamp

LOCK = REQUIREMENTS / "worker.txt"
VENDORED = Stamp(PYTHON_MODULES / ".vendored", (LOCK, Path(__file__)))

# Python in the Workers runtime of wrangler.toml's compatibility date.
WORKER_PYTHON = "3.14"

# Command line tools, which a Worker cannot run, and installers' notes. Licences stay.
UNUSED = ("bin", ".lock", "**/__pycache__", "*.dist-info/RECORD")


def vendor() -> None:
    """Install the locked packages beside the old ones, then swap the folders."""
    if VENDORED.is_current():
        return
    print("Vendoring the packages of requirements/worker.txt into python_modules/ …", flush=True)
    fresh = CACHE / "python_modules"
    shutil.rmtree(fresh, ignore_errors=True)
    _install_into(fresh)
    shutil.rmtree(PYTHON_MODULES, ignore_errors=True)
    fresh.rename(PYTHON_MODULES)
    VENDORED.write()


def _install_into(folder: Path) -> None:
    # Only pure-Python wheels: nothing that is compiled for this machine runs in a Worker.
    python_env.uv(
        *("pip", "install", "--require-hashes", "--no-deps", "--only-binary", ":all:"),
        *("--python-version", WORKER_PYTHON, "--link-mode", "copy"),
        *("--target", str(folder), "-r", str(LOCK)),
    )
    for pattern in UNUSED:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
