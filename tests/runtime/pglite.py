"""Runs SQL files of the project on a real Postgres, in a script of the tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from shared.project import NODE_MODULES, ROOT


def said_by(script: str, *files: str) -> dict[str, Any]:
    """Return the JSON object that a script beside this file prints of files of `supabase/`."""
    copy = NODE_MODULES / f".test-{script}"  # imports are looked up beside the script
    copy.write_text((Path(__file__).parent / script).read_text())
    paths = [ROOT / "supabase" / file for file in files]
    command = [NODE_MODULES / ".bin" / "node", copy, *paths]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  ours
    copy.unlink()
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said
