"""Carries out the steps of a plan, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from production import database
from production.cloudflare import Cloudflare
from production.names import DATABASE_URL, SECRET, VAULT_SECRET, VAULT_URL, WORKER_URL
from production.plan import (
    Deploy,
    FillVault,
    Keep,
    Known,
    RunScript,
    Step,
    WriteMigration,
    WritePaste,
    hook,
)
from shared import edge_sql, migrations, variables
from shared.failure import Failure

DEADLINE_S = 90.0
"""A new version is everywhere within seconds, the certificate of a new address within a minute."""

POLL_S = 2.0
REQUEST_S = 10.0

Tell = Callable[[str], None]


@dataclass
class Execution:
    """Carries out steps. ``address`` is the Worker's, as soon as it is known."""

    cloudflare: Cloudflare
    known: Known
    script: str
    paste: Path
    tell: Tell
    address: str | None = None
    left: list[str] = field(default_factory=list)

    def all(self, steps: Sequence[Step]) -> None:
        """Carry out all steps. Raises Failure, which says what stands already."""
        for number, step in enumerate(steps, start=1):
            try:
                self.tell(f"{number}/{len(steps)}  {step}")
                self._do(step)
            except Failure as failure:
                raise Failure(f"{failure}\n\n{stopped(number, len(steps))}") from failure

    def _do(self, step: Step) -> None:
        match step:
            case Keep(names, file):
                variables.keep(file, {name: self.known.values[name] for name in names})
            case Deploy(tag=tag):
                self._deploy(tag)
            case FillVault(names):
                self._run(edge_sql.vault(self._vault(names)))
            case RunScript():
                self._run(self.script)
            case WriteMigration(folder):
                self._write_migration(folder)
            case WritePaste(names, has_script):
                self._write_paste(names, has_script=has_script)
            case _:
                raise AssertionError(step)  # these are only shown

    def _deploy(self, tag: str) -> None:
        told = self.cloudflare.deploy(tag, self.known.for_the_worker)
        if self.address is None:
            if told is None:
                raise Failure(
                    "The Worker is deployed, but Wrangler told no address of it: add it as"
                    f" {WORKER_URL} to {self.known.file.name}."
                )
            self.address = told
            variables.keep(self.known.file, {WORKER_URL: told})
        wait_until_configured(self.address, self.tell)

    def _run(self, sql: str) -> None:
        for warning in database.run(self.known.values[DATABASE_URL], sql):
            self.tell(f"     The database warns: {warning}")

    def _vault(self, names: tuple[str, ...]) -> dict[str, str]:
        values = {
            VAULT_URL: hook(self.address or ""),  # a plan has the deploy first
            VAULT_SECRET: self.known.values.get(SECRET, ""),
        }
        return {name: values[name] for name in names}

    def _write_migration(self, folder: Path) -> None:
        path = migrations.target(folder, migrations.INSTALLING, datetime.now(UTC))
        migrations.write(path, self.script)
        self.left.append(f"Push the migration {path.name}: `npx supabase db push`.")

    def _write_paste(self, names: tuple[str, ...], *, has_script: bool) -> None:
        vault = edge_sql.vault(self._vault(names)) if names else ""
        text = "\n".join(filter(None, (vault, self.script if has_script else "")))
        migrations.write(self.paste, text, mode=0o600)
        self.left.append(
            f"Paste {self.paste} into the SQL editor (Dashboard → SQL Editor), run it, and delete"
            " it: it has the secret."
        )


def stopped(number: int, count: int) -> str:
    """Return what stands if a step failed, and how to go on."""
    done = "Nothing was done before it" if number == 1 else "What came before it stands"
    return f"Step {number} of {count} failed. {done}. Run this again: it goes on from there."


def wait_until_configured(address: str, tell: Tell) -> None:
    """Wait until the Worker answers with its configuration. The doctor tells if it never does."""
    ends = time.monotonic() + DEADLINE_S
    told = False
    while not _is_configured(address):
        if time.monotonic() > ends:
            return
        if not told:
            tell(f"     Waiting until {address} answers, for {DEADLINE_S:.0f} s at most …")
            told = True
        time.sleep(POLL_S)


def _is_configured(address: str) -> bool:
    try:
        answer = httpx.get(
            f"{address}/health", timeout=REQUEST_S, headers={"accept": "application/json"}
        )
        return bool(answer.json()["configuration"] == "ok")
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False
