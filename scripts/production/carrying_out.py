"""Carries out the steps of a plan, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from production import database, waiting
from production.finding import Environment
from production.names import DATABASE_URL, SECRET, VAULT_SECRET, VAULT_URL, WORKER_URL
from production.plan import Known, hook
from production.steps import (
    Deploy,
    FillVault,
    Keep,
    RunScript,
    Step,
    WriteMigration,
    WritePaste,
)
from shared import edge_sql, migrations, variables
from shared.failure import Failure


class Execution:
    """Carries out steps. ``address`` is the Worker's, as soon as it is known.

    ``left`` has what only a person can do.
    """

    def __init__(self, environment: Environment, known: Known, tell: Callable[[str], None]) -> None:
        self._environment = environment
        self._known = known
        self._tell = tell
        self.address = known.address
        self.left: list[str] = []

    def all(self, steps: Sequence[Step]) -> None:
        """Carry out all steps. Raises Failure, which says what stands already."""
        for number, step in enumerate(steps, start=1):
            try:
                self._tell(f"{number}/{len(steps)}  {step.title} …")
                self._do(step)
            except Failure as failure:
                raise Failure(f"{failure}\n\n{stopped(number, len(steps))}") from failure

    def _do(self, step: Step) -> None:
        match step:
            case Keep(names, file):
                variables.keep(file, {name: self._known.values[name] for name in names})
            case Deploy(tag=tag):
                self._deploy(tag)
            case FillVault(names):
                self._run(edge_sql.vault(self._vault(names)))
            case RunScript():
                self._run(self._environment.script)
                waiting.for_api(self._known, self._environment.wanted.script, self._tell)
            case WriteMigration(folder):
                self._write_migration(folder)
            case WritePaste(names, has_script):
                self._write_paste(names, has_script=has_script)
            case _:
                raise AssertionError(step)  # these are only shown

    def _deploy(self, tag: str) -> None:
        told = self._environment.cloudflare.deploy(tag, self._known.for_the_worker)
        if self.address is None:
            if told is None:
                raise Failure(
                    "The Worker is deployed, but Wrangler told no address of it: add it as"
                    f" {WORKER_URL} to {self._known.file.name}."
                )
            self.address = told
            variables.keep(self._known.file, {WORKER_URL: told})
        waiting.for_worker(self.address, self._environment.tables, self._tell)

    def _run(self, sql: str) -> None:
        for warning in database.run(self._known.values[DATABASE_URL], sql):
            self._tell(f"     The database warns: {warning}")

    def _vault(self, names: tuple[str, ...]) -> dict[str, str]:
        values = {
            VAULT_URL: hook(self.address or ""),  # a plan has the deploy first
            VAULT_SECRET: self._known.values.get(SECRET, ""),
        }
        return {name: values[name] for name in names}

    def _write_migration(self, folder: Path) -> None:
        path = migrations.target(folder, migrations.INSTALLING, datetime.now(UTC))
        migrations.write(path, self._environment.script)
        self.left.append(f"Push the migration {path.name}: `npx supabase db push`.")

    def _write_paste(self, names: tuple[str, ...], *, has_script: bool) -> None:
        vault = edge_sql.vault(self._vault(names)) if names else ""
        text = "\n".join(filter(None, (vault, self._environment.script if has_script else "")))
        paste = self._environment.paste
        migrations.write(paste, text, mode=0o600)
        delete = " Then delete it, because it has the secret." if VAULT_SECRET in names else ""
        self.left.append(
            f"Paste {paste} into the SQL editor (Dashboard → SQL Editor) and run it.{delete}"
        )


def stopped(number: int, count: int) -> str:
    """Return what stands if a step failed, and how to go on."""
    done = "Nothing was done before it" if number == 1 else "What came before it stands"
    return f"Step {number} of {count} failed. {done}. Run this again: it goes on from there."
