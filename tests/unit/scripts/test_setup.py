"""The set-up of a clone."""

from __future__ import annotations

from pathlib import Path

from setup import python_env


def test_another_clones_environment_is_not_emptied(tmp_path: Path) -> None:
    """Clones may share one by a link. A clone that needs another one takes only the link away."""
    shared, link = tmp_path / "shared", tmp_path / ".venv"
    (shared / "bin").mkdir(parents=True)
    link.symlink_to(shared)
    python_env.make_room(link)
    assert not link.exists()
    assert (shared / "bin").is_dir()
