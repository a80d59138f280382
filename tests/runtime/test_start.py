"""`npm start`, as a newcomer runs it: in a fresh clone, until Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from edge import eventually
from worker_config import write_tables

from local.ports import free_port
from local.processes import Process, spawn
from setup.python_env import MADE as MADE_STAMP
from shared.project import ROOT, VENV, environment

pytestmark = pytest.mark.own_supabase

HERE = Path(__file__).parent

DEADLINE_S = 120.0
MADE = ("node_modules", "python_modules", ".cache/uv")
"""What the copy shares with the clone: what a set-up makes, if it has no path in it."""


PUBLIC = {"apikey": "sb_publishable_local_only"}
SECRET = {"apikey": "sb_secret_local_only"}
EMAIL = "anna@example.com"


class Clone:
    """A copy of the project, and what is started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.supabase_port = free_port(), free_port()
        self._process: Process | None = None

    def start(self) -> None:
        """Run `npm start` until it says what to try, with its output in a file."""
        self._process = self._run_on_ports()
        eventually(lambda: "Ctrl-C stops" in self.log.read_text(), "it is ready", DEADLINE_S)

    def failure(self) -> str:
        """Run `npm start`, which cannot start, and return what it says."""
        self._process = self._run_on_ports()
        assert self._process.popen.wait(DEADLINE_S) == 1
        return self.log.read_text()

    def _run_on_ports(self) -> Process:
        ports = ("--port", str(self.port), "--supabase-port", str(self.supabase_port))
        return self.run(*ports)

    def run(self, *options: str) -> Process:
        """Run `npm start`, with its output in a file."""
        return spawn(
            "npm start",
            ["sh", "scripts/run", "scripts/start.py", *options],
            cwd=self.folder,
            env=environment(),
            log=self.folder / f"start{'-'.join(options[:1])}.log",
        )

    def edit(self, row_id: int, **values: object) -> None:
        """Change an article in the database."""
        url = f"{self.supabase_url}/rest/v1/articles?id=eq.{row_id}"
        httpx.patch(url, json=values, headers=SECRET).raise_for_status()

    def sign_up(self) -> dict[str, str]:
        """Make a user, and return the headers of a session."""
        account = {"email": EMAIL, "password": "correct horse battery staple"}
        url = f"{self.supabase_url}/auth/v1/signup"
        token = httpx.post(url, json=account, headers=PUBLIC).json()["access_token"]
        return {**PUBLIC, "authorization": f"Bearer {token}"}

    def stop(self) -> int:
        """Press Ctrl-C; return the exit status."""
        assert self._process
        if self._process.alive:
            os.killpg(self._process.popen.pid, signal.SIGINT)
        return self._process.popen.wait(DEADLINE_S)

    @property
    def log(self) -> Path:
        """The file with the output of the latest start."""
        return self.folder / "start--port.log"

    @property
    def url(self) -> str:
        """The Worker's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def supabase_url(self) -> str:
        """The address of its Supabase."""
        return f"http://127.0.0.1:{self.supabase_port}"

    def processes(self) -> list[str]:
        """Return the command lines of the processes that run in the copy."""
        return [line for line in _command_lines() if str(self.folder) in line]


def _command_lines() -> Iterator[str]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # it has ended


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """Return a copy of the project as git has it, with what a set-up makes.

    `npm start` runs in it.
    """
    if not Path("/proc").is_dir():
        pytest.skip("processes are looked for in /proc")
    clone = Clone(tmp_path_factory.mktemp("clone"))
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (clone.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone.folder / name)
    declare_articles_alone(clone.folder)
    for name in MADE:
        (clone.folder / name).parent.mkdir(exist_ok=True)
        (clone.folder / name).symlink_to(ROOT / name)
    share_environment(clone.folder / ".venv")
    clone.start()
    try:
        yield clone
    finally:
        clone.stop()


SEED = """
insert into public.articles (id, title, published) values
  (1, 'First', true), (2, 'Second', true), (3, 'Third', true), (4, 'A draft', false);
