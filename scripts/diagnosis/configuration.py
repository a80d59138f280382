"""The configuration to examine, and where each variable was found."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diagnosis.arguments import Arguments
from edge_cache.config import Settings, settings_from
from shared.declarations import variables_in
from shared.failure import Failure
from shared.project import environment

_TAKEN = ("SUPABASE_URL", "SUPABASE_ANON_KEY", "REVALIDATE_SECRET")
"""Variables that may be set elsewhere than in wrangler.toml."""

_PARSE = (
    'JSON.stringify(require("node:util")'
    '.parseEnv(require("node:fs").readFileSync(process.argv[1], "utf8")))'
)


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
    file = dev_vars(arguments.config.parent, arguments.environment)
    given = {"SUPABASE_URL": arguments.url, "SUPABASE_ANON_KEY": arguments.key}
    layers: tuple[tuple[str, Mapping[str, str | None]], ...] = (
        ("the command line", given),
        ("the environment", os.environ),
        (file.name, dotenv(file) if file.is_file() else {}),
        (arguments.config.name, declared),
    )
    variables, places = dict(declared), {}
    for name in _TAKEN:
        for place, values in layers:
            if value := values.get(name):
                variables[name], places[name] = value, place
                break
    return Configuration(variables, places)


def _vars(config: Path, name: str | None) -> dict[str, str]:
    try:
        return variables_in(config.read_text(), name)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            f"{config} cannot be read: check that it exists and is a text file."
        ) from error


def dev_vars(folder: Path, name: str | None) -> Path:
    """Return the file that Wrangler would read: an environment's own, or else the general one."""
    own = folder / f".dev.vars.{name}"
    return own if name and own.is_file() else folder / ".dev.vars"


def dotenv(file: Path) -> dict[str, str]:
    """Return a file's variables. Node.js reads them: its syntax is Wrangler's."""
    done = subprocess.run(
        ["node", "--print", _PARSE, file],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Failure(
            f"{file} cannot be read: check that it is a text file and that you may read it."
        )
    variables: dict[str, str] = json.loads(done.stdout)
    return variables
