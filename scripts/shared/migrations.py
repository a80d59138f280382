"""Writes a script into a file, or into a folder of migrations as Supabase's CLI names them."""

from datetime import datetime
from pathlib import Path

from shared.failure import Failure

INSTALLING, REMOVING = "edge_cache", "remove_edge_cache"
"""How the names of our migrations end."""


def target(out: Path, name: str, now: datetime) -> Path:
    """Return the file to write: the named one, or a new migration in the named folder."""
    return out if _is_file(out) else out / f"{now:%Y%m%d%H%M%S}_{name}.sql"


def is_current(out: Path, script: str) -> bool:
    """Return whether the newest migration of ours in a folder is this script. Raises Failure.

    A removal after an installation is newer than it, so the same script is due again.
    """
    ours = list(out.glob(f"[0-9]*_{INSTALLING}.sql"))  # a removal's name ends so, too
    if _is_file(out) or not ours:
        return False
    newest = max(ours, key=lambda path: path.name)
    try:
        return newest.read_text() == script
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{newest} cannot be read: check that it is a text file.") from error


def write(path: Path, script: str, *, mode: int = 0o644) -> None:
    """Write a script, and make its folder if needed. Raises Failure."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode)
        path.write_text(script)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from error


def _is_file(out: Path) -> bool:
    return out.suffix == ".sql"
