"""A project of one's own, which has this package among its node packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest
from edge import Database, Variables
from worker_config import config_of, write_config

import new
from local import stack
from shared.failure import Failure
from shared.project import CACHE, NODE_MODULES, ROOT, environment

pytestmark = pytest.mark.played

EXAMPLE = ROOT / "examples" / "own-routes" / "src"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new project, whose node packages are linked instead of installed."""
    folder = tmp_path_factory.mktemp("projects") / "my-cache"
    with patch.object(sys, "argv", ["new", str(folder)]):
        new.main()
    packages = folder / "node_modules"
    packages.mkdir()
    for path in NODE_MODULES.iterdir():
        (packages / path.name).symlink_to(path)
    (packed,) = (folder / new.PACKED).iterdir()
    with tarfile.open(packed) as archive:
        archive.extractall(packages, filter="data")
    (packages / "package").rename(packages / "supabase-edge-cache")
    return folder


def edge_cache(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the package's command in the project, as npm would."""
    command = project / "node_modules" / "supabase-edge-cache" / "scripts" / "edge-cache"
    return subprocess.run(  # noqa: S603  ours
        [command, *words],
        cwd=project,
        env={**environment(), "UV_CACHE_DIR": str(CACHE / "uv")},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def url(project: Path, variables: Variables, database: Database) -> Iterator[str]:
    """Return the address of the project's Worker, whose entry point is the example's."""
    shutil.copytree(EXAMPLE, project / "src", dirs_exist_ok=True)
    database.reset()
    vendored = edge_cache(project, "vendor")
    assert vendored.returncode == 0, vendored.stderr
    given = {name: text for name, text in variables.items() if name != "TABLES"}
    worker = stack.start_worker(
        port=stack.free_port(),
        state=project / "state",
        variables=given,
        config=write_config(project, "wrangler", config_of(project)),
        log=project / "worker.log",
    )
    yield worker.url
    worker.process.stop()


def test_it_is_small_and_has_no_copy_of_the_package(project: Path) -> None:
    """What is left is what its owner decides: an upgrade changes one version."""
    own = {path.relative_to(project).as_posix() for path in project.glob("src/**/*")}
    assert own == {"src/entry.py", "src/tables.toml"}
    assert "supabase-edge-cache" not in (project / "wrangler.toml").read_text()
    assert not (project / "supabase" / "edge_cache").exists()


def test_a_worker_has_its_own_routes_beside_the_cache(url: str, variables: Variables) -> None:
    """The cache is below its prefix, with the page and Supabase's API."""
    assert httpx.get(f"{url}/articles").text == "A page of my own.\n"
    first, second = (httpx.get(f"{url}/cache/articles") for _ in range(2))
    assert "fwd=uri-miss" in first.headers["cache-status"]
    assert "hit" in second.headers["cache-status"]
    assert first.json() == second.json() != []
    key = {"apikey": variables["SUPABASE_ANON_KEY"]}
    assert httpx.get(f"{url}/cache/rest/v1/articles?select=id", headers=key).is_success
    assert [*httpx.get(f"{url}/cache/health").json()["tables"]] == ["articles"]
    assert "<title>" in httpx.get(f"{url}/cache/", headers={"accept": "text/html"}).text


def test_the_packages_commands_work_in_it(project: Path, url: str) -> None:
    """They read the project's declaration."""
    assert url
    (project / "src" / "tables.toml").write_text('gadgets = { key = "sku" }\n')
    assert "('table', 'public', 'gadgets', 'sku', null)" in edge_cache(project, "sql").stdout
    unknown = edge_cache(project, "starts")
    assert (unknown.returncode, unknown.stderr[:20]) == (2, "edge-cache COMMAND: ")


def test_it_is_written_whole_or_not_at_all(project: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="exists"):
        new.check(project)
    with pytest.raises(Failure, match="cannot be a Worker's name"):
        new.check(tmp_path / "My Cache")
