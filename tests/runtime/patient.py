"""The project that `npm run doctor` looks at in tests, and the command itself."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from unittest.mock import patch

import scripted
from edge import Database
from upstream import Handler, Script, forward
from worker_config import write_tables

from diagnosis.__main__ import main
from shared.project import SCRIPTS

SECRET = "only the doctor, the Worker and Vault know it"

DECLARED: dict[str, object] = {
    "articles": {},
    "notices": {"key": "slug"},
    "titles": {"view": True},
    "latest_title": {"function": True},
    "posts": {"name": "Odd Posts", "key": "order"},
    "Hidden Läden": {"watch": True},
}
"""What is declared and as it should be."""

CONFIGURED = {"TABLES": json.dumps(DECLARED), "REVALIDATE_SECRET": SECRET}
"""The variables of a Worker in front of that project, as in production."""

_WELL = f"""
  truncate articles, notices, twins, vault.secrets;
  insert into articles (id, title, body)
    select n, 'Title ' || n, 'a row''s own text' from generate_series(1, 3) as n;
  insert into notices values ('a b/c', 'anything');
  truncate "Odd Posts";
  insert into "Odd Posts" values ('a,b');
  insert into vault.secrets values
    ('edge_cache_url', 'https://edge.example/revalidate'), ('edge_cache_secret', '{SECRET}');
  alter table articles enable row level security;
  alter table articles enable trigger all;
  grant select on notices to anon;
  drop policy if exists more on notices;
  drop materialized view if exists selected;
"""  # noqa: S608 - ours


@dataclass(frozen=True)
class Said:
    """What the command printed; ``status`` is its exit status."""

    status: int
    output: str
    progress: str

    def of(self, word: str) -> list[str]:
        """Return the lines that begin with a word."""
        return [text for text in self._lines() if text.startswith(word)]

    def about(self, subject: str) -> str:
        """Return the only line about a subject."""
        found = [text for text in self._lines() if text.split(None, 1)[1].startswith(subject)]
        assert len(found) == 1, self.output
        return found[0]

    def _lines(self) -> Iterator[str]:
        return (line for line in self.output.partition("\n\n")[0].splitlines() if line)


@dataclass(frozen=True)
class Patient:
    """A folder with a wrangler.toml and .dev.vars, and the project that these name."""

    folder: Path
    database: Database
    upstream: Script
    url: str
    key: str

    def recover(self) -> None:
        """Remove all faults."""
        self.declare(DECLARED)
        self.configure()
        scripted.install(self.database, DECLARED)
        self.refill()

    def refill(self) -> None:
        """Make the rows well again, and what Supabase answers."""
        self.upstream.reset()
        self.upstream.has_script = True
        self.upstream.always = as_postgrest
        self.run(_WELL)

    def run(self, statements: str) -> None:
        """Run SQL in the database."""
        self.database.run(statements)

    def declare(self, tables: Mapping[str, object], config: str = "") -> None:
        """Write src/tables.toml and a wrangler.toml."""
        (self.folder / "wrangler.toml").write_text(config)
        write_tables(self.folder / "src", tables)

    def configure(self, name: str = ".dev.vars", **variables: str) -> None:
        """Write a file of variables: the project's, or others that replace them."""
        defaults = {
            "SUPABASE_URL": self.url,
            "SUPABASE_ANON_KEY": self.key,
            "REVALIDATE_SECRET": SECRET,
        }
        lines = (f"{name}=`{value}`\n" for name, value in (defaults | variables).items() if value)
        (self.folder / name).write_text("".join(lines))

    def examined(self, *arguments: str, **environment: str) -> Said:
        """Run the command in this process, which saves the time to start one."""
        output, progress = io.StringIO(), io.StringIO()
        words = ["doctor", *self._config, *arguments]
        with (
            patch.object(sys, "argv", words),
            patch.dict(os.environ, {"PATH": os.environ["PATH"], **environment}, clear=True),
            redirect_stdout(output),
            redirect_stderr(progress),
        ):
            try:
                status = main()
            except SystemExit as wrong_usage:
                status = int(str(wrong_usage.code))
        return Said(status, output.getvalue(), progress.getvalue())

    def examined_by_command(self, *arguments: str) -> Said:
        """Run the command as a user does."""
        command = [sys.executable, str(SCRIPTS / "doctor.py"), *self._config, *arguments]
        done = subprocess.run(  # noqa: S603  ours
            command,
            env={"PATH": "/usr/bin:/bin"},
            check=False,
            capture_output=True,
            text=True,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    @property
    def _config(self) -> tuple[str, str]:
        return "--config", str(self.folder / "wrangler.toml")


_CODES = {
    b"is not edge_cache_secret in Vault": "28P01",
    b"edge_cache_secret is not in Vault": "28000",
}
"""What the script's functions raise, by their messages."""


def as_postgrest(handler: Handler) -> None:
    """Pass a request on. For class 28, answer 403 with the code, which Supabase Lite hides."""
    answer = handler.answer

    def documented(status: int, body: bytes = b"", **headers: str | Sequence[str]) -> None:
        code = next((code for text, code in _CODES.items() if text in body), None)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and code:
            status, body = HTTPStatus.FORBIDDEN, json.dumps({"code": code}).encode()
        answer(status, body, **headers)

    handler.answer = documented  # type: ignore[method-assign]
    try:
        forward(handler)
    finally:
        handler.answer = answer  # type: ignore[method-assign]
