"""The values that an environment needs: from the environment, its private file, or a person."""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_cache.config import settings_from
from edge_cache.errors import ConfigurationError
from production.names import DATABASE_URL, KEY, OF_THE_WORKER, SECRET, URL, VAULT_SECRET, WORKER_URL
from production.plan import Database, Known, Worker
from shared import declarations, variables
from shared.failure import Failure

_NAMES = (*OF_THE_WORKER, DATABASE_URL, WORKER_URL)

_QUESTIONS = {
    URL: "The project's URL (Project Settings → Data API)",
    KEY: "Its publishable or legacy anon key (Project Settings → API Keys)",
    DATABASE_URL: (
        "The database's address, to install the SQL: Connect → Session pooler, with the password."
        " Empty: without it"
    ),
}

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Values:
    """What is known, and the name of the place where each was found."""

    values: Mapping[str, str] = field(repr=False)
    places: Mapping[str, str]
    file: Path
    in_config: frozenset[str]

    def known(self, to_ask: tuple[str, ...]) -> Known:
        """Return it for the plan: what came from a person, or was made, is kept in the file."""
        kept = tuple(name for name in _NAMES if self.places.get(name) in {_PERSON, _MADE})
        return Known(
            self.values,
            self.file,
            in_config=self.in_config,
            to_ask=to_ask,
            to_keep=kept,
            secret_is_new=self.places.get(SECRET) == _MADE,
        )

    def with_value(self, name: str, value: str, place: str) -> Values:
        """Return these and one more."""
        values, places = {**self.values, name: value}, {**self.places, name: place}
        return replace(self, values=values, places=places)


_PERSON, _MADE, VAULT = "you", "this command", "the database's Vault"


def values_of(config: Path, environment: str) -> Values:
    """Return what is known without asking anybody. Raises Failure."""
    declared = declarations.Project(config, environment).variables
    file = variables.file_of(config, environment)
    layers: tuple[variables.Layer, ...] = (
        ("the environment", os.environ),
        (file.name, variables.read(file)),
        (config.name, declared),
    )
    values, places = variables.first_of(_NAMES, layers)
    in_config = frozenset(name for name in OF_THE_WORKER if name in declared)
    return Values(values, places, file, in_config)


def missing(values: Values, worker: Worker | None) -> tuple[str, ...]:
    """Return what a person has to give: what the Worker already has is not needed here."""
    has = worker.secrets if worker else frozenset()
    needed = tuple(name for name in (URL, KEY) if name not in {*values.values, *has})
    optional = (DATABASE_URL,) if DATABASE_URL not in values.values else ()
    return (*needed, *optional) if needed else ()


def ask(names: tuple[str, ...], values: Values) -> Values:
    """Ask a person for values. The database's address has a password, so it is not shown."""
    for name in names:
        question = f"{_QUESTIONS[name]}: "
        given = getpass.getpass(question) if name == DATABASE_URL else input(question)
        if given.strip():
            values = values.with_value(name, given.strip(), _PERSON)
    return values


def with_secret(values: Values, worker: Worker | None, database: Database | None) -> Values:
    """Return the values with a secret: a known one, Vault's, or a new one. Raises Failure.

    If only the Worker has one, and nobody can look into Vault from here, it stays unknown.
    """
    if SECRET in values.values:
        return values
    if database and (in_vault := database.vault.get(VAULT_SECRET)):
        return values.with_value(SECRET, in_vault, VAULT)
    if worker and SECRET in worker.secrets:
        if database is None:
            return values
        raise Failure(_ONLY_AT_THE_WORKER.format(file=values.file.name))
    if os.environ.get("CI"):
        raise Failure(_LOST_IN_CI)
    return values.with_value(SECRET, secrets.token_hex(SECRET_BYTES), _MADE)


_ONLY_AT_THE_WORKER = (
    f"The Worker has a {SECRET} that is not known here, and the database needs the same one: add it"
    f" to {{file}}, as `{SECRET}=…`. If nobody knows it any more, write a new one there"
    " (`openssl rand -hex 32` makes one). Nothing was changed."
)

_LOST_IN_CI = (
    f"{SECRET} is not known here, and one that is made in CI would be lost: add one to the secrets"
    " of the repository (`openssl rand -hex 32` makes one). Nothing was changed."
)


def check(values: Values, config: Path, environment: str) -> None:
    """Check the values as the Worker does. Raises Failure with a sentence for each fault."""
    if not {URL, KEY} <= values.values.keys():
        return
    project = declarations.Project(config, environment)
    given = {**project.variables, **values.values}
    try:
        settings_from(given.get, lambda _binding, _method: True, project.tables)
    except ConfigurationError as error:
        raise Failure("\n".join((*error.faults, "Nothing was changed."))) from error
