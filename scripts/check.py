"""`npm run check`: runs every check that does not run the program, and prints all results."""

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import lock
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


def node_lock() -> str:
    """Compare each package.json with the copy of its dependencies in its lock file."""
    for folder in (ROOT, ROOT / "bench"):
        wanted = json.loads((folder / "package.json").read_text())["devDependencies"]
        locked = json.loads((folder / "package-lock.json").read_text())["packages"][""]
        if wanted != locked["devDependencies"]:
            return f"{folder.name}/package-lock.json is outdated: run `npm install --save` there."
    return ""


def tables() -> str:
    """Compare the environments' tables: no environment inherits them, and all should be equal."""
    config = tomllib.loads((ROOT / "wrangler.toml").read_text())
    wanted = config["vars"]["TABLES"]
    for name, environment_of in config["env"].items():
        found = environment_of.get("vars", {}).get("TABLES", {})
        unlike = [one for one in sorted(wanted | found) if wanted.get(one) != found.get(one)]
        if unlike:
            return (
                f"wrangler.toml: [env.{name}.vars.TABLES] and [vars.TABLES] differ in"
                f" {', '.join(unlike)}: make them the same."
            )
    return ""


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
    ("tables of environments", tables),
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
