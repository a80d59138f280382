"""Fills `python_modules/`. Wrangler bundles the packages in this folder with the Worker."""

import shutil
from pathlib import Path

from setup import python_env
from shared.project import CACHE, IS_CLONE, PACKAGE, PYTHON_MODULES, REQUIREMENTS
from shared.stamp import Stamp

LOCK = REQUIREMENTS / "worker.txt"
OURS = PACKAGE / "src" / "edge_cache"
"""A clone has it in `src/`. Another project gets it among the Worker's packages."""

OUR_FILES = () if IS_CLONE else tuple(sorted(OURS.rglob("*.*")))
VENDORED = Stamp(PYTHON_MODULES / ".vendored", (LOCK, Path(__file__), *OUR_FILES))

# The Python version of the Workers runtime at wrangler.toml's compatibility date.
WORKER_PYTHON = "3.14"

# A Worker cannot run command line tools, and does not need installers' files. Licences stay.
UNUSED = ("bin", ".lock", "**/__pycache__", "*.dist-info/RECORD")


def vendor() -> None:
    """Install the locked packages into a new folder, then replace the old one with it."""
    if VENDORED.is_current():
        return
    print("Installing the Worker's packages into python_modules/ …", flush=True)
    fresh = CACHE / "python_modules"
    shutil.rmtree(fresh, ignore_errors=True)
    _install_into(fresh)
    if not IS_CLONE:
        shutil.copytree(OURS, fresh / OURS.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(PYTHON_MODULES, ignore_errors=True)
    fresh.rename(PYTHON_MODULES)
    VENDORED.write()


def _install_into(folder: Path) -> None:
    # Only wheels in pure Python: a Worker cannot run what is compiled for this machine.
    python_env.uv(
        *("pip", "install", "--require-hashes", "--no-deps", "--only-binary", ":all:"),
        *("--python-version", WORKER_PYTHON, "--link-mode", "copy"),
        *("--target", str(folder), "-r", str(LOCK)),
    )
    for pattern in UNUSED:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
