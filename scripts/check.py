"""`npm run check`: runs every check that does not run the program, and prints all results."""

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lock
from shared import declarations
from shared.failure import Failure, run_main
from shared.project import ROOT, VENV_PYTHON, environment

PYTHON = sys.executable


def tool(*arguments: str) -> Callable[[], str]:
    """Return a check that passes if the command succeeds."""

    def check() -> str:
        env = {**environment(), "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            arguments, cwd=ROOT, env=env, check=False, capture_output=True, text=True
        )
        return done.stdout + done.stderr if done.returncode else ""

    return check


def python_locks() -> str:
    """Compile the lock files again, keeping their versions. If one changes, it is outdated."""
    with tempfile.TemporaryDirectory() as folder:
        for one in lock.LOCKS:
            copy = Path(shutil.copy(one.path, folder))
            one.compile_to(copy)
            if copy.read_text() != one.path.read_text():
                return f"{one.path.name} is outdated: run `sh scripts/run scripts/lock.py`."
    return ""


DEPENDENCIES = ("dependencies", "devDependencies")


def node_lock() -> str:
    """Compare each package.json with the copy of its dependencies in its lock file."""
    for folder in (ROOT, ROOT / "bench"):
        wanted = json.loads((folder / "package.json").read_text())
        locked = json.loads((folder / "package-lock.json").read_text())["packages"][""]
        if any(wanted.get(kind) != locked.get(kind) for kind in DEPENDENCIES):
            return f"{folder.name}/package-lock.json is outdated: run `npm install --save` there."
    return ""


INHERITED_BY_NONE = ("kv_namespaces", "durable_objects")
"""Bindings. No environment inherits them."""


def environments() -> str:
    """Compare what no environment of wrangler.toml inherits: each should repeat it."""
    config = tomllib.loads((ROOT / "wrangler.toml").read_text())
    for name, own in config.get("env", {}).items():
        for kind in INHERITED_BY_NONE:
            if bindings_in(own.get(kind)) != bindings_in(config[kind]):
                return (
                    f"wrangler.toml: [env.{name}] lacks bindings that the top level has: repeat"
                    f" {kind} there."
                )
    return ""


def tables() -> str:
    """Find what is wrong with the declaration, in any environment. Raises Failure."""
    config = tomllib.loads((ROOT / "wrangler.toml").read_text())
    for name in (None, *config.get("env", {})):
        declarations.read(name)
    return ""


def bindings_in(section: Any) -> list[str]:
    """Return the names of the bindings in a section of wrangler.toml, without their settings."""
    listed = section.get("bindings", []) if isinstance(section, dict) else section or []
    return sorted(one.get("name") or one["binding"] for one in listed)


def local_settings() -> str:
    """Find settings in wrangler.toml that are only for this machine."""
    text = (ROOT / "wrangler.toml").read_text()
    flags = tomllib.loads(text)["compatibility_flags"]
    if "localhost" in text or "127.0.0.1" in text or "experimental" in flags:
        return "wrangler.toml has a setting that is only for this machine: put it into .dev.vars."
    return ""


NEEDED: tuple[tuple[str, str, Any, str], ...] = (
    ("triggers", "crons", ["* * * * *"], "changes whose webhook was lost are found too late"),
    ("observability", "enabled", True, "Cloudflare does not keep the Worker's log"),
    (
        "build",
        "watch_dir",
        ["src", "requirements"],
        "`npm start` does not always reload the Worker after a change",
    ),
)
"""Section, name and value of what wrangler.toml should set, and what happens otherwise."""


def needed_settings() -> str:
    """Find settings in wrangler.toml that the documentation relies on, but that are different."""
    return lost_settings((ROOT / "wrangler.toml").read_text())


def lost_settings(text: str) -> str:
    """Return what is wrong with the needed settings, one sentence a line."""
    config = tomllib.loads(text)
    return "\n".join(
        f"wrangler.toml: [{section}] does not set {name} to {json.dumps(value)}, so {otherwise}:"
        f" write `{name} = {json.dumps(value)}` there."
        for section, name, value, otherwise in NEEDED
        if config.get(section, {}).get(name) != value
    )


TOOLS = VENV_PYTHON.parent
WORKFLOWS = ROOT / ".github" / "workflows"
ZIZMOR = ("--offline", "--quiet", "--min-severity", "medium")

CHECKS = (
    ("ruff check", tool(PYTHON, "-m", "ruff", "check", "--quiet", ".")),
    ("ruff format", tool(PYTHON, "-m", "ruff", "format", "--check", ".")),
    ("mypy", tool(PYTHON, "-m", "mypy")),
    ("imports", tool(str(TOOLS / "lint-imports"), "--no-cache", "--no-logo")),
    ("Python lock files", python_locks),
    ("node lock files", node_lock),
    ("environments", environments),
    ("tables", tables),
    ("local settings", local_settings),
    ("needed settings", needed_settings),
    (
        "workflows",
        tool(
            *(str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"),
            *map(str, sorted(WORKFLOWS.glob("*.yml"))),
        ),
    ),
    # Below medium severity, its findings are matters of taste.
    ("workflows' security", tool(str(TOOLS / "zizmor"), *ZIZMOR, str(WORKFLOWS))),
)


def outcome(check: Callable[[], str]) -> str:
    """Return what is wrong. A check that cannot run has failed too."""
    try:
        return check().strip()
    except Failure as failure:
        return str(failure)


def main() -> int:
    """Run every check, and print a line for each."""
    declarations.warn_of_old_way()
    failed = 0
    for name, check in CHECKS:
        problem = outcome(check)
        failed += bool(problem)
        print(f"{'FAILED' if problem else 'ok':8}{name}", flush=True)
        if problem:
            print(problem, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    run_main(main)
