"""The steps of a plan. None has a value that is secret, so a plan may be printed.

``str(step)`` says what is to be done and why, and ``title`` what is being done.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from production.names import SECRET


@dataclass(frozen=True, slots=True)
class LogIn:
    """Log in at Cloudflare. Only a dry run has this step, and the next."""

    title = "Logging in at Cloudflare"

    def __str__(self) -> str:
        """Return what is to be done."""
        return (
            "Log in at Cloudflare: `npx wrangler login` opens a browser. Before that nobody knows"
            " what is there, so this is the plan for an account without the Worker."
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a person for values."""

    names: tuple[str, ...]
    title = "Asking"

    def __str__(self) -> str:
        """Return what is to be done."""
        return f"Ask for {listed(self.names)}."


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep values in the private file."""

    names: tuple[str, ...]
    file: Path
    secret_is_new: bool

    @property
    def title(self) -> str:
        """What is being done."""
        return f"Keeping {listed(self.names)} in {self.file.name}"

    def __str__(self) -> str:
        """Return what is to be done."""
        where = f"in {self.file.name}, which only you can read and git ignores."
        if self.names == (SECRET,) and self.secret_is_new:
            return f"Make a new {SECRET}, and keep it {where}"
        made = f"Make a new {SECRET}. " if self.secret_is_new else ""
        return f"{made}Keep {listed(self.names)} {where}"


@dataclass(frozen=True, slots=True)
class Deploy:
    """Deploy the Worker together with its secrets, so that no version lacks them."""

    worker: str
    tag: str
    why: str
    secrets: tuple[str, ...]

    @property
    def title(self) -> str:
        """What is being done."""
        return f"Deploying {self.worker}"

    def __str__(self) -> str:
        """Return what is to be done."""
        with_them = f" with {listed(self.secrets)}" if self.secrets else ""
        return f"Deploy {self.worker}{with_them}: {self.why}."


@dataclass(frozen=True, slots=True)
class FillVault:
    """Put the Worker's address, or the secret, into the database's Vault."""

    names: tuple[str, ...]
    title = "Filling the database's Vault"

    def __str__(self) -> str:
        """Return what is to be done."""
        return f"Put {listed(self.names)} into the database's Vault."


@dataclass(frozen=True, slots=True)
class RunScript:
    """Run the script of `npm run sql` in the database."""

    why: str
    title = "Running the script of `npm run sql` in the database"

    def __str__(self) -> str:
        """Return what is to be done."""
        return f"Run the script of `npm run sql` in the database, {self.why}."


@dataclass(frozen=True, slots=True)
class WriteMigration:
    """Write the script as a migration."""

    folder: Path
    title = "Writing a migration"

    def __str__(self) -> str:
        """Return what is to be done."""
        return f"Write the script of `npm run sql` as a migration into {self.folder}."


@dataclass(frozen=True, slots=True)
class WritePaste:
    """Write what somebody has to run in the SQL editor into one file."""

    vault: tuple[str, ...]
    has_script: bool
    title = "Writing a file for the SQL editor"

    def __str__(self) -> str:
        """Return what is to be done."""
        script = ("the script of `npm run sql`",) if self.has_script else ()
        return f"Write a file to paste into the SQL editor, with {listed((*self.vault, *script))}."


Step = LogIn | Ask | Keep | Deploy | FillVault | RunScript | WriteMigration | WritePaste


def listed(names: tuple[str, ...]) -> str:
    """Return names as a list in words."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
