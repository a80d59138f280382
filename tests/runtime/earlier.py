"""The state of earlier versions (`states/`), as if they had written it a minute ago.

Entries expire, and objects forget what nobody asked for in a day. So all times in the state are
moved, and the versions too, because versions begin as times.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tarfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

STATES = Path(__file__).parent / "states"
SUFFIX = ".tar.xz"
VERSIONS = sorted(path.name.removesuffix(SUFFIX) for path in STATES.glob(f"*{SUFFIX}"))

AGO_MS = 60_000
_TIME = re.compile(rb"\b1[0-9]{12}\b")
"""A Unix time in milliseconds."""


def unpack(version: str, folder: Path) -> None:
    """Unpack the state that a version left, as a Worker's state."""
    with tarfile.open(STATES / f"{version}{SUFFIX}") as archive:
        # Python 3.11.4 brought this argument, and later ones warn without it.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)  # noqa: S202  ours
        written_ms = max(member.mtime for member in archive.getmembers()) * 1000
    by_ms = time.time_ns() // 1_000_000 - AGO_MS - int(written_ms)
    for blob in folder.glob("v3/kv/*/blobs/*"):
        blob.write_bytes(_moved(blob.read_bytes(), by_ms))
    for database in folder.glob("v3/*/*/*.sqlite"):
        with closing(sqlite3.connect(database)) as connection, connection:
            _move(connection, by_ms)


def metadata_in(folder: Path) -> dict[str, Any]:
    """Return the metadata of each key that is in KV, or None if it has none."""
    found: dict[str, Any] = {}
    for database in folder.glob("v3/kv/*/*.sqlite"):
        with closing(sqlite3.connect(database)) as connection:
            if "_mf_entries" in _tables(connection):
                rows = connection.execute("select key, metadata from _mf_entries")
                found |= {key: text and json.loads(text) for key, text in rows}
    return found


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("select name from sqlite_master")}


def _move(connection: sqlite3.Connection, by_ms: int) -> None:
    """Move the times in an object's storage, or in KV's metadata."""
    connection.create_function("moved", 1, lambda value: value and _moved(value, by_ms))
    tables = _tables(connection)
    if "_cf_KV" in tables:
        connection.execute("update _cf_KV set value = moved(value)")
    if "_mf_entries" in tables:
        connection.execute("update _mf_entries set expiration = expiration + ?", (by_ms,))
        metadata = "cast(moved(cast(metadata as blob)) as text)"
        connection.execute(f"update _mf_entries set metadata = {metadata}")  # noqa: S608  ours


def _moved(text: bytes, by_ms: int) -> bytes:
    return _TIME.sub(lambda time: b"%d" % (int(time[0]) + by_ms), text)
