"""`npm run format`: formats the Python files, and fixes what ruff can fix by itself."""

import subprocess
import sys

from shared.project import ROOT

RUFF = (sys.executable, "-m", "ruff")

fixed = subprocess.run([*RUFF, "check", "--fix-only", "."], cwd=ROOT, check=False)
formatted = subprocess.run([*RUFF, "format", "."], cwd=ROOT, check=False)
sys.exit(fixed.returncode or formatted.returncode)
