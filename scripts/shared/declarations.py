"""Reads what a project declares, as the Worker does."""

import json
import sys
import tomllib
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from shared.failure import Failure
from shared.project import PACKAGE, ROOT

sys.path.append(str(PACKAGE / "src"))

from edge_cache.errors import ConfigurationError
from edge_cache.tables import FILE, VARIABLE, Declared, declared_from

__all__ = ["Declared", "Project", "old_way", "read", "warn_of_old_way"]


class Project:
    """A wrangler.toml, or one of its environments, and the file that declares the tables.

    Raises Failure with a sentence if it cannot be read, or has no such environment.
    """

    def __init__(self, wrangler_toml: Path, environment: str | None = None) -> None:
        self._path = wrangler_toml
        self._own = _section(_toml_in(wrangler_toml), environment)

    @property
    def variables(self) -> dict[str, str]:
        """The variables as texts, in the form in which Wrangler gives them to the Worker.

        An environment has only its own variables; Wrangler gives it none of the general ones.
        """
        variables = self._own.get("vars", {})
        if not isinstance(variables, dict):
            raise Failure(f"{self._path.name}: vars should be a section.")
        return {k: v if isinstance(v, str) else json.dumps(v) for k, v in variables.items()}

    @property
    def tables(self) -> str | None:
        """The text of the file that declares the tables, or None if there is none."""
        file = self._path.parent / FILE
        return _text_of(file) if file.exists() else None

    @property
    def declared(self) -> Declared:
        """What the project declares. Raises Failure with a sentence for each fault."""
        try:
            return declared_from(self.variables.get(VARIABLE), self.tables)
        except ConfigurationError as error:
            raise Failure("\n".join(error.faults)) from error


def read(environment: str | None = None) -> Declared:
    """Return what this project declares. Raises Failure with a sentence for each fault."""
    return Project(ROOT / "wrangler.toml", environment).declared


def warn_of_old_way(wrangler_toml: Path = ROOT / "wrangler.toml") -> None:
    """Print a warning to stderr if wrangler.toml declares the tables. Raises Failure."""
    if warning := old_way(wrangler_toml):
        print(f"warn  {warning}", file=sys.stderr, flush=True)


def old_way(wrangler_toml: Path) -> str | None:
    """Return a warning if wrangler.toml declares tables, as version 0.2.0 did. Raises Failure."""
    config = _toml_in(wrangler_toml)
    named = [(f"env.{name}.", own) for name, own in config.get("env", {}).items()]
    places = [f"{prefix}vars" for prefix, own in [("", config), *named] if _has_tables(own)]
    if not places:
        return None
    return (
        f"{VARIABLE} stands in {wrangler_toml.name} (under {', '.join(places)}) and replaces {FILE}"
        f" there. Move its lines to {FILE}, which every environment reads."
    )


def _has_tables(section: Any) -> bool:
    return VARIABLE in section.get("vars", {})


def _toml_in(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"{path.name} is malformed: {error}.") from error


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: check that it exists and is a text file.") from error


def _section(config: dict[str, Any], environment: str | None) -> dict[str, Any]:
    """Return what Wrangler reads for an environment. Raises Failure if there is none."""
    path = () if environment is None else ("env", environment)
    try:
        own: dict[str, Any] = reduce(getitem, path, config)
    except (KeyError, TypeError):
        raise Failure(
            f"wrangler.toml has no environment {environment!r}: add a section [env.{environment}],"
            " or choose another with --env."
        ) from None
    return own
