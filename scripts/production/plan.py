"""Decides which steps are left between what was found and what this clone describes.

Everything here is a pure function of its arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from production.names import OF_THE_WORKER, SECRET, VAULT_SECRET, VAULT_URL, WORKER_URL
from production.steps import (
    Ask,
    Deploy,
    FillVault,
    Keep,
    LogIn,
    RunScript,
    Step,
    WriteMigration,
    WritePaste,
    listed,
)
from shared.failure import Failure


@dataclass(frozen=True, slots=True)
class Wanted:
    """What this clone describes: the Worker's name, and digests of its source and of the script."""

    worker: str
    source: str
    script: str


@dataclass(frozen=True, slots=True)
class Known:
    """The values that are known here, and what is to be done for those that are not.

    ``in_config`` are the names that wrangler.toml sets, so a deploy brings them. ``to_ask`` are the
    names that only a person can give, and ``to_keep`` those that no file has yet.
    """

    values: Mapping[str, str] = field(repr=False)
    file: Path
    in_config: frozenset[str] = frozenset()
    to_ask: tuple[str, ...] = ()
    to_keep: tuple[str, ...] = ()
    secret_is_new: bool = False

    @property
    def address(self) -> str | None:
        """The Worker's address, without a slash at its end."""
        return self.values.get(WORKER_URL, "").rstrip("/") or None

    @property
    def for_the_worker(self) -> dict[str, str]:
        """The values that the Worker gets as secrets."""
        wanted = (name for name in OF_THE_WORKER if name not in self.in_config)
        return {name: self.values[name] for name in wanted if name in self.values}


@dataclass(frozen=True, slots=True)
class Worker:
    """What Cloudflare runs: the tag of its version, and the names of its secrets."""

    tag: str | None
    secrets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Database:
    """What the database has: the digest of the script that ran, and what Vault has by name."""

    script: str | None
    vault: Mapping[str, str] = field(default_factory=dict, repr=False)
    lacks_triggers: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What stands. ``worker`` is None if there is none, ``account`` if nobody is logged in.

    ``database`` is None if it is to be left alone. ``is_direct`` says whether it can be changed
    from here. If not, ``migrations`` is the folder for the script, if the project uses one, and
    ``is_migrated`` whether it is there.
    """

    account: str | None
    worker: Worker | None
    database: Database | None
    is_direct: bool
    migrations: Path | None = None
    is_migrated: bool = False


def plan(wanted: Wanted, known: Known, found: Found, secrets_digest: str) -> tuple[Step, ...]:
    """Return what is left to do, in order. Nothing is left if there is no step.

    ``secrets_digest`` stands for the values that the Worker gets. It is empty if there are none,
    and then the Worker keeps what it has. Raises Failure if the Worker would lack a value.
    """
    _require_values(known, found)
    deploy = _deploy(wanted, known, found, secrets_digest)
    in_database = _in_database(wanted, known, found, is_deployed=bool(deploy))
    return (*_preparations(known, found), *deploy, *in_database)


def _require_values(known: Known, found: Found) -> None:
    has = {*known.values, *known.in_config, *known.to_ask}
    has |= found.worker.secrets if found.worker else set()
    missing = [name for name in OF_THE_WORKER if name not in has]
    if missing:
        raise Failure(
            f"{listed(tuple(missing))} must be known: add it to {known.file.name} or to the"
            " environment. Nothing was changed."
        )


def _preparations(known: Known, found: Found) -> Iterator[Step]:
    if found.account is None:
        yield LogIn()
    if known.to_ask:
        yield Ask(known.to_ask)
    if kept := (*known.to_ask, *known.to_keep):
        yield Keep(kept, known.file, known.secret_is_new)


def _deploy(wanted: Wanted, known: Known, found: Found, secrets_digest: str) -> tuple[Deploy, ...]:
    old = found.worker.tag if found.worker else None
    tag = f"{wanted.source}-{secrets_digest or (old or '').partition('-')[2]}"
    why = _why_deploy(wanted, found.worker, tag) or _why_deploy_again(known, found.database)
    asked = (name for name in known.to_ask if name in OF_THE_WORKER)
    secrets = (*asked, *known.for_the_worker)
    return (Deploy(wanted.worker, tag, why, secrets),) if why else ()


def _why_deploy(wanted: Wanted, worker: Worker | None, tag: str) -> str:
    """Return why the Worker must be deployed, or nothing if Cloudflare runs exactly this."""
    if worker is None:
        return "it is not there yet, and brings its KV namespace and its objects"
    if worker.tag == tag:
        return ""
    if worker.tag is None:
        return "what runs there was deployed or changed in another way"
    source = worker.tag.partition("-")[0]
    return "its secrets differ" if source == wanted.source else "what runs there is another version"


def _why_deploy_again(known: Known, database: Database | None) -> str:
    if known.address or database is None or VAULT_URL in database.vault:
        return ""
    return "the database needs its address, which only a deploy tells"


def _in_database(
    wanted: Wanted, known: Known, found: Found, *, is_deployed: bool
) -> Iterator[Step]:
    if found.database is None:
        return
    vault = tuple(_differing(known, found.database, is_deployed=is_deployed))
    why = _why_script(wanted, found.database)
    if found.is_direct:
        if vault:
            yield FillVault(vault)
        if why:
            yield RunScript(why)
        return
    if found.migrations and not found.is_migrated:
        yield WriteMigration(found.migrations)
    has_script = bool(why) and not found.migrations
    if vault or has_script:
        yield WritePaste(vault, has_script)


def _differing(known: Known, database: Database, *, is_deployed: bool) -> Iterator[str]:
    """Return which entries of Vault are missing or have another value.

    Only the deploy tells the address of a Worker that is deployed for the first time.
    """
    in_vault, address = database.vault.get(VAULT_URL), known.address
    is_right = in_vault == hook(address) if address else not is_deployed
    if not is_right:
        yield VAULT_URL
    secret = known.values.get(SECRET)
    if secret and database.vault.get(VAULT_SECRET) != secret:
        yield VAULT_SECRET


def _why_script(wanted: Wanted, database: Database) -> str:
    if database.script is None:
        return "which has none of this version"
    if database.script != wanted.script:
        return "which has the one of another version, or of other tables"
    return "where triggers are missing" if database.lacks_triggers else ""


def unpushed(wanted: Wanted, found: Found) -> bool:
    """Return whether the script is a migration that the database does not have yet."""
    return (
        found.is_migrated
        and found.database is not None
        and bool(_why_script(wanted, found.database))
    )


def hook(address: str) -> str:
    """Return where the Worker takes pokes and webhooks."""
    return f"{address}/revalidate"
