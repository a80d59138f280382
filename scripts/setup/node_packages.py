"""Installs what package-lock.json names: Wrangler, Supabase Lite, Pyodide and their Node.js."""

from pathlib import Path

from shared.command import Command, run
from shared.project import IS_CLONE, NODE_MODULES, ROOT, environment
from shared.stamp import Stamp

NODE = NODE_MODULES / ".bin" / "node"

INSTALL_FAILED = (
    "npm could not install the packages of package-lock.json: check that it reaches its registry"
    " (`npm ping`), then run this again."
)
NODE_FAILED = (
    "The Node.js of npm's `node` package does not run. Its install script fetches it, so npm's"
    " setting `ignore-scripts` must be off: delete node_modules, then run this again."
)


def install(folder: Path = ROOT) -> None:
    """Install the node packages of the folder's lock file unless they are there.

    In a project that has this package among its own, its user has installed them.

    `npm ci` would be stricter. But it refuses a lock file that lacks another platform's packages,
    and a registry's mirror may not have those.
    """
    lock = folder / "package-lock.json"
    if not IS_CLONE:
        return
    # npm writes this file last, so another installation than ours changes it.
    installed = folder / NODE_MODULES.name / ".package-lock.json"
    done = Stamp(folder / NODE_MODULES.name / ".installed", (lock, installed))
    if installed.is_file() and NODE.exists() and done.is_current():
        return
    print(f"Installing the node packages of {lock.relative_to(ROOT)} …", flush=True)
    npm: Command = ["npm", "install", "--no-save", "--prefix", folder]
    run(npm, env=environment(), otherwise=INSTALL_FAILED)
    run([NODE, "--version"], env=environment(), otherwise=NODE_FAILED)
    done.write()
