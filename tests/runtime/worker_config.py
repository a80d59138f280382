"""The project's wrangler.toml for tests, without what belongs to the person who deploys it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TABLES: Mapping[str, object] = {"articles": {}}

OWN = ("name", "vars", "env", "cache", "routes", "build")
"""Sections that the user may have changed, and the build, whose packages are already there."""


def config_of(root: Path) -> dict[str, Any]:
    """Return the configuration of the clone in a folder."""
    config = tomllib.loads((root / "wrangler.toml").read_text())
    kept = {name: value for name, value in config.items() if name not in OWN}
    namespaces = [{"binding": one["binding"]} for one in kept["kv_namespaces"]]
    return {**kept, "name": "supabase-edge-cache", "kv_namespaces": namespaces}


def write_tables(folder: Path, tables: Mapping[str, object]) -> None:
    """Declare tables in a folder's ``tables.toml``."""
    folder.mkdir(exist_ok=True)
    lines = (f"{json.dumps(name)} = {_toml_of(options)}\n" for name, options in tables.items())
    (folder / "tables.toml").write_text("".join(lines))


def _toml_of(value: object) -> str:
    """Return a value in TOML, which writes all but objects as JSON does."""
    if not isinstance(value, dict):
        return json.dumps(value)
    members = (f"{json.dumps(name)} = {_toml_of(one)}" for name, one in value.items())
    return f"{{ {', '.join(members)} }}"


def write_config(folder: Path, name: str, config: Mapping[str, Any]) -> Path:
    """Write a configuration that Wrangler reads and return its path."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(config))
    return path
