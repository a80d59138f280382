"""`npm run deploy`, as far as it goes without an account."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

from shared.project import NODE_MODULES, ROOT, environment


def test_a_dry_run_bundles_the_worker_and_its_packages(tmp_path: Path) -> None:
    """With the modules of src/ and the vendored ones, and its bindings."""
    wrangler = str(NODE_MODULES / ".bin" / "wrangler")
    command = [wrangler, "deploy", "--dry-run", "--outdir", str(tmp_path)]
    env = {**environment(), "WRANGLER_SEND_METRICS": "false", "WRANGLER_LOG_PATH": str(tmp_path)}
    done = subprocess.run(  # noqa: S603  ours
        command, cwd=ROOT, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for expected in ("env.ARTICLES", "env.REFRESHER (Refresher)", "Total Upload"):
        assert expected in done.stdout
    uploaded = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    assert {"entry.py", "edge_cache/worker/app.py", "python_modules/httpx/__init__.py"} <= uploaded


def test_production_gets_no_local_settings() -> None:
    """Nothing points at localhost, no flag is for this machine, no id for one account."""
    text = (ROOT / "wrangler.toml").read_text()
    config = tomllib.loads(text)
    assert config["compatibility_flags"] == ["python_workers"]
    assert config["kv_namespaces"] == [{"binding": "ARTICLES"}]
    assert config.get("vars", {}).keys() <= {"TABLES"}
    assert "localhost" not in text
    assert "127.0.0.1" not in text
