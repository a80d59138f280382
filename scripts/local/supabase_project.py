"""Copies a Supabase project into a state folder and makes it fit one local run of Supabase Lite."""

import json
import re
import secrets
import shutil
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.failure import Failure
from shared.project import ROOT
from shared.stamp import Stamp

SOURCE = ROOT / "supabase"

# Known to everybody on purpose: they guard a throw-away database that listens on 127.0.0.1 only.
PUBLISHABLE_KEY = "sb_publishable_local_only"
SECRET_KEY = "sb_secret_local_only"  # noqa: S105 - see above
REVALIDATE_SECRET = "revalidate_local_only"  # noqa: S105 - see above

_TEMP = ".temp"
_APPLIED = Path(_TEMP) / "applied"
"""The stamp of the migrations and the schema that the database has."""


def copy_project(source: Path, folder: Path, *, port: int, exposed: Iterable[str]) -> None:
    """Make `folder`/supabase as the source is, keeping the database that an earlier run left there.

    The API serves the schemas of the project's own config.toml, and the ``exposed`` ones. If the
    run ended while the database was being made, the database is unusable, so it is removed.
    """
    target = folder / "supabase"
    if not (target / _APPLIED).exists():
        shutil.rmtree(target / _TEMP, ignore_errors=True)
    ignore = shutil.ignore_patterns(_TEMP, ".branches")
    for name in ("schemas", "migrations"):
        shutil.rmtree(target / name, ignore_errors=True)
    shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)
    config = target / "config.toml"
    jwt_secret = _kept_secret(target / _TEMP / "jwt_secret")
    text = config.read_text()
    config.write_text(local_config(text, port=port, exposed=exposed, jwt_secret=jwt_secret))


def _kept_secret(path: Path) -> str:
    """Return a random text that stays the same, so that sessions outlive a restart."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


@dataclass(frozen=True)
class SqlFiles:
    """The SQL files of a project, in the order in which they run."""

    migrations: tuple[Path, ...]
    schemas: tuple[Path, ...]
    seeds: tuple[Path, ...]


def sql_files(folder: Path) -> SqlFiles:
    """Return the files that the config.toml of the folder's project names."""
    project = folder / "supabase"
    database = tomllib.loads((project / "config.toml").read_text()).get("db", {})
    seed = database.get("seed", {})
    seeds = seed.get("sql_paths", ["./seed.sql"]) if seed.get("enabled", True) else []
    schemas = database.get("migrations", {}).get("schema_paths", ["./schemas/*.sql"])
    return SqlFiles(
        tuple(sorted(project.glob("migrations/*.sql"))),
        tuple(_found(project, schemas)),
        tuple(_found(project, seeds)),
    )


def _found(project: Path, patterns: Iterable[str]) -> Iterator[Path]:
    found = (path for pattern in patterns for path in sorted(project.glob(pattern)))
    return iter(dict.fromkeys(found))


def temp(folder: Path) -> Path:
    """Return the place for what belongs to the folder's database, and goes with it."""
    return folder / "supabase" / _TEMP


def applied_stamp(folder: Path) -> Stamp:
    """Return the stamp of the migrations and the schema that the folder's database has."""
    files = sql_files(folder)
    return Stamp(folder / "supabase" / _APPLIED, (*files.migrations, *files.schemas))


def seeded_stamp(folder: Path, project: Path) -> Stamp:
    """Return the stamp of the seeds that the folder's database was made with."""
    return Stamp(folder / "supabase" / _TEMP / "seeded", sql_files(project).seeds)


def local_config(config: str, *, port: int, exposed: Iterable[str], jwt_secret: str) -> str:
    """Return a config.toml for this machine, whose own schemas stay the first.

    Raises Failure.
    """
    try:
        own = tomllib.loads(config).get("api", {}).get("schemas", ["public"])
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"supabase/config.toml is malformed: {error}.") from error
    return localized(config, _settings(port, (*own, *exposed), jwt_secret))


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


def _settings(port: int, schemas: Iterable[str], jwt_secret: str) -> dict[tuple[str, str], str]:
    return {
        ("api", "port"): str(port),
        ("api", "schemas"): json.dumps(list(dict.fromkeys(schemas)), ensure_ascii=False),
        ("auth", "jwt_secret"): f'"{jwt_secret}"',
        ("auth", "publishable_key"): f'"{PUBLISHABLE_KEY}"',
        ("auth", "secret_key"): f'"{SECRET_KEY}"',
    }