"""


def share_environment(venv: Path) -> None:
    """Share Python's environment with a copy.

    Its stamp contains its path, so each copy gets a stamp of its own.
    """
    venv.mkdir()
    for path in VENV.iterdir():
        if path.name != MADE_STAMP.path.name:
            (venv / path.name).symlink_to(path)
    replace(MADE_STAMP, path=venv / MADE_STAMP.path.name, salt=str(venv.parent)).write()


def declare_articles_alone(folder: Path) -> None:
    """Make a copy of the project serve one table, whatever its owner declares."""
    write_tables(folder / "src", {"articles": {}})
    supabase, own = folder / "supabase", HERE / "project"
    config = (own / "config.toml").read_text()
    for other in (', "agenda"', ', "./edge_cache.sql"'):
        config = config.replace(other, "")
    (supabase / "config.toml").write_text(config)
    shutil.rmtree(supabase / "schemas")
    (supabase / "schemas").mkdir()
    shutil.copy(own / "schemas" / "articles.sql", supabase / "schemas")
    (supabase / "seed.sql").write_text(SEED)


def test_it_serves_what_the_public_key_may_see_and_one_at_a_time(clone: Clone) -> None:
    assert [row["id"] for row in httpx.get(f"{clone.url}/articles").json()] == [1, 2, 3]
    assert httpx.get(f"{clone.url}/articles/4").status_code == 404, "a draft"
    second = subprocess.run(  # noqa: S603  ours
        ["sh", "scripts/run", "scripts/start.py", "--port", str(free_port())],  # noqa: S607
        cwd=clone.folder,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert "already runs in this folder" in second.stderr


def test_an_edit_in_the_database_shows(clone: Clone) -> None:
    """The database tells the Worker by itself: nobody calls `/revalidate`."""
    url = f"{clone.url}/articles/1"
    assert httpx.get(url).json()["title"] == "First"
    clone.edit(1, title="Edited")
    eventually(lambda: httpx.get(url).json()["title"] == "Edited", "the edit", 20)


def test_a_page_may_call_what_supabase_offers(clone: Clone) -> None:
    """A browser asks before it signs in or calls a function, and before it reads any table."""
    asked = {
        "origin": "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "apikey,authorization,x-client-info,x-retry-count",
    }
    for path in ("/auth/v1/token", "/rest/v1/rpc/any", "/rest/v1/undeclared"):
        said = httpx.options(f"{clone.supabase_url}{path}", headers=asked)
        assert said.is_success, path
        assert said.headers["access-control-allow-origin"] == "*"
        allowed = said.headers["access-control-allow-headers"]
        assert allowed == asked["access-control-request-headers"]
    said = httpx.get(f"{clone.supabase_url}/auth/v1/user", headers={"origin": asked["origin"]})
    assert said.headers["access-control-allow-origin"] == "*"


def test_in_front_of_ones_own_project(clone: Clone) -> None:
    """There is no local database: the project of .dev.vars is the one that runs already."""
    port = free_port()
    (clone.folder / ".dev.vars").write_text(
        f"SUPABASE_URL={clone.supabase_url}\nSUPABASE_ANON_KEY={PUBLIC['apikey']}\n"
        "REVALIDATE_SECRET=revalidate_local_only\n"
    )
    own = clone.run("--project", "--port", str(port))
    try:
        eventually(lambda: "Ctrl-C stops" in own.log.read_text(), "it is ready", DEADLINE_S)
        said = own.log.read_text()
        assert "takes the key (from .dev.vars)" in said
        assert "ok    public.articles: the public key reads 3 rows" in said
        url = f"http://127.0.0.1:{port}/articles/3"
        assert httpx.get(url, timeout=30).json()["title"] == "Third"
        clone.edit(3, title="Asked for")
        eventually(lambda: httpx.get(url).json()["title"] == "Asked for", "the edit", 20)
    finally:
        own.stop()


def test_a_change_of_the_source_is_served(clone: Clone) -> None:
    source = clone.folder / "src" / "edge_cache" / "worker" / "app.py"
    text = source.read_text()
    try:
        source.write_text(text.replace("There is nothing at this path", "Nothing lies here"))
        eventually(
            lambda: "Nothing lies here" in httpx.get(f"{clone.url}/x", timeout=30).text,
            "the change",
            DEADLINE_S,
        )
    finally:
        source.write_text(text)


def test_ctrl_c_leaves_nothing_running_and_a_changed_schema_keeps_rows_and_sessions(
    clone: Clone,
) -> None:
    session = clone.sign_up()
    clone.edit(2, title="Edited")
    assert clone.stop() == 0
    eventually(lambda: clone.processes() == [], "all processes have ended")
    schema = clone.folder / "supabase" / "schemas" / "articles.sql"
    text = schema.read_text()
    schema.write_text(f"{text}\n-- A mistake:\nalter table public.nothing add column x int;\n")
    line = text.count("\n") + 3
    assert f'schemas/articles.sql, line {line}: relation "public.nothing"' in clone.failure()
    schema.write_text(f"{text}\nalter table public.articles add column subtitle text;\n")
    clone.start()
    rows = httpx.get(f"{clone.supabase_url}/rest/v1/articles?order=id", headers=SECRET).json()
    assert len(rows) == 4, "seeded once"
    assert (rows[1]["title"], rows[1]["subtitle"]) == ("Edited", None)
    user = httpx.get(f"{clone.supabase_url}/auth/v1/user", headers=session)
    assert user.json()["email"] == EMAIL


def test_what_cannot_be_served_is_said_at_start(clone: Clone) -> None:
    """A mistake in the file is said before anything starts, an unknown table soon after that."""
    clone.stop()
    write_tables(clone.folder / "src", {"articles": {"kee": "id"}})
    said = "fail  the configuration: src/tables.toml: articles has no option 'kee'"
    assert said in clone.failure()
    assert "Starting" not in clone.log.read_text()
    write_tables(clone.folder / "src", {"nothing": {}})
    said = clone.failure()
    assert "fail  public.nothing: Supabase answered 404" in said
    assert said.rstrip().splitlines()[-1].startswith("Nothing can be served")
    assert clone.processes() == []
