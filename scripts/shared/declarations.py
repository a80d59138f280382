"""Reads what wrangler.toml declares, in the form in which Wrangler gives it to the Worker."""

import json
import sys
import tomllib
from functools import reduce
from operator import getitem

from shared.failure import Failure
from shared.project import ROOT

sys.path.append(str(ROOT / "src"))

from edge_cache.errors import ConfigurationError
from edge_cache.tables import Declared, declared_in

__all__ = ["Declared", "declared_by", "read", "variables_in"]


def read(environment: str | None) -> Declared:
    """Return what the project's wrangler.toml declares, or what one of its environments declares.

    Raises Failure with a sentence for each fault.
    """
    return declared_by((ROOT / "wrangler.toml").read_text(), environment)


def declared_by(wrangler_toml: str, environment: str | None = None) -> Declared:
    """Return what the text of a wrangler.toml declares, or what one of its environments declares.

    Raises Failure.
    """
    try:
        return declared_in(variables_in(wrangler_toml, environment)["TABLES"])
    except ConfigurationError as error:
        raise Failure("\n".join(error.faults)) from error


def variables_in(wrangler_toml: str, environment: str | None = None) -> dict[str, str]:
    """Return the variables of a wrangler.toml, or of one of its environments, as texts.

    An environment has only its own variables; Wrangler gives it none of the general ones. Raises
    Failure, also if ``TABLES`` is missing.
    """
    path = ("vars",) if environment is None else ("env", environment, "vars")
    try:
        variables = reduce(getitem, path, tomllib.loads(wrangler_toml))
        found = {**variables, "TABLES": variables["TABLES"]}
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"wrangler.toml is malformed: {error}.") from error
    except (KeyError, TypeError):
        raise Failure(
            f"wrangler.toml has no section [{'.'.join(path)}.TABLES]: add it, with a line for each"
            " table that the Worker serves, such as articles = {}."
        ) from None
    return {name: v if isinstance(v, str) else json.dumps(v) for name, v in found.items()}
