"""Copies `supabase/` into a state folder and makes it fit one local run of Supabase Lite."""

import json
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.project import ROOT
from shared.stamp import Stamp

SOURCE = ROOT / "supabase"

# Known to everybody on purpose: they guard a throw-away database that listens on 127.0.0.1 only.
PUBLISHABLE_KEY = "sb_publishable_local_only"
SECRET_KEY = "sb_secret_local_only"  # noqa: S105 - see above


def copy_project(
    folder: Path, *, port: int, more_schemas: Path | None, exposed: Sequence[str]
) -> None:
    """Refresh `folder`/supabase, keeping the database that an earlier run left there."""
    target = folder / "supabase"
    ignore = shutil.ignore_patterns(".temp", ".branches")
    shutil.rmtree(target / "schemas", ignore_errors=True)
    shutil.copytree(SOURCE, target, ignore=ignore, dirs_exist_ok=True)
    if more_schemas:
        shutil.copytree(more_schemas, target / "schemas", dirs_exist_ok=True)
    config = target / "config.toml"
    config.write_text(localized(config.read_text(), _settings(port, exposed)))


def applied_stamp(folder: Path) -> Stamp:
    """Return the stamp of the schema and seed that the folder's database was made from."""
    project = folder / "supabase"
    files = (project / "edge_cache" / "snapshot.sql", project / "seed.sql")
    sources = (*sorted((project / "schemas").glob("*.sql")), *files)
    return Stamp(project / ".temp" / "applied", sources)


def localized(config: str, settings: Mapping[tuple[str, str], str]) -> str:
    """Set (table, key) to a TOML value, in place where the key stands, else on top of its table."""
    for (table, key), value in settings.items():
        header, body = f"[{table}]\n", rf"(?m)(^\[{table}\]\n(?:(?!\[).*\n)*?){key} = .*\n"
        config, found = re.subn(body, rf"\g<1>{key} = {value}\n", config)
        if not found:
            config = config.replace(header, f"{header}{key} = {value}\n")
    return config


def _settings(port: int, exposed: Sequence[str]) -> dict[tuple[str, str], str]:
    return {
        ("api", "port"): str(port),
        ("api", "schemas"): json.dumps(list(exposed)),
        ("auth", "jwt_secret"): f'"{secrets.token_urlsafe(48)}"',
        ("auth", "publishable_key"): f'"{PUBLISHABLE_KEY}"',
        ("auth", "secret_key"): f'"{SECRET_KEY}"',
    }
