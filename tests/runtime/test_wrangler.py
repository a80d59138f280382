"""`wrangler dev` itself, which `npm start` and developers run."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest
from edge import Variables
from worker_config import config_of, write_config

from local import stack
from shared import declarations
from shared.failure import Failure
from shared.project import PYTHON_MODULES, ROOT

pytestmark = pytest.mark.played


def test_wrangler_toml_serves_as_it_stands(variables: Variables, tmp_path: Path) -> None:
    """It serves whatever is declared. Its bindings, its build and its cron trigger are there."""
    given = {name: variables[name] for name in ("SUPABASE_URL", "SUPABASE_ANON_KEY")}
    worker = stack.start_worker(
        port=stack.free_port(), state=tmp_path, variables=given, log=tmp_path / "worker.log"
    )
    try:
        health = httpx.get(f"{worker.url}/health", timeout=60)
        cron = httpx.get(f"{worker.url}/cdn-cgi/local/scheduled", timeout=60)
    finally:
        worker.process.stop()
    assert (health.status_code, health.json()["configuration"]) == (200, "ok")
    declared = declarations.read(None)
    assert list(health.json()["tables"]) == [table.name for table in declared.tables]
    assert cron.is_success


def test_the_output_of_a_runtime_that_does_not_start_is_shown(tmp_path: Path) -> None:
    """If the Worker is broken, the failure shows the Worker's own log."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "entry.py").write_text("import no_such_module\n")
    (tmp_path / "python_modules").symlink_to(PYTHON_MODULES)
    shutil.copytree(ROOT / "src" / "edge_cache", tmp_path / "src" / "edge_cache")
    with pytest.raises(Failure, match="no_such_module"):
        stack.start_worker(
            port=stack.free_port(),
            state=tmp_path / "state",
            variables={},
            config=write_config(tmp_path, "wrangler", config_of(ROOT)),
            log=tmp_path / "worker.log",
        )
