"""The configuration to examine, and where each variable was found."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diagnosis.arguments import Arguments
from edge_cache.config import Settings, settings_from
from shared import variables
from shared.declarations import variables_in
from shared.failure import Failure

_TAKEN = ("SUPABASE_URL", "SUPABASE_ANON_KEY", "REVALIDATE_SECRET")
"""Variables that may be set elsewhere than in wrangler.toml."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The variables, and the name of the place where each of `_TAKEN` was found."""

    variables: Mapping[str, str]
    places: Mapping[str, str]

    def settings(self) -> Settings:
        """Check them as the Worker does, and return them. Raises ConfigurationError."""
        return settings_from(self.variables.get, lambda _binding, _method: True)


def configuration_of(arguments: Arguments) -> Configuration:
    """Return each variable from the first of: command line, environment, .dev.vars, wrangler.toml.

    Raises Failure if a file cannot be read.
    """
    declared = _vars(arguments.config, arguments.environment)
    file = _dev_vars(arguments.config, arguments.environment)
    given = {"SUPABASE_URL": arguments.url, "SUPABASE_ANON_KEY": arguments.key}
    layers: tuple[variables.Layer, ...] = (
        ("the command line", given),
        ("the environment", os.environ),
        (file.name, variables.read(file)),
        (arguments.config.name, declared),
    )
    values, places = variables.first_of(_TAKEN, layers)
    return Configuration({**declared, **values}, places)


def _vars(config: Path, name: str | None) -> dict[str, str]:
    try:
        return variables_in(config.read_text(), name)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            f"{config} cannot be read: check that it exists and is a text file."
        ) from error


def _dev_vars(config: Path, name: str | None) -> Path:
    """Return the file that Wrangler would read: an environment's own, or else the general one."""
    general = config.with_name(".dev.vars")
    own = variables.file_of(config, name) if name else general
    return own if own.is_file() else general
