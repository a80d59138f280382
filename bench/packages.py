"""Installs what only the benchmark needs: its node packages, and what draws the plot.

The plot's packages go into a folder of their own: `.venv` holds exactly requirements/dev.txt.
"""

import shutil

from places import BENCH, PLOT_PACKAGES
from setup import node_packages, python_env
from shared.project import CACHE
from shared.stamp import Stamp

LOCK = python_env.BENCH
INSTALLED = Stamp(PLOT_PACKAGES / ".installed", (LOCK,))


def install() -> None:
    """Install both as far as needed."""
    node_packages.install(BENCH)
    if INSTALLED.is_current():
        return
    print("Installing the Python packages of requirements/bench.txt …", flush=True)
    fresh = CACHE / "bench-packages.new"
    shutil.rmtree(fresh, ignore_errors=True)
    arguments = ("--require-hashes", "--no-deps", "--target", str(fresh), "-r", str(LOCK))
    python_env.uv("pip", "install", *arguments)
    shutil.rmtree(PLOT_PACKAGES, ignore_errors=True)
    fresh.rename(PLOT_PACKAGES)
    INSTALLED.write()
