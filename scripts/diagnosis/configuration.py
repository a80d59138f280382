"""The configuration to examine, and where each variable was found."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diagnosis.arguments import Arguments
from edge_cache.config import Settings, settings_from
from shared import variables
from shared.declarations import Project

_TAKEN = ("SUPABASE_URL", "SUPABASE_ANON_KEY", "REVALIDATE_SECRET")
"""Variables that may be set elsewhere than in wrangler.toml."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The variables, and the name of the place where each of `_TAKEN` was found.

    ``tables`` is the text of the file that declares the tables.
    """

    variables: Mapping[str, str]
    places: Mapping[str, str]
    tables: str | None

    def settings(self) -> Settings:
        """Check them as the Worker does, and return them. Raises ConfigurationError."""
        return settings_from(self.variables.get, lambda _binding, _method: True, self.tables)


def configuration_of(arguments: Arguments) -> Configuration:
    """Return each variable from the first of: command line, environment, .dev.vars, wrangler.toml.

    Raises Failure if a file cannot be read.
    """
    project = Project(arguments.config, arguments.environment)
    declared = project.variables
    file = _dev_vars(arguments.config, arguments.environment)
    given = {"SUPABASE_URL": arguments.url, "SUPABASE_ANON_KEY": arguments.key}
    layers: tuple[variables.Layer, ...] = (
        ("the command line", given),
        ("the environment", os.environ),
        (file.name, variables.read(file)),
        (arguments.config.name, declared),
    )
    values, places = variables.first_of(_TAKEN, layers)
    return Configuration({**declared, **values}, places, project.tables)


def _dev_vars(config: Path, name: str | None) -> Path:
    """Return the file that Wrangler would read: an environment's own, or else the general one."""
    general = config.with_name(".dev.vars")
    own = variables.file_of(config, name) if name else general
    return own if own.is_file() else general
