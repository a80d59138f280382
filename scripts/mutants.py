"""`npm run mutants`: finds what could be wrong in a pure module without a unit test failing.

mutmut makes one small change at a time (a mutant) and runs the unit tests that reach it: `killed`
is a mutant on which a test fails. The results stay in `mutants/` until a module or a unit test
changes, so a run that was stopped goes on where it was. `pyproject.toml` says what is mutated.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import get_mutant_name, orig_function_and_class_names_from_key

from local.processes import spawn
from shared.failure import Failure, run_main
from shared.project import REQUIREMENTS, ROOT, VENV_PYTHON, environment
from shared.stamp import Stamp

FOLDER = ROOT / "mutants"
LOG = FOLDER / "run.log"
# mutmut writes it when all mutants are made.
STATISTICS = FOLDER / "mutmut-stats.json"

PACKAGE = Path("src/edge_cache")
SHARED = "shared"

UNTESTED = "not checked"
STATUSES = ("killed", "survived", "timeout", "no tests")
NOTICED = ("killed", "timeout")

PROGRESS_EVERY_S = 10.0
POLL_S = 0.5


@dataclass(frozen=True)
class Mutant:
    """One change: mutmut's name for it, the module it is in, and what became of it."""

    name: str
    module: Path
    status: str

    @property
    def function(self) -> str:
        """The function or method that is changed."""
        function, class_name = orig_function_and_class_names_from_key(self.name)
        return f"{class_name}.{function}" if class_name else function


def room_of(module: Path) -> str:
    """Return the module's folder in the package; those directly in it are what the rooms share."""
    folders = module.relative_to(PACKAGE).parent.parts
    return folders[0] if folders else SHARED


def modules_of(asked: Sequence[str]) -> list[Path]:
    """Return the modules that were asked for by room, path or dotted name; without any, all."""
    modules = sorted(walk_mutatable_files())
    chosen = set() if asked else set(modules)
    for one in asked:
        path = one.rstrip("/").removesuffix(".py").replace(".", "/").removeprefix("src/")
        name = path.removeprefix(f"{PACKAGE.name}/")
        found = {
            module
            for module in modules
            if name in (room_of(module), module.relative_to(PACKAGE).with_suffix("").as_posix())
        }
        if not found:
            rooms = ", ".join(sorted({room_of(module) for module in modules}))
            raise Failure(f"There is no {one} to mutate: name a room ({rooms}) or a module in src.")
        chosen |= found
    return sorted(chosen)


def mutants_of(modules: Iterable[Path]) -> list[Mutant]:
    """Read what mutmut wrote about the modules; raise ValueError if it is only half written."""
    mutants = []
    for module in modules:
        data = SourceFileMutationData(path=module)
        data.load()
        mutants += [
            Mutant(name, module, status_by_exit_code[code])
            for name, code in data.exit_code_by_key.items()
        ]
    return mutants


