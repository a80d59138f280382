"""Installs what package-lock.json names: Wrangler, Supabase Lite, Pyodide and their Node.js."""

import json
from typing import Any

from command import run
from project import NODE_MODULES, ROOT, environment

# npm writes it last, after everything else is in place.
INSTALLED = NODE_MODULES / ".package-lock.json"
NODE = NODE_MODULES / ".bin" / "node"

INSTALL_FAILED = (
    "npm could not install the packages of package-lock.json: check that it reaches its registry"
    " (`npm ping`) and run this again."
)
NODE_FAILED = (
    "The Node.js of npm's `node` package does not run. Its install script fetches it, so npm's"
    " `ignore-scripts` setting must be off: delete node_modules and run this again."
)


def install() -> None:
    """Install the node packages unless they are there.

    `npm ci` would be stricter, but refuses a lock file that lacks another platform's packages, and
    a registry mirror may not have those.
    """
    if is_current():
        return
    print("Installing the node packages of package-lock.json …", flush=True)
    run(["npm", "install", "--no-save"], env=environment(), otherwise=INSTALL_FAILED)
    run([NODE, "--version"], env=environment(), otherwise=NODE_FAILED)


def is_current() -> bool:
    """Compare what npm says it installed with the lock file."""
    if not INSTALLED.is_file() or not NODE.exists():
        return False
    installed = _packages(INSTALLED.read_text())
    wanted = _packages((ROOT / "package-lock.json").read_text())
    return all(
        installed[name]["version"] == package["version"]
        if name in installed
        # Optional packages are those of other platforms.
        else package.get("optional", False)
        for name, package in wanted.items()
        if name
    )


def _packages(lock: str) -> dict[str, Any]:
    packages: dict[str, Any] = json.loads(lock)["packages"]
    return packages
