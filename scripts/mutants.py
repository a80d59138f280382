"""`npm run mutants`: finds lines that could be wrong without a unit test failing.

mutmut makes one small change at a time, a mutant, and runs the unit tests that reach it. A mutant
is killed if one of them fails. The results stay in `mutants/` until a source or a unit test
changes, so a run that was stopped goes on where it was. `pyproject.toml` says what is mutated.
"""

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.failure import Failure, run_main
from shared.project import REQUIREMENTS, ROOT, VENV_PYTHON, environment
from shared.stamp import Stamp

MUTMUT = VENV_PYTHON.with_name("mutmut")
FOLDER = ROOT / "mutants"
PACKAGE = ROOT / "src" / "edge_cache"

SHARED = "shared"
"""The room of the modules that lie directly in the package."""

KILLED, TIMEOUT, NO_TESTS, NOT_CHECKED = "killed", "timeout", "no tests", "not checked"
STATUSES = (KILLED, TIMEOUT, "survived", NO_TESTS, NOT_CHECKED, "suspicious", "segfault")


@dataclass(frozen=True)
class Mutant:
    """A change, by mutmut's name for it, such as `edge_cache.worker.reads.x_read__mutmut_3`."""

    name: str
    status: str

    @property
    def module(self) -> str:
        """The module's dotted name."""
        return self.name.rpartition(".")[0]

    @property
    def room(self) -> str:
        """The folder that the module lies in."""
        _, *folders, _ = self.module.split(".")
        return folders[0] if folders else SHARED


def modules_of(asked: Sequence[str]) -> list[str]:
    """Return the modules of rooms, and of files. Raises Failure if there are none."""
    paths = [path for one in asked for path in _files(one)] if asked else PACKAGE.rglob("*.py")
    return sorted(".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in paths)


def _files(asked: str) -> list[Path]:
    room, file = PACKAGE / asked, Path(asked).absolute()
    if asked == SHARED or room.is_dir():
        return list(PACKAGE.glob("*.py") if asked == SHARED else room.rglob("*.py"))
    if not (file.is_file() and file.is_relative_to(PACKAGE)):
        raise Failure(f"There is no {asked} to mutate: name {SHARED} or another room, or a file.")
    return [file]


def mutmut(*arguments: str, stdout: int | None = None) -> str:
    """Run mutmut, and return what it prints if that goes into a pipe."""
    done = subprocess.run(
        [str(MUTMUT), *arguments],
        cwd=ROOT,
        env=environment(),
        check=False,
        stdout=stdout,
        text=True,
    )
    if done.returncode:
        raise Failure(
            "mutmut failed. It needs functions to change, and tests that pass before it changes"
            " anything (`npm test -- tests/unit`). If both are there, delete the folder mutants."
        )
    return str(done.stdout)


def results(modules: Sequence[str]) -> list[Mutant]:
    """Return what mutmut knows of the modules."""
    lines = mutmut("results", "--all", "true", stdout=subprocess.PIPE).splitlines()
    found = (Mutant(*line.strip().split(": ", 1)) for line in lines)
    return [mutant for mutant in found if mutant.module in modules]


def sources() -> Stamp:
    """Return the stamp of everything that the results depend on."""
    python = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/unit/**/*.py")])
    files = (*python, ROOT / "pyproject.toml", REQUIREMENTS / "dev.txt")
    return Stamp(FOLDER / ".sources", files, salt=f"{sys.version} {[*map(str, files)]}")


def test(modules: Sequence[str], *, by_name: bool) -> None:
    """Test what was not tested yet."""
    if not sources().is_current():
        shutil.rmtree(FOLDER, ignore_errors=True)
        sources().write()
    known = results(modules)
    untested = [mutant.name for mutant in known if mutant.status == NOT_CHECKED]
    if untested or not known:
        # mutmut tests a named mutant again even if it has a result.
        names = untested or [f"{module}.x*" for module in modules]
        mutmut("run", *(names if by_name else ()))


def print_table(mutants: Sequence[Mutant]) -> None:
    """Print a row for each room."""
    print(f"\n{'':12}{'mutants':>12}{''.join(f'{status:>12}' for status in STATUSES)}{'score':>12}")
    for room in sorted({mutant.room for mutant in mutants}):
        counts = Counter(mutant.status for mutant in mutants if mutant.room == room)
        numbers = "".join(
            f"{number:12}" for number in (counts.total(), *map(counts.__getitem__, STATUSES))
        )
        print(f"{room:12}{numbers}{(counts[KILLED] + counts[TIMEOUT]) / counts.total():12.1%}")
    print("\nThe score is the share of mutants that were killed or ran into the time limit.")
    print("To see what survived: npm run mutants -- --survivors [ROOM or FILE …]")


def print_survivors(mutants: Sequence[Mutant]) -> None:
    """Print each change that no test noticed, then the functions that were not tested."""
    for mutant in mutants:
        if mutant.status not in {KILLED, TIMEOUT, NO_TESTS, NOT_CHECKED}:
            print(mutmut("show", mutant.name, stdout=subprocess.PIPE))
    for status in (NO_TESTS, NOT_CHECKED):
        names = (one.name.partition("__mutmut_")[0] for one in mutants if one.status == status)
        for function, count in Counter(names).items():
            print(f"{function}: {status} ({count} mutants)")


def main() -> int:
    """Test the mutants, or show the survivors. A survivor is no failure."""
    parser = argparse.ArgumentParser(prog="npm run mutants --", description=__doc__)
    parser.add_argument("asked", nargs="*", metavar="ROOM or FILE", help="only these")
    parser.add_argument("--survivors", action="store_true", help="show what survived the last run")
    arguments = parser.parse_args()
    modules = modules_of(arguments.asked)
    if not arguments.survivors:
        test(modules, by_name=bool(arguments.asked))
        print_table(results(modules))
    elif sources().is_current():
        print_survivors(results(modules))
    else:
        raise Failure("There are no results of the code as it is: run `npm run mutants` first.")
    return 0


if __name__ == "__main__":
    run_main(main)
