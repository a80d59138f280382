"""Starts a shared cache in front of a Worker: Debian's `varnish`, with the VCL of docs/."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.ports import LOCALHOST, free_port
from local.processes import Process, spawn
from shared.project import ROOT, environment

VCL = ROOT / "docs" / "shared-cache.vcl"
DEADLINE_S = 30.0

IDLE_S = 120
"""Connections of clients stay open this long. Varnish's default of 5 s is httpx's, too, so that a
request could meet a connection that is just being closed."""

_MAIN = """vcl 4.1;
backend default {{ .host = "{host}"; .port = "{port}"; }}
{more}
include "{vcl}";
"""


@dataclass(frozen=True)
class SharedCache:
    """A running Varnish, with its working directory."""

    url: str
    process: Process
    state: Path

    def clear(self) -> None:
        """Keep nothing of what was kept so far."""
        command = ["varnishadm", "-n", str(self.state), "ban", "obj.status != 0"]
        subprocess.run(command, check=True, capture_output=True)


def program() -> str | None:
    """Return where Varnish is on this machine, or None."""
    return shutil.which("varnishd", path="/usr/sbin:/usr/local/sbin:" + environment()["PATH"])


def start(varnishd: str, worker_url: str, folder: Path, *, more: str = "") -> SharedCache:
    """Serve what a Worker answers, kept in memory; raise Failure with the log.

    ``folder`` is for its files; ``more`` is VCL that goes before the project's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    worker, main = urlsplit(worker_url), folder / "main.vcl"
    main.write_text(_MAIN.format(host=worker.hostname, port=worker.port, more=more, vcl=VCL))
    port = free_port()
    state = folder / "state"
    process = spawn(
        "varnishd",
        [
            *(varnishd, "-F", "-j", "none", "-n", state),
            *("-a", f"{LOCALHOST}:{port}", "-f", main, "-s", "malloc,64m"),
            *("-p", f"timeout_idle={IDLE_S}"),
        ],
        cwd=folder,
        env=environment(),
        log=folder / "varnish.log",
    )
    url = f"http://{LOCALHOST}:{port}"
    process.wait_until_answering(f"{url}/", deadline_s=DEADLINE_S)
    return SharedCache(url, process, state)
