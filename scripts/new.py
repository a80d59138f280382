"""`npm run new -- ../my-cache`: writes a project of your own that uses this package.

The project has wrangler.toml, src/tables.toml, src/entry.py and package.json, and the example's
`supabase/` for `npm start`. The package is one of its node packages, so its version in package.json
is all that an upgrade changes.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

from shared.command import run
from shared.failure import Failure, run_main
from shared.project import PACKAGE, environment

PACKED = "vendor"
"""The folder of a new project in which the package lies, if it is not fetched from git."""

COPIED = ("src/entry.py", "src/tables.toml", ".gitignore", ".dev.vars.example")

COMMANDS = ("start", "sql", "doctor", "explain", "touches", "purge", "top", "setup")

README = """\
# {name}

A cache in front of Supabase, made with supabase-edge-cache. `src/tables.toml` says what it serves.

```sh
npm install
npm start                                       # the Worker and a Supabase on this machine
npm start -- --project                          # the Worker in front of the project of .dev.vars
npm run setup -- --env production --dry-run     # what is left until it is deployed
```
"""

BUILD = 'command = "npx edge-cache vendor"'
_BUILD = re.compile(r'^command = ".*"$', re.MULTILINE)
_WATCHED = re.compile(r"^watch_dir = .*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,50}")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="npm run new --", description=__doc__)
    parser.add_argument("folder", type=Path, help="the new project's folder, which must not exist")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SPEC",
        help="what package.json should name as the package, such as github:OWNER/REPOSITORY#v1.2.3;"
        " default: a packed copy of this clone",
    )
    return parser.parse_args()


def check(folder: Path) -> str:
    """Return the new Worker's name: the folder's. Raises Failure."""
    if folder.exists():
        raise Failure(f"{folder} exists: choose a folder that does not, or remove it.")
    name = folder.resolve().name
    if not _NAME.fullmatch(name):
        raise Failure(
            f"{name!r} cannot be a Worker's name: choose a folder named with small letters, digits"
            " and -, up to 51 of them."
        )
    return name


def configuration(wrangler_toml: str, name: str) -> str:
    """Return the new project's wrangler.toml."""
    own = wrangler_toml.replace("supabase-edge-cache", name)
    return _WATCHED.sub('watch_dir = ["src"]', _BUILD.sub(BUILD, own))


def manifest(name: str, source: str, ours: dict[str, object]) -> dict[str, object]:
    """Return the new project's package.json."""
    commands = {command: f"exec edge-cache {command}" for command in COMMANDS}
    return {
        "name": name,
        "private": True,
        "engines": ours["engines"],
        "scripts": {**commands, "deploy": "wrangler deploy"},
        "dependencies": {"supabase-edge-cache": source},
        "allowScripts": ours["allowScripts"],
    }


def pack(folder: Path) -> str:
    """Pack this clone into the new project, and return what package.json should name."""
    (folder / PACKED).mkdir()
    said = run(
        ["npm", "pack", "--pack-destination", folder / PACKED, PACKAGE],
        env=environment(),
        otherwise="npm could not pack this package.",
    )
    return f"file:{PACKED}/{said.split()[-1]}"


def write(folder: Path, name: str, source: str | None) -> None:
    """Write the project."""
    ours = json.loads((PACKAGE / "package.json").read_text())
    for path in COPIED:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE / path, folder / path)
    without_sql = shutil.ignore_patterns("edge_cache", ".temp", ".branches")
    shutil.copytree(PACKAGE / "supabase", folder / "supabase", ignore=without_sql)
    config = (PACKAGE / "wrangler.toml").read_text()
    (folder / "wrangler.toml").write_text(configuration(config, name))
    (folder / "README.md").write_text(README.format(name=name))
    package = manifest(name, source or pack(folder), ours)
    (folder / "package.json").write_text(json.dumps(package, indent=2) + "\n")


def main() -> int:
    """Write the project, all or nothing, and say what comes next."""
    asked = parse_arguments()
    folder, name = asked.folder, check(asked.folder)
    folder.mkdir(parents=True)
    try:
        write(folder, name, asked.source)
    except BaseException:
        shutil.rmtree(folder)
        raise
    print(f"Wrote {folder}. Next: cd {folder} && git init && npm install && npm start")
    return 0


if __name__ == "__main__":
    run_main(main)
