"""Assembles the Python runtime that runs the Worker on this machine.

`wrangler dev` downloads Pyodide from a CDN that many machines cannot reach. But workerd can read it
from disk, and npm's `pyodide` package has the same files: runtime_bundle.py makes workerd's file of
them. Miniflare has no option for the folder. So it gets a small executable instead of workerd. That
calls the real workerd with one more argument.
"""

import json
import platform
import sys
from pathlib import Path

from shared.command import Command, run
from shared.failure import Failure
from shared.project import CACHE, NODE_MODULES, SCRIPTS, VENV_PYTHON, environment
from shared.stamp import Stamp
from shared.terminal import step

# These two fit together. A workerd of one week earlier needs other modules.
PYODIDE_VERSION = "314.0.6"
WORKERD_VERSION = "1.20261117.1"

# With these flags workerd reads the runtime from disk. They are added to those in wrangler.toml.
COMPATIBILITY_FLAGS = (
    "python_workers",
    "python_workers_development",
    "experimental",
    "no_python_workers_20250116",
    "no_python_workers_20260610",
    "no_python_workers_314",
)

FOLDER = CACHE / f"pyodide-{PYODIDE_VERSION}-workerd-{WORKERD_VERSION}"
BUNDLE = FOLDER / "pyodide_dev.capnp.bin"
WORKERD = FOLDER / "workerd"
ASSEMBLED = Stamp(FOLDER / ".assembled", (Path(__file__).with_name("runtime_bundle.py"),))

# npm's packages, by Python's names for the platforms.
PLATFORM_PACKAGES = {
    ("linux", "x86_64"): "workerd-linux-64",
    ("linux", "aarch64"): "workerd-linux-arm64",
    ("darwin", "x86_64"): "workerd-darwin-64",
    ("darwin", "arm64"): "workerd-darwin-arm64",
}

WRAPPER = """\
#!/bin/sh
case "$1" in
serve) shift; exec '{workerd}' serve '--pyodide-bundle-disk-cache-dir={folder}' "$@" ;;
*) exec '{workerd}' "$@" ;;
esac
"""


def is_current() -> bool:
    """Return whether the runtime is there, made by this version of these scripts."""
    return BUNDLE.is_file() and ASSEMBLED.is_current()


def ensure() -> None:
    """Check that the packages fit together, and that workerd finds the runtime."""
    _check_version("pyodide", PYODIDE_VERSION)
    _check_version("workerd", WORKERD_VERSION)
    _write_wrapper()


def assemble(prefix: str = "") -> None:
    """Assemble the runtime."""
    _check_version("pyodide", PYODIDE_VERSION)
    # This needs a process of its own, because only `.venv` has the package for Cap'n Proto.
    python: Command = [VENV_PYTHON, "-m", "setup.runtime_bundle"]
    with step(f"{prefix}Assembling the Python runtime for workerd"):
        run(
            [*python, NODE_MODULES / "pyodide", BUNDLE],
            env={**environment(), "PYTHONPATH": str(SCRIPTS)},
            otherwise="The Python runtime could not be assembled.",
        )
    ASSEMBLED.write()


def _check_version(package: str, expected: str) -> None:
    found = json.loads((NODE_MODULES / package / "package.json").read_text())["version"]
    if found != expected:
        raise Failure(
            f"{package} {found} is installed, but scripts/setup/runtime.py needs {expected}: pin"
            f" {expected} in package.json, or adapt the script to the new version."
        )


def _write_wrapper() -> None:
    text = WRAPPER.format(workerd=_real_workerd(), folder=FOLDER)
    if WORKERD.is_file() and WORKERD.read_text() == text:
        return
    fresh = FOLDER / "workerd.new"
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(WORKERD)


def _real_workerd() -> Path:
    system = (sys.platform, platform.machine())
    package = PLATFORM_PACKAGES.get(system)
    if package is None:
        raise Failure(f"workerd runs on Linux and macOS (x64 and arm64), not on {system}.")
    workerd = NODE_MODULES / "@cloudflare" / package / "bin" / "workerd"
    if not workerd.is_file():
        raise Failure(
            f"npm did not install @cloudflare/{package}. Its registry may lack the package: see"
            f" `npm view @cloudflare/{package}@{WORKERD_VERSION}`."
        )
    return workerd
