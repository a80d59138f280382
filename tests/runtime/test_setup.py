"""`npm run setup` against a stand-in for Cloudflare's API, and a Postgres server.

The Worker that it deploys is played, as far as `npm run doctor` looks at it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
from cloudflare_api import Account, account
from postgres import SUPERUSER, Postgres, postgres, server_programs
from upstream import Handler, Server, serving

from edge_cache.tables import Declared, Table
from production.__main__ import main
from production.database import found, told_by_api
from production.names import DATABASE_URL, OF_THE_WORKER, SECRET, VAULT_SECRET, VAULT_URL
from production.plan import Database
from shared import edge_sql, variables
from shared.failure import Failure

PROGRAMS = server_programs()

pytestmark = pytest.mark.skipif(
    PROGRAMS is None, reason="needs a Postgres server: apt-get install postgresql"
)

NAME = "a-cache-production"
KEY = "sb_publishable_local_only"
ROW = b'{"id": 1, "title": "First"}'

TABLE = """
  create table articles (id int primary key, title text);
  alter table articles enable row level security;
  create policy "everybody" on articles for select using (true);
  grant select on articles to anon, authenticated;
"""

CONFIG = """
name = "a-cache"
main = "src/entry.py"
compatibility_date = "2026-11-17"
compatibility_flags = ["python_workers"]

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Refresher"]

[env.production.vars.TABLES]
articles = {}

[[env.production.kv_namespaces]]
binding = "ARTICLES"

[[env.production.durable_objects.bindings]]
name = "REFRESHER"
class_name = "Refresher"
"""


@dataclass(frozen=True)
class Owner:
    """Somebody with a clone, an account at Cloudflare and a database."""

    folder: Path
    cloudflare: Account
    database: Postgres
    server: Server
    printed: pytest.CaptureFixture[str]

    def runs(self, *options: str, **environment: str) -> str:
        """Return what the command prints to its end, which it reaches."""
        with self._as_user(options, environment):
            status = main()
        said = self.printed.readouterr()
        assert status == 0, said.out + said.err
        return said.out

    def fails(self, *options: str, **environment: str) -> str:
        """Return the sentences with which it ends."""
        with self._as_user(options, environment), pytest.raises(Failure) as failure:
            main()
        return str(failure.value)

    def knows(self, **values: str) -> None:
        """Have these values in the private file."""
        variables.keep(self.file, values)

    @contextmanager
    def changed(self, change: str, undo: str) -> Iterator[None]:
        """Have the database changed by its superuser until the block ends."""
        with self.database.session(SUPERUSER) as superuser:
            assert superuser.run(change) == ""
            yield
            assert superuser.run(undo) == ""

    def asks(self, sql: str) -> str:
        """Return what psql prints."""
        with self.database.session() as session:
            return session.run(sql)

    @property
    def file(self) -> Path:
        """The private file."""
        return self.folder / ".dev.vars.production"

    @contextmanager
    def _as_user(self, options: tuple[str, ...], environment: dict[str, str]) -> Iterator[None]:
        words = ["setup", "--env", "production", "--config", str(self.folder / "wrangler.toml")]
        mine = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "WRANGLER_SEND_METRICS": "false",
            "WORKER_URL": self.server.url,
            **self.cloudflare.variables,
        }
        with (
            patch.object(sys, "argv", [*words, *options]),
            patch.dict(os.environ, mine | environment, clear=True),
        ):
            yield


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    """Return a database with a table."""
    assert PROGRAMS
    with postgres(PROGRAMS) as server:
        server.connect().run(TABLE)
        yield server


@pytest.fixture
def owner(tmp_path: Path, database: Postgres, capfd: pytest.CaptureFixture[str]) -> Iterator[Owner]:
    """Return somebody who has deployed nothing yet."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "entry.py").write_text("class Refresher: ...\n")
    (tmp_path / "wrangler.toml").write_text(CONFIG)
    with account() as cloudflare, serving("") as server:
        owner = Owner(tmp_path, cloudflare, database, server, capfd)
        owner.asks(edge_sql.removing())
        server.script.always = lambda handler: play(owner, handler)
        address = f"postgresql://postgres@/postgres?host={database.folder}"
        owner.knows(SUPABASE_URL=server.url, SUPABASE_ANON_KEY=KEY, SUPABASE_DB_URL=address)
        yield owner


def play(owner: Owner, handler: Handler) -> None:
    """Answer as Supabase does, and as the Worker that was deployed."""
    path = handler.path.removeprefix("/rest/v1")
    if path.startswith("/rpc/"):
        return handler.answer(*answer_of(owner.database, path, b"".join(handler.body)))
    if path == "/health":
        names = {one["name"] for one in owner.cloudflare.workers.get(NAME, ())}
        told = {"serving": True, "cached": True, "failures": 0, "pending": 0}
        report = {
            "configuration": "ok" if names >= {*OF_THE_WORKER} else ["SUPABASE_URL is missing."],
            "tables": {"articles": told},
            "project": told,
        }
        return handler.answer(200, json.dumps(report).encode())
    known = {"/articles/1": ROW, "/revalidate": b'{"received": true}'}
    body = known.get(path, b"[" + ROW + b"]")
    return handler.answer(200, body, content_range="0-0/1")


