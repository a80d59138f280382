"""`npm run deploy`, as far as it works without an account."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cloudflare_api import account
from worker_config import config_of, write_config

from shared.project import NODE_MODULES, ROOT, environment

ENVIRONMENTS = ("staging", "production")
BINDINGS = ("env.ARTICLES", "env.REFRESHER (Refresher)")


@pytest.fixture
def config(project: Path) -> Path:
    """Return the project's configuration without changes."""
    return write_config(project, "deployed", _deployed())


def _deployed() -> dict[str, Any]:
    """Return the configuration with two environments. Each repeats what no environment inherits."""
    config = {**config_of(ROOT), "main": "src/entry.py"}
    own = {name: config[name] for name in ("kv_namespaces", "durable_objects")}
    return {**config, "env": dict.fromkeys(ENVIRONMENTS, own)}


def deploy(config: Path, outdir: Path, *options: str, **variables: str) -> str:
    """Return what Wrangler prints about a deployment."""
    wrangler = str(NODE_MODULES / ".bin" / "wrangler")
    command = [wrangler, "deploy", "--config", str(config), "--outdir", str(outdir), *options]
    quiet = {"WRANGLER_SEND_METRICS": "false", "WRANGLER_LOG_PATH": str(outdir), "CI": "true"}
    env = {**environment(), **quiet, **variables}
    done = subprocess.run(  # noqa: S603  ours
        command, cwd=ROOT, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_dry_run_bundles_the_worker_and_its_packages(config: Path, tmp_path: Path) -> None:
    """They have the modules of src/, the page's parts, the vendored modules, and the bindings."""
    said = deploy(config, tmp_path, "--dry-run")
    for expected in (*BINDINGS, "Total Upload"):
        assert expected in said
    uploaded = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    assert {"entry.py", "edge_cache/worker/app.py", "python_modules/httpx/__init__.py"} <= uploaded
    assets = {path.name for path in (tmp_path / "edge_cache/worker/assets").iterdir()}
    assert assets == {"page.html", "page.css", "words.js", "traffic.js", "queries.js", "page.js"}
    assert (tmp_path / "tables.toml").is_file()


def test_workers_caching_can_be_declared(project: Path, tmp_path: Path) -> None:
    """The comment in wrangler.toml shows how."""
    cached: Mapping[str, Any] = {**_deployed(), "cache": {"enabled": True}}
    config = write_config(project, "cached", cached)
    assert "Total Upload" in deploy(config, tmp_path, "--dry-run")


def test_each_environment_gets_a_namespace_once(config: Path, tmp_path: Path) -> None:
    """No file has its id, so the next deploy keeps the Worker's namespace. Secrets stay."""
    name = json.loads(config.read_text())["name"]
    with account() as cloudflare:
        for environment_of in (*ENVIRONMENTS, *ENVIRONMENTS):
            said = deploy(config, tmp_path, "--env", environment_of, **cloudflare.variables)
            assert f"Deployed {name}-{environment_of} triggers" in said
            assert all(binding in said for binding in BINDINGS)
    assert [*cloudflare.namespaces] == [f"{name}-{one}-articles" for one in ENVIRONMENTS]
    assert all("secret_text" in one["keep_bindings"] for one in cloudflare.uploads)
