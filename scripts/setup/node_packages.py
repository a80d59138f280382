"""Installs what package-lock.json names: Wrangler, Supabase Lite, Pyodide and their Node.js."""

import json
from pathlib import Path
from typing import Any

from shared.command import Command, run
from shared.project import NODE_MODULES, ROOT, environment

NODE = NODE_MODULES / ".bin" / "node"

INSTALL_FAILED = (
    "npm could not install the packages of package-lock.json: check that it reaches its registry"
    " (`npm ping`) and run this again."
)
NODE_FAILED = (
    "The Node.js of npm's `node` package does not run. Its install script fetches it, so npm's"
    " `ignore-scripts` setting must be off: delete node_modules and run this again."
)


def install(folder: Path = ROOT) -> None:
    """Install the node packages of the folder's lock file unless they are there.

    `npm ci` would be stricter, but refuses a lock file that lacks another platform's packages, and
    a registry mirror may not have those.
    """
    if is_current(folder):
        return
    lock = (folder / "package-lock.json").relative_to(ROOT)
    print(f"Installing the node packages of {lock} …", flush=True)
    npm: Command = ["npm", "install", "--no-save", "--prefix", folder]
    run(npm, env=environment(), otherwise=INSTALL_FAILED)
    run([NODE, "--version"], env=environment(), otherwise=NODE_FAILED)


def is_current(folder: Path) -> bool:
    """Compare what npm says it installed with the lock file."""
    # npm writes it last, after everything else is in place.
    listed = folder / NODE_MODULES.name / ".package-lock.json"
    if not listed.is_file() or not NODE.exists():
        return False
    installed = _packages(listed.read_text())
    wanted = _packages((folder / "package-lock.json").read_text())
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
