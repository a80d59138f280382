"""The machine and the versions of a run. Nothing here identifies the machine."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from contenders import compatibility_date
from places import BENCH
from serving import NODE
from shared.project import NODE_MODULES, ROOT

_ROOT_PACKAGES = ("wrangler", "miniflare", "workerd", "pyodide")
_BENCH_PACKAGES = ("autocannon", "itty-router", "@supabase/supabase-js")
_VENDORED = ("httpx", "workers_runtime_sdk")


def describe() -> dict[str, object]:
    """Return what kind of machine this is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "os": f"{platform.system()} {platform.release().partition('-')[0]}",
        "architecture": platform.machine(),
    }


def versions() -> dict[str, str]:
    """Return the versions of everything that takes part."""
    node = subprocess.run([NODE, "--version"], check=True, capture_output=True, text=True)
    return {
        "compatibility date": compatibility_date(),
        "node": node.stdout.strip().removeprefix("v"),
        "python": platform.python_version(),
        **{name: _npm(ROOT, name) for name in _ROOT_PACKAGES},
        **{name: _npm(BENCH, name) for name in _BENCH_PACKAGES},
        **_vendored(),
    }


def _npm(folder: Path, name: str) -> str:
    description = folder / NODE_MODULES.name / name / "package.json"
    version: str = json.loads(description.read_text())["version"]
    return version


def _vendored() -> dict[str, str]:
    folders = (ROOT / "python_modules").glob("*.dist-info")
    found = dict(folder.name.removesuffix(".dist-info").split("-", 1) for folder in folders)
    return {name.replace("_", "-"): found[name] for name in _VENDORED if name in found}


def _cpu() -> str:
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    info = Path("/proc/cpuinfo")
    found = re.search(r"(?m)^model name\s*: (.+)$", info.read_text()) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine()
