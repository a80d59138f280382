"""What this clone would deploy, as digests: the tag of a version has them."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from shared import stamp

DIGEST_CHARACTERS = 12
"""Cloudflare takes tags of 25 characters, which are two of these and a dash."""

_ROUNDS = 200_000
"""A tag is no secret. So it costs long to guess a weak REVALIDATE_SECRET by it."""


def source_digest(config: Path) -> str:
    """Return a digest of all that Wrangler bundles, and of how."""
    folder = config.parent
    packages = folder / "requirements" / "worker.txt"
    bundled = (path for path in sorted((folder / "src").rglob("*")) if _is_bundled(path))
    files = (config, *((packages,) if packages.exists() else ()), *bundled)
    names = "\n".join(path.relative_to(folder).as_posix() for path in files)
    return stamp.digest(files, salt=names)[:DIGEST_CHARACTERS]


def _is_bundled(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


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