def answer_of(database: Postgres, path: str, body: bytes) -> tuple[int, bytes]:
    """Return what PostgREST answers to a call of a function of the script's."""
    name = path.removeprefix("/rpc/").partition("?")[0]
    secret = json.loads(body or b"{}").get("secret", "")
    arguments = (
        "'public', 'none', 'id'"
        if name == "edge_cache_snapshot"
        else "'{}'".format(secret.replace("'", "''"))
    )
    with database.session() as session:
        said = session.run(f"\\set VERBOSITY sqlstate\n select public.{name}({arguments})")
    error = re.search(r"ERROR:  (\w+)", said)
    if error is None:
        return 200, said.encode()
    code = "PGRST202" if error[1] == NO_SUCH_FUNCTION else error[1]
    return 404 if code == "PGRST202" else 403, json.dumps({"code": code}).encode()


NO_SUCH_FUNCTION = "42883"


def test_each_step_may_fail_and_the_next_run_goes_on(owner: Owner) -> None:
    """In the end there is nothing to do. No step is done twice, and no secret is printed."""
    owner.cloudflare.refuses = f"PUT workers/scripts/{NAME}"
    said = owner.fails("--yes")
    assert "Authentication error [code: 10000]" in said
    assert "Step 2 of 4 failed. What came before it stands. Run this again" in said
    secret = variables.read(owner.file)[SECRET]
    assert len(secret) == 64
    assert owner.file.stat().st_mode & 0o777 == 0o600

    owner.cloudflare.refuses = ""
    with owner.changed(
        "alter schema vault rename to elsewhere", "alter schema elsewhere rename to vault"
    ):
        said = owner.fails("--yes")
    assert "vault" in said
    assert "Step 2 of 3 failed." in said
    sent = {one["name"]: one.get("text") for one in owner.cloudflare.uploads[-1]["bindings"]}
    assert [sent[name] for name in OF_THE_WORKER] == [owner.server.url, KEY, secret]

    with owner.changed("create schema edge_cache", "drop schema edge_cache"):
        said = owner.fails("--yes")
    assert "The schema edge_cache belongs to supabase_admin" in said
    assert "Step 2 of 2 failed." in said

    said = owner.runs("--yes")
    assert "1 step is left" in said
    assert "edge_cache_changes and edge_cache_check answer" in said
    assert "0 failures" in said

    again = owner.runs("--yes")
    assert "Nothing to do" in again
    assert "0 failures" in again
    assert len(owner.cloudflare.uploads) == 1
    assert secret not in said + again
    assert f"{owner.server.url}/revalidate" == owner.asks(
        "select decrypted_secret from vault.decrypted_secrets where name = 'edge_cache_url'"
    )


def test_without_a_login_and_values_a_dry_run_shows_the_whole_way(owner: Owner) -> None:
    """It asks nobody, and writes nothing. Without --dry-run, it ends with one sentence."""
    owner.file.unlink()
    nobody = {"CLOUDFLARE_API_TOKEN": ""}
    said = owner.runs("--dry-run", **nobody)
    for step in (
        "1. Log in",
        "2. Ask for SUPABASE_URL, SUPABASE_ANON_KEY and",
        "6. Run the script",
    ):
        assert step in said
    assert not owner.file.exists()
    assert owner.fails("--yes", **nobody).startswith("Nobody is logged in at Cloudflare: run")


def test_the_api_tells_what_the_database_has(owner: Owner) -> None:
    """It does to whoever has the secret. So it is known whether somebody pasted the script."""
    owner.asks(edge_sql.removing())

    def told(secret: str) -> Database:
        return told_by_api(owner.server.url, KEY, secret, "https://a.example/revalidate")

    assert told("right") == Database(None)
    declared = Declared((Table("articles"),))
    owner.asks(edge_sql.installing(declared))
    assert told("right") == Database(None)  # without a secret in Vault, it tells nothing
    owner.asks(edge_sql.vault({VAULT_SECRET: "it's right"}))
    assert told("wrong") == Database(None)
    vault = {VAULT_SECRET: "it's right", VAULT_URL: "https://a.example/revalidate"}
    assert told("it's right") == Database(edge_sql.identity(declared), vault)


def test_missing_triggers_are_noticed(owner: Owner) -> None:
    """A table may have been made anew."""
    owner.asks(edge_sql.removing() + edge_sql.installing(Declared((Table("articles"),))))
    address = variables.read(owner.file)[DATABASE_URL]
    assert not found(address).lacks_triggers
    owner.asks("drop trigger edge_cache_insert on articles")
    assert found(address).lacks_triggers
