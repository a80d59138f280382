"""`npm run deploy`, as far as it goes without an account."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from cloudflare_api import account

from shared.project import NODE_MODULES, ROOT, environment

CONFIG = tomllib.loads((ROOT / "wrangler.toml").read_text())

ENVIRONMENTS = ("staging", "production")


def with_workers_caching(config: str) -> str:
    """Return a wrangler.toml in which what it proposes for that is no comment any more."""
    enabled = "\n[cache]\nenabled = true\n"
    config = config.replace("\n# [cache]\n# enabled = true\n", enabled)
    assert enabled in config
    return config


def deploy(outdir: Path, *options: str, **variables: str) -> str:
    """Return what Wrangler says of a deployment."""
    wrangler = str(NODE_MODULES / ".bin" / "wrangler")
    command = [wrangler, "deploy", "--outdir", str(outdir), *options]
    quiet = {"WRANGLER_SEND_METRICS": "false", "WRANGLER_LOG_PATH": str(outdir), "CI": "true"}
    env = {**environment(), **quiet, **variables}
    done = subprocess.run(  # noqa: S603  ours
        command, cwd=ROOT, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def worker_of(name: str) -> str:
    """Return the name of an environment's Worker."""
    return str(CONFIG["env"][name].get("name", f"{CONFIG['name']}-{name}"))


def kv_of(name: str) -> dict[str, str]:
    """Return an environment's KV binding, its only one."""
    (kv,) = CONFIG["env"][name]["kv_namespaces"]
    return dict(kv)


def test_a_dry_run_bundles_the_worker_and_its_packages(tmp_path: Path) -> None:
    """With the modules of src/, the page's parts, the vendored modules, and its bindings."""
    said = deploy(tmp_path, "--dry-run")
    for expected in ("env.ARTICLES", "env.REFRESHER (Refresher)", "env.TABLES", "Total Upload"):
        assert expected in said
    uploaded = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    assert {"entry.py", "edge_cache/worker/app.py", "python_modules/httpx/__init__.py"} <= uploaded
    assets = {path.name for path in (tmp_path / "edge_cache/worker/assets").iterdir()}
    assert assets == {"page.html", "page.css", "words.js", "page.js"}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_has_every_binding(name: str, tmp_path: Path) -> None:
    """KV, the objects and the tables, of which Wrangler has none inherited, and no warning."""
    said = deploy(tmp_path, "--dry-run", "--env", name)
    for expected in ("env.ARTICLES", "env.REFRESHER (Refresher)", "env.TABLES"):
        assert expected in said
    assert "WARNING" not in said


def test_workers_caching_can_be_declared(project: Path, tmp_path: Path) -> None:
    """And is not, as long as nobody takes the comment away."""
    assert "cache" not in CONFIG
    config = project / "deployed-with-a-cache.toml"
    config.write_text(with_workers_caching((project / "wrangler.toml").read_text()))
    assert "Total Upload" in deploy(tmp_path, "--dry-run", "--config", str(config))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_repeats_what_it_does_not_inherit(name: str) -> None:
    """All that the top level has, whatever variables an environment has beside."""
    own = CONFIG["env"][name]
    assert own["durable_objects"] == CONFIG["durable_objects"]
    assert kv_of(name)["binding"] == "ARTICLES"
    assert own["vars"].keys() >= {"TABLES"}


def test_environments_share_nothing() -> None:
    """Neither the Worker, and with it the objects, nor a KV namespace."""
    assert worker_of("staging") != worker_of("production")
    ids = [kv_of(name)["id"] for name in ENVIRONMENTS if "id" in kv_of(name)]
    assert len(set(ids)) == len(ids)


def test_each_environment_gets_a_namespace_once(tmp_path: Path) -> None:
    """Its id is written nowhere, so the next deploy goes on with the Worker's. Secrets stay."""
    without_id = [name for name in ENVIRONMENTS if "id" not in kv_of(name)]
    with account() as cloudflare:
        for name in (*ENVIRONMENTS, *ENVIRONMENTS):
            said = deploy(tmp_path, "--env", name, **cloudflare.variables)
            assert f"Deployed {worker_of(name)} triggers" in said
    assert [*cloudflare.namespaces] == [f"{worker_of(name)}-articles" for name in without_id]
    assert all("secret_text" in one["keep_bindings"] for one in cloudflare.uploads)


def test_production_gets_no_local_settings() -> None:
    """Nothing points at localhost, and no flag is for this machine."""
    text = (ROOT / "wrangler.toml").read_text()
    assert CONFIG["compatibility_flags"] == ["python_workers"]
    assert "localhost" not in text
    assert "127.0.0.1" not in text
