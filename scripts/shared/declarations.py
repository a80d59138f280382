"""Reads what wrangler.toml declares to be served, as Wrangler hands it to the Worker."""

import json
import sys
import tomllib
from functools import reduce

from shared.failure import Failure
from shared.project import ROOT

sys.path.append(str(ROOT / "src"))

from edge_cache.errors import ConfigurationError
from edge_cache.tables import Declared, declared_in

__all__ = ["Declared", "declared_by", "read"]


def read(environment: str | None) -> Declared:
    """Return what the project's wrangler.toml declares, or one of its environments.

    Raises Failure with a sentence for each fault.
    """
    return declared_by((ROOT / "wrangler.toml").read_text(), environment)


def declared_by(wrangler_toml: str, environment: str | None = None) -> Declared:
    """Return what the text of a wrangler.toml declares, or one of its environments.

    Wrangler hands an environment its own variables and none of those above. Raises Failure.
    """
    path = ("vars", "TABLES") if environment is None else ("env", environment, "vars", "TABLES")
    try:
        tables = reduce(lambda section, name: section[name], path, tomllib.loads(wrangler_toml))
        return declared_in(tables if isinstance(tables, str) else json.dumps(tables))
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"wrangler.toml is malformed: {error}.") from error
    except (KeyError, TypeError):
        raise Failure(
            f"wrangler.toml has no section [{'.'.join(path)}]: add it, with a line for each table"
            " that is served, such as articles = {}."
        ) from None
    except ConfigurationError as error:
        raise Failure("\n".join(error.faults)) from error
