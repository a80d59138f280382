"""A real Postgres without a server (PGlite), with stand-ins for what Supabase adds to Postgres."""

from __future__ import annotations

import atexit
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local import supabase_lite
from shared.project import NODE_MODULES

HERE = Path(__file__).parent

ROLES = "create role anon; create role authenticated; create role service_role;"

STAND_INS = ROLES + supabase_lite.STAND_INS.read_text() + (HERE / "sent.sql").read_text()
"""Supabase's roles, Vault and pg_net. The table ``net.sent`` has what would be sent."""

ONE_COMPILER = "--liftoff-only"
"""V8's other compiler of WebAssembly takes seconds and half a gigabyte, and gains nothing here."""

WITHOUT_EVENT_TRIGGERS = """
  drop event trigger if exists edge_cache_ddl;
  drop event trigger if exists edge_cache_drop;
"""
"""So that a test's own DDL is no change."""


class SqlError(Exception):
    """Postgres refused a statement; ``code`` is the SQLSTATE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Pglite:
    """A database of its own, which exists as long as its process."""

    process: subprocess.Popen[str]
    warnings: list[str]

    def run(self, sql: str) -> list[dict[str, Any]]:
        """Run statements and return the last one's rows. Raises SqlError."""
        rows: list[dict[str, Any]] = self._ask(sql)["rows"]
        return rows

    def copy_to(self, path: Path) -> None:
        """Write everything that is in the database into a file."""
        self._ask({"path": str(path)})

    def _ask(self, what: object) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.warnings[:] = said["warnings"]
        if "code" in said:
            raise SqlError(said["code"], said["message"])
        return said

    def value(self, sql: str) -> Any:
        """Return the only column of the only row."""
        (row,) = self.run(sql)
        (value,) = row.values()
        return value

    @contextmanager
    def taken_back(self) -> Iterator[Pglite]:
        """Begin a transaction, which is rolled back in the end."""
        self.run("begin")
        yield self
        self.run("rollback")

    def error_of(self, sql: str) -> str | None:
        """Return the SQLSTATE of the error of some statements, or None if they succeed."""
        try:
            self.run(sql)
        except SqlError as error:
            return error.code
        return None


@contextmanager
def pglite() -> Iterator[Pglite]:
    """Run a new, empty database with the stand-ins."""
    with _running(_begun()) as database:
        yield database


@cache
def _begun() -> Path:
    """Return a copy of such a database. Others begin with it, in a sixth of the time."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    copy = Path(folder.name) / "copy.tar"
    with _running() as database:
        database.run(STAND_INS)
        database.copy_to(copy)
    return copy


@contextmanager
def _running(*copy: Path) -> Iterator[Pglite]:
    with subprocess.Popen(  # noqa: S603 - ours
        [NODE_MODULES / ".bin" / "node", ONE_COMPILER, HERE / "pglite.mjs", *copy],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Pglite(process, [])
