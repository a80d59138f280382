"""What `pip install` of this repository gives."""

from __future__ import annotations

import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from shared.project import ROOT


def test_the_wheel_has_the_package_with_its_page_and_nothing_else(tmp_path: Path) -> None:
    """Nothing else is at the top level: entry point and declaration belong to a Worker."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = ROOT / "src" / "edge_cache"
    files = {path for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert names == {path.relative_to(ROOT / "src").as_posix() for path in files}
    assert "edge_cache/worker/assets/page.html" in names
