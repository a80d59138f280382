"""Makes the real KV fail.

Miniflare keeps keys in a SQLite database and each value in a file. The functions here damage these.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def without_keys(kv_files: Path) -> Iterator[None]:
    """Make every read fail while the block runs."""
    databases = [p for p in kv_files.rglob("*.sqlite") if p.name != "metadata.sqlite"]
    (database,) = databases
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("alter table _mf_entries rename to away")
        try:
            yield
        finally:
            connection.execute("alter table away rename to _mf_entries")


@contextmanager
def without_values(kv_files: Path) -> Iterator[None]:
    """Make every write fail while the block runs."""
    blobs = next(kv_files.rglob("blobs"))
    away = blobs.with_name("away")
    blobs.rename(away)
    blobs.write_text("in the way")
    try:
        yield
    finally:
        blobs.unlink()
        away.rename(blobs)


@contextmanager
def refusing(kv_files: Path, key: str) -> Iterator[None]:
    """Make every write of one key fail while the block runs."""
    (database,) = [p for p in kv_files.rglob("*.sqlite") if p.name != "metadata.sqlite"]
    refuse = "begin select raise(abort, 'refused'); end"
    with closing(sqlite3.connect(database)) as connection:
        for event in ("insert", "update"):
            connection.execute(
                f"create trigger refuse_{event} before {event} on _mf_entries"
                f" when new.key = '{key}' {refuse}"
            )
        try:
            yield
        finally:
            for event in ("insert", "update"):
                connection.execute(f"drop trigger refuse_{event}")
