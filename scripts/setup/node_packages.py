"""Installs what package-lock.json names: Wrangler, Supabase Lite, Pyodide and their Node.js."""

import re
from pathlib import Path

from shared.command import Command, run
from shared.failure import Failure
from shared.project import IS_CLONE, NODE_MODULES, ROOT, environment
from shared.stamp import Stamp
from shared.terminal import step

NODE = NODE_MODULES / ".bin" / "node"

QUICKLY = ("--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000")
"""npm itself would try for minutes if there is no network."""

_UNREACHABLE = re.compile("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH")

CHECK_NETWORK = (
    "Check the network, and npm's settings `registry` and `proxy` (`npm ping` tries them). Then run"
    " this again."
)
INSTALL_FAILED = (
    "npm could not install the packages of package-lock.json: check that it reaches its registry"
    " (`npm ping`), then run this again."
)
NODE_FAILED = (
    "The Node.js of npm's `node` package does not run. Its install script fetches it, so npm's"
    " setting `ignore-scripts` must be off: delete node_modules, then run this again."
)


def are_current(folder: Path = ROOT) -> bool:
    """Return whether the packages of the folder's lock file are installed.

    In a project that has this package among its own, its user has installed them.
    """
    if not IS_CLONE:
        return True
    return NODE.exists() and _files(folder)[-1].is_file() and _stamp(folder).is_current()


def _files(folder: Path) -> tuple[Path, ...]:
    """Return the lock file, and the file that npm writes last: another installation changes it."""
    return folder / "package-lock.json", folder / NODE_MODULES.name / ".package-lock.json"


def _stamp(folder: Path) -> Stamp:
    return Stamp(folder / NODE_MODULES.name / ".installed", _files(folder))


def install(prefix: str = "", folder: Path = ROOT) -> None:
    """Install the node packages of the folder's lock file unless they are there.

    `npm ci` would be stricter. But it refuses a lock file that lacks another platform's packages,
    and a registry's mirror may not have those.
    """
    if are_current(folder):
        return
    lock = (folder / "package-lock.json").relative_to(ROOT)
    with step(f"{prefix}Installing the node packages of {lock}"):
        _run_npm(folder)
    run([NODE, "--version"], env=environment(), otherwise=NODE_FAILED)
    _stamp(folder).write()


def _run_npm(folder: Path) -> None:
    npm: Command = ["npm", "install", "--no-save", "--prefix", folder, *QUICKLY]
    try:
        run(npm, env=environment(), otherwise=INSTALL_FAILED)
    except Failure as failure:
        if code := _UNREACHABLE.search(str(failure)):
            raise Failure(f"npm cannot reach its registry ({code[0]}). {CHECK_NETWORK}") from None
        raise
