"""`npm run deploy`, as far as it goes without an account."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from shared.project import NODE_MODULES, ROOT, environment

CONFIG = tomllib.loads((ROOT / "wrangler.toml").read_text())

ENVIRONMENTS = ("staging", "production")


def with_workers_caching(config: str) -> str:
    """Return a wrangler.toml in which what it proposes for that is no comment any more."""
    proposed = "# [cache]\n# enabled = true\n"
    assert proposed in config
    return config.replace(proposed, "[cache]\nenabled = true\n")


def dry_run(outdir: Path, *options: str) -> str:
    """Return what Wrangler says of a deployment that it does not make."""
    wrangler = str(NODE_MODULES / ".bin" / "wrangler")
    command = [wrangler, "deploy", "--dry-run", "--outdir", str(outdir), *options]
    env = {**environment(), "WRANGLER_SEND_METRICS": "false", "WRANGLER_LOG_PATH": str(outdir)}
    done = subprocess.run(  # noqa: S603  ours
        command, cwd=ROOT, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_dry_run_bundles_the_worker_and_its_packages(tmp_path: Path) -> None:
    """With the modules of src/, the page's parts, the vendored modules, and its bindings."""
    said = dry_run(tmp_path)
    for expected in ("env.ARTICLES", "env.REFRESHER (Refresher)", "env.TABLES", "Total Upload"):
        assert expected in said
    uploaded = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    assert {"entry.py", "edge_cache/worker/app.py", "python_modules/httpx/__init__.py"} <= uploaded
    assets = {path.name for path in (tmp_path / "edge_cache/worker/assets").iterdir()}
    assert assets == {"page.html", "page.css", "words.js", "page.js"}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_has_every_binding(name: str, tmp_path: Path) -> None:
    """KV, the objects and the tables, of which Wrangler has none inherited, and no warning."""
    said = dry_run(tmp_path, "--env", name)
    for expected in ("env.ARTICLES", "env.REFRESHER (Refresher)", "env.TABLES"):
        assert expected in said
    assert "WARNING" not in said


def test_workers_caching_can_be_declared(project: Path, tmp_path: Path) -> None:
    """And is not, as long as nobody takes the comment away."""
    assert "cache" not in CONFIG
    config = project / "deployed-with-a-cache.toml"
    config.write_text(with_workers_caching((project / "wrangler.toml").read_text()))
    assert "Total Upload" in dry_run(tmp_path, "--config", str(config))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_repeats_what_it_does_not_inherit(name: str) -> None:
    """All that the top level has, whatever variables an environment has beside."""
    own = CONFIG["env"][name]
    assert own["durable_objects"] == CONFIG["durable_objects"]
    assert [one["binding"] for one in own["kv_namespaces"]] == ["ARTICLES"]
    assert own["vars"].keys() >= {"TABLES"}


def test_environments_share_nothing() -> None:
    """Neither the Worker, and with it the objects, nor a KV namespace."""
    environments = [CONFIG["env"][name] for name in ENVIRONMENTS]
    names = {one.get("name", name) for name, one in zip(ENVIRONMENTS, environments, strict=True)}
    assert len(names) == len(ENVIRONMENTS)
    ids = [kv["id"] for one in environments for kv in one["kv_namespaces"] if "id" in kv]
    assert len(set(ids)) == len(ids)


def test_production_gets_no_local_settings() -> None:
    """Nothing points at localhost, and no flag is for this machine."""
    text = (ROOT / "wrangler.toml").read_text()
    assert CONFIG["compatibility_flags"] == ["python_workers"]
    assert "localhost" not in text
    assert "127.0.0.1" not in text
