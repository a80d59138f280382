"""Copies a Supabase project into a state folder and makes it fit one local run of Supabase Lite."""

import json
import re
import secrets
import shutil
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from shared.failure import Failure
from shared.project import ROOT
from shared.stamp import Stamp

SOURCE = ROOT / "supabase"

# Known to everybody on purpose: they guard a throw-away database that listens on 127.0.0.1 only.
PUBLISHABLE_KEY = "sb_publishable_local_only"
SECRET_KEY = "sb_secret_local_only"  # noqa: S105 - see above

_TEMP = ".temp"
_APPLIED = Path(_TEMP) / "applied"
"""The stamp of the schema and seed that the database was made from."""


def copy_project(source: Path, folder: Path, *, port: int, exposed: Iterable[str]) -> None:
    """Make `folder`/supabase as the source is, keeping the database that an earlier run left there.

    The API serves the schemas of the project's own config.toml, and the ``exposed`` ones. If the
    run ended while the database was being made, the database is unusable, so it is removed.
    """
    target = folder / "supabase"
    if not (target / _APPLIED).exists():
        shutil.rmtree(target / _TEMP, ignore_errors=True)
    ignore = shutil.ignore_patterns(_TEMP, ".branches")
    shutil.rmtree(target / "schemas", ignore_errors=True)
    shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)
    config = target / "config.toml"
    config.write_text(local_config(config.read_text(), port=port, exposed=exposed))


def applied_stamp(folder: Path) -> Stamp:
    """Return the stamp of the schema and seed that the folder's database was made from."""
    project = folder / "supabase"
    sources = tuple(sorted((*project.glob("*.sql"), *project.glob("*/*.sql"))))
    return Stamp(project / _APPLIED, sources)


def local_config(config: str, *, port: int, exposed: Iterable[str]) -> str:
    """Return a config.toml for this machine, whose own schemas stay the first.

    Raises Failure.
    """
    try:
        own = tomllib.loads(config).get("api", {}).get("schemas", ["public"])
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"supabase/config.toml is malformed: {error}.") from error
    return localized(config, _settings(port, (*own, *exposed)))


def localized(config: str, settings: Mapping[tuple[str, str], str]) -> str:
    """Set (table, key) to a TOML value, in place where the key stands, else on top of its table."""
    for (table, key), value in settings.items():
        header, line = f"[{table}]\n", f"{key} = {value}\n"
        body = rf"(?m)(^\[{table}\]\n(?:(?!\[).*\n)*?)[ \t]*{key}[ \t]*=[ \t]*{_VALUE}\n"
        config, found = re.subn(body, r"\g<1>" + line.replace("\\", r"\\"), config)
        if not found:
            config = config.replace(header, header + line)
    return config


_VALUE = r"(?:\[[^\]]*\])?.*"
"""A value in TOML: a list may have several lines."""


def _settings(port: int, schemas: Iterable[str]) -> dict[tuple[str, str], str]:
    return {
        ("api", "port"): str(port),
        ("api", "schemas"): json.dumps(list(dict.fromkeys(schemas)), ensure_ascii=False),
        ("auth", "jwt_secret"): f'"{secrets.token_urlsafe(48)}"',
        ("auth", "publishable_key"): f'"{PUBLISHABLE_KEY}"',
        ("auth", "secret_key"): f'"{SECRET_KEY}"',
    }