def sources() -> Stamp:
    """Return the stamp of all that the results depend on."""
    python = [*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/unit/**/*.py")]
    files = (*sorted(python), ROOT / "pyproject.toml", REQUIREMENTS / "dev.txt")
    return Stamp(FOLDER / ".sources", files, salt=f"{sys.version} {[*map(str, files)]}")


def has_results() -> bool:
    """Tell whether there are results, if only some, of the code as it is."""
    if not (sources().is_current() and STATISTICS.is_file()):
        return False
    try:
        mutants_of(modules_of(()))
    except ValueError:
        return False
    return True


def run_mutmut(modules: Sequence[Path], names: Sequence[str]) -> None:
    """Have mutmut test the named mutants, or without names every untested one."""
    process = spawn(
        "mutmut",
        [VENV_PYTHON.with_name("mutmut"), "run", *names],
        cwd=ROOT,
        env=environment(),
        log=LOG,
    )
    began = told = time.monotonic()
    try:
        while process.alive:
            time.sleep(POLL_S)
            if STATISTICS.is_file() and time.monotonic() - told > PROGRESS_EVERY_S:
                told = time.monotonic()
                # Some file may be half written at this moment.
                with suppress(ValueError):
                    print_progress(mutants_of(modules), told - began)
    finally:
        process.stop()
    if process.popen.returncode:
        raise Failure(
            f"{process.log_tail()}\n\nmutmut failed; its log is {LOG}. It needs functions to"
            " change, and tests that pass as long as it does not: `npm test -- tests/unit`."
        )


def print_progress(mutants: Sequence[Mutant], passed_s: float) -> None:
    """Say how far it is."""
    tested = sum(mutant.status != UNTESTED for mutant in mutants)
    print(f"[{passed_s:4.0f} s] {tested} of {len(mutants)} mutants", flush=True)


def test(modules: Sequence[Path], asked: Sequence[str]) -> list[Mutant]:
    """Test what was not tested yet, and return the results of the modules."""
    if not has_results():
        shutil.rmtree(FOLDER, ignore_errors=True)
        sources().write()
    before = mutants_of(modules)
    untested = [mutant.name for mutant in before if mutant.status == UNTESTED]
    if untested or not before:
        print("Making mutants, and running the unit tests that reach them …", flush=True)
        # mutmut tests named mutants even if it did before.
        names = untested or [get_mutant_name(module, "x*") for module in modules]
        run_mutmut(modules, names if asked else ())
    after = mutants_of(modules)
    unknown = [mutant.name for mutant in after if mutant.status not in STATUSES]
    if unknown:
        raise Failure(f"mutmut could not tell about {', '.join(unknown)}; see {LOG}.")
    return after


def print_table(mutants: Sequence[Mutant]) -> None:
    """Print a row for each room and one for all."""
    rooms = sorted({room_of(mutant.module) for mutant in mutants})
    rows = {room: [one for one in mutants if room_of(one.module) == room] for room in rooms}
    print(f"\n{'':12}{'mutants':>10}{''.join(f'{status:>10}' for status in STATUSES)}{'score':>10}")
    for name, row in (rows | {"total": mutants}).items():
        counts = [sum(one.status == status for one in row) for status in STATUSES]
        noticed = sum(one.status in NOTICED for one in row)
        numbers = "".join(f"{number:10}" for number in (len(row), *counts))
        print(f"{name:12}{numbers}{noticed / len(row):10.1%}")
    print("\nThe score is the share of mutants that were killed or ran into the time limit.")
    print("What survived: npm run mutants -- --survivors [ROOM or MODULE …]")


def print_survivors(mutants: Sequence[Mutant]) -> None:
    """Print the change that each surviving mutant is, then the functions that no test reaches."""
    for mutant in mutants:
        if mutant.status == "survived":
            diff = get_diff_for_mutant(mutant.name, path=mutant.module).splitlines()
            # The lines before say twice which file it is.
            print(f"{mutant.module}: {mutant.function}", *diff[2:], "", sep="\n")
    unreached = (mutant for mutant in mutants if mutant.status == "no tests")
    for (module, function), group in groupby(unreached, lambda one: (one.module, one.function)):
        print(f"{module}: {function}: no unit test reaches its {len(list(group))} mutants")
    untested = sum(mutant.status == UNTESTED for mutant in mutants)
    if untested:
        print(f"{untested} mutants are not tested yet.")


def parse_arguments() -> argparse.Namespace:
    """Read which modules, and what to do."""
    parser = argparse.ArgumentParser(prog="npm run mutants --", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="ROOM or MODULE", help="only these")
    parser.add_argument("--survivors", action="store_true", help="show what survived the last run")
    return parser.parse_args()


def main() -> int:
    """Test the mutants, or show the survivors; how many there are is no failure."""
    arguments = parse_arguments()
    os.chdir(ROOT)
    modules = modules_of(arguments.modules)
    if not arguments.survivors:
        print_table(test(modules, arguments.modules))
    elif has_results():
        print_survivors(mutants_of(modules))
    else:
        raise Failure("There are no results of the code as it is: run `npm run mutants` first.")
    return 0


if __name__ == "__main__":
    run_main(main)
