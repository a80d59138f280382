"""What `wrangler.toml` sets for whoever deploys the project as it is."""

from __future__ import annotations

import tomllib

from shared.project import ROOT

SETTINGS = tomllib.loads((ROOT / "wrangler.toml").read_text())


def test_the_outbox_is_asked_each_minute() -> None:
    """The README promises that a change whose webhook was lost is found within a minute."""
    assert SETTINGS["triggers"]["crons"] == ["* * * * *"]


def test_cloudflare_keeps_the_log() -> None:
    assert SETTINGS["observability"]["enabled"] is True


def test_the_worker_is_reloaded_if_its_code_or_its_packages_change() -> None:
    assert SETTINGS["build"]["watch_dir"] == ["src", "requirements"]
