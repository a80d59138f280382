"""Finds out what stands, and which values are known. It changes nothing, except that it may log in.

In a dry run, it neither asks nor logs in.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from production import database, source, values
from production.cloudflare import Cloudflare
from production.names import DATABASE_URL, KEY, SECRET, URL, VAULT_URL
from production.plan import Database, Found, Known, Wanted, Worker, hook
from production.values import Values
from shared import declarations, edge_sql, migrations
from shared.failure import Failure

NOT_LOGGED_IN = (
    "Nobody is logged in at Cloudflare: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN and"
    " CLOUDFLARE_ACCOUNT_ID. Nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of a wrangler.toml, and the script for what it declares."""

    config: Path
    name: str
    cloudflare: Cloudflare
    wanted: Wanted
    script: str
    tables: frozenset[str]

    @property
    def paste(self) -> Path:
        """The file for the SQL editor."""
        return self.config.parent / ".local" / "setup" / f"{self.name}.sql"

    @property
    def migrations(self) -> Path | None:
        """The folder of migrations, if the project uses it."""
        folder = self.config.parent / "supabase" / "migrations"
        return folder if folder.is_dir() else None


def environment_of(config: Path, name: str) -> Environment:
    """Read what this clone describes. Raises Failure."""
    declarations.warn_of_old_way(config)
    declared = declarations.Project(config, name).declared
    return Environment(
        config,
        name,
        Cloudflare(config, name, source.account_id(config, name)),
        Wanted(
            source.worker_name(config, name),
            source.source_digest(config),
            edge_sql.identity(declared),
        ),
        edge_sql.installing(declared),
        frozenset(table.name for table in declared.tables),
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """What stands, what is known, and in which places it was found."""

    found: Found
    known: Known
    values: Values

    @property
    def address(self) -> str | None:
        """The Worker's address, if it is known, or if the database's Vault has it."""
        stands = self.found.database
        in_vault = stands.vault.get(VAULT_URL, "") if stands else ""
        return self.known.address or in_vault.removesuffix("/revalidate") or None


def find(
    environment: Environment, tell: Callable[[str], None], *, may_ask: bool, is_dry: bool
) -> Finding:
    """Ask Cloudflare, the person and the database, in this order. Raises Failure."""
    known = values.values_of(environment.config, environment.name)
    tell("Asking Cloudflare what is there …")
    account, worker = environment.cloudflare.found()
    if account is None and not is_dry:
        account, worker = _logged_in(environment.cloudflare, may_ask=may_ask)
    to_ask = values.missing(known, worker)
    if to_ask and may_ask and not is_dry:
        known = values.ask(to_ask, known)
    to_ask = values.missing(known, worker) if is_dry else ()
    values.check(known, environment.config, environment.name)
    is_direct = DATABASE_URL in (*known.values, *to_ask)
    stands = database_of(known, worker, to_ask, tell)
    known = values.with_secret(known, worker, stands)
    folder = None if is_direct else environment.migrations
    is_migrated = folder is not None and migrations.is_current(folder, environment.script)
    found = Found(account, worker, stands, is_direct, folder, is_migrated)
    return Finding(found, known.known(to_ask), known)


def _logged_in(cloudflare: Cloudflare, *, may_ask: bool) -> tuple[str, Worker | None]:
    if not may_ask:
        raise Failure(NOT_LOGGED_IN)
    cloudflare.log_in()
    account, worker = cloudflare.found()
    if account is None:
        raise Failure(NOT_LOGGED_IN)
    return account, worker


def database_of(
    known: Values, worker: Worker | None, to_ask: tuple[str, ...], tell: Callable[[str], None]
) -> Database | None:
    """Return what the database has; None if it is to be left alone.

    In CI nobody could paste anything, so there it needs an address. Else whoever does not know the
    Worker's secret can neither ask nor fill Vault.
    """
    has = known.values
    if DATABASE_URL in has:
        database.require_same_project(has.get(URL, ""), has[DATABASE_URL])
        tell("Asking the database what it has …")
        return database.found(has[DATABASE_URL])
    if DATABASE_URL in to_ask:
        return Database(None)
    if os.environ.get("CI"):
        return None
    if {URL, KEY, SECRET} <= has.keys():
        tell("Asking Supabase's API what the database has …")
        address = known.known(()).address
        return database.told_by_api(has[URL], has[KEY], has[SECRET], address and hook(address))
    is_only_at_the_worker = worker is not None and SECRET in worker.secrets
    return None if is_only_at_the_worker else Database(None)
