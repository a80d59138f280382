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


class Clone:
    """A copy of the project, and what is started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.supabase_port = free_port(), free_port()
        self._process: Process | None = None

    def start(self) -> None:
        """Run `npm start` until it says what to try, with its output in a file."""
        options = ("--port", str(self.port), "--supabase-port", str(self.supabase_port))
        self._process = spawn(
            "npm start",
            ["sh", "scripts/run", "scripts/start.py", *options],
            cwd=self.folder,
            env=environment(),
            log=self.log,
        )
        eventually(lambda: "Ctrl-C stops" in self.log.read_text(), "it is ready", DEADLINE_S)

    def stop(self) -> int:
        """Press Ctrl-C; return the exit status."""
        assert self._process
        if self._process.alive:
            os.killpg(self._process.popen.pid, signal.SIGINT)
        return self._process.popen.wait(DEADLINE_S)

    @property
    def log(self) -> Path:
        """The file with the output of the latest start."""
        return self.folder / "start.log"

    @property
    def url(self) -> str:
        """The Worker's address."""
        return f"http://127.0.0.1:{self.port}"

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
    config = (own / "config.toml").read_text().replace(', "agenda"', "")
    (supabase / "config.toml").write_text(
        config.replace("edge_cache.sql", "edge_cache/snapshot.sql")
    )
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


def test_ctrl_c_leaves_nothing_running_and_the_data(clone: Clone) -> None:
    key = {"apikey": "sb_secret_local_only"}
    rest = f"http://127.0.0.1:{clone.supabase_port}/rest/v1/articles?id=eq.2"
    httpx.patch(rest, json={"title": "Edited"}, headers=key).raise_for_status()
    assert clone.stop() == 0
    eventually(lambda: clone.processes() == [], "all processes have ended")
    clone.start()
    assert httpx.get(rest, headers=key).json()[0]["title"] == "Edited"
