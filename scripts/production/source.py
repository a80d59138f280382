"""What this clone would deploy, as digests: the tag of a version has them."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from shared import stamp
from shared.project import PACKAGE, REQUIREMENTS

DIGEST_CHARACTERS = 12
"""Cloudflare takes tags of 25 characters, which are two of these and a dash."""

_ROUNDS = 200_000
"""A tag is no secret. So it costs long to guess a weak REVALIDATE_SECRET by it."""


def source_digest(config: Path) -> str:
    """Return a digest of all that Wrangler bundles, and of how."""
    own = config.parent / "src"
    package = PACKAGE / "src" / "edge_cache"
    bundled = [own] if (own / package.name).is_dir() else [own, package]
    inside = [(path, folder) for folder in bundled for path in _files_in(folder)]
    files = [config, REQUIREMENTS / "worker.txt", *(path for path, _ in inside)]
    names = "\n".join(path.relative_to(folder).as_posix() for path, folder in inside)
    return stamp.digest(files, salt=names)[:DIGEST_CHARACTERS]


def _files_in(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts)
    return [path for path in found if path.is_file()]


def secrets_digest(worker: str, secrets: Mapping[str, str]) -> str:
    """Return a digest of the values that a Worker gets, or nothing if there are none."""
    if not secrets:
        return ""
    told = json.dumps(secrets, sort_keys=True).encode()
    return hashlib.pbkdf2_hmac("sha256", told, worker.encode(), _ROUNDS).hex()[:DIGEST_CHARACTERS]


def worker_name(config: Path, environment: str) -> str:
    """Return the name that Wrangler gives an environment's Worker."""
    told = tomllib.loads(config.read_text())
    own: str | None = told["env"][environment].get("name")
    return own or f"{told['name']}-{environment}"


def account_id(config: Path, environment: str) -> str | None:
    """Return the account that wrangler.toml names for an environment, if it does."""
    told = tomllib.loads(config.read_text())
    found: str | None = told["env"][environment].get("account_id", told.get("account_id"))
    return found
