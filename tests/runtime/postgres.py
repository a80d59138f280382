"""A Postgres server with as many sessions as a test needs, if its programs are installed.

It has the roles of a Supabase project, in which `postgres` is no superuser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pglite import STAND_INS

_END = "--end--"

SUPERUSER = "supabase_admin"

_POSTGRES = """
  create role postgres login createdb createrole bypassrls;
  grant all on database postgres to postgres;
  grant all on schema public to postgres;
"""

_MEMBERSHIPS = "grant anon, authenticated, service_role to postgres"


def server_programs() -> Path | None:
    """Return the folder with `initdb` and `postgres`, or None.

    Distributions do not put this folder on PATH.
    """
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), shutil.which("initdb")]
    return next((Path(path).parent for path in found if path), None)


@dataclass(frozen=True)
class Session:
    """One connection: a `psql` that runs one thing after the other."""

    process: subprocess.Popen[str]

    def run(self, sql: str) -> str:
        """Run statements and return what psql prints: values and errors."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{sql};\n\\echo {_END}\n")
        self.process.stdin.flush()
        lines = iter(self.process.stdout.readline, f"{_END}\n")
        return "".join(lines).strip()


@dataclass(frozen=True)
class Postgres:
    """A running server, which has the stand-ins."""

    programs: Path
    folder: Path
    opened: ExitStack

    def connect(self, role: str = "postgres") -> Session:
        """Return a new session, which lasts as long as the server."""
        return self.opened.enter_context(self.session(role))

    @contextmanager
    def session(self, role: str = "postgres") -> Iterator[Session]:
        """Run a session. When it ends, its open transaction is rolled back."""
        command: list[str | Path] = [self.programs / "psql", "-qAtX", "-U", role]
        command += ["-h", self.folder, "-d", "postgres"]
        with subprocess.Popen(  # noqa: S603 - ours
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            yield Session(process)


@contextmanager
def postgres(programs: Path) -> Iterator[Postgres]:
    """Run a server of its own, with a socket in a folder of its own."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
        shutil.chown(folder, user or os.getuid())

        def control(*arguments: str) -> None:
            command: list[str | Path] = [programs / "pg_ctl", *arguments, "--silent"]
            command += ["-D", folder / "data"]
            subprocess.run(command, check=True, user=user)  # noqa: S603 - ours

        control("init", "-o", f"-U {SUPERUSER} -A trust")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        control("start", "-o", settings, "-l", str(folder / "log"))
        try:
            with ExitStack() as opened:
                server = Postgres(programs, folder, opened)
                said = server.connect(SUPERUSER).run(f"{_POSTGRES}{STAND_INS}{_MEMBERSHIPS}")
                assert not said, said
                yield server
        finally:
            control("stop", "-m", "immediate")
