"""Starts what the Worker needs on this machine: an embedded Supabase, and the Worker itself.

`npm start` and the tests of the real runtime use it. Everything started here ends with `stop()`, or
when the Python process that started it is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.ports import LOCALHOST, free_port, port_in_use
from local.processes import Process, spawn
from local.supabase_lite import Listener, Supabase, start_supabase
from setup import runtime
from shared.project import NODE_MODULES, ROOT, environment

__all__ = [
    "Listener",
    "Process",
    "Supabase",
    "Worker",
    "free_port",
    "port_in_use",
    "spawn_worker",
    "start_supabase",
    "start_worker",
]

WORKER_DEADLINE_S = 90.0


@dataclass(frozen=True)
class Worker:
    """A running `wrangler dev`."""

    url: str
    process: Process


def start_worker(  # noqa: PLR0913 - all by name
    *,
    port: int,
    state: Path,
    variables: Mapping[str, str],
    log: Path,
    config: Path | None = None,
    deadline_s: float = WORKER_DEADLINE_S,
) -> Worker:
    """Run the Worker with its KV in `state`; raise Failure with the log if it does not answer."""
    worker = spawn_worker(port=port, state=state, variables=variables, log=log, config=config)
    worker.process.wait_until_answering(f"{worker.url}/", deadline_s=deadline_s)
    return worker


def spawn_worker(
    *, port: int, state: Path, variables: Mapping[str, str], log: Path, config: Path | None = None
) -> Worker:
    """Begin to run the Worker, and do not wait until it answers."""
    state.mkdir(parents=True, exist_ok=True)
    process = spawn(
        "wrangler dev",
        _wrangler_dev(port, state, _write_variables(state, variables), config),
        cwd=ROOT,
        env={**environment(), **_wrangler_settings(state)},
        log=log,
    )
    return Worker(f"http://{LOCALHOST}:{port}", process)


def _wrangler_dev(port: int, state: Path, variables: Path, config: Path | None) -> list[str | Path]:
    return [
        *(NODE_MODULES / ".bin" / "wrangler", "dev", "--local"),
        *("--config", config or ROOT / "wrangler.toml"),
        *("--ip", LOCALHOST, "--port", str(port)),
        # Two Workers at once would fight for the default one.
        *("--inspector-port", str(free_port())),
        *("--persist-to", state),
        *("--env-file", variables),
        "--show-interactive-dev-session=false",
        *("--compatibility-flags", *runtime.COMPATIBILITY_FLAGS),
    ]


def _wrangler_settings(state: Path) -> dict[str, str]:
    return {
        "MINIFLARE_WORKERD_PATH": str(runtime.WORKERD),
        # No calls home, and nothing written outside the project.
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        "WRANGLER_LOG_PATH": str(state / "wrangler-logs"),
        "WRANGLER_REGISTRY_PATH": str(state / "wrangler-registry"),
        "WRANGLER_SEND_ERROR_REPORTS": "false",
        "WRANGLER_SEND_METRICS": "false",
    }


def _write_variables(state: Path, variables: Mapping[str, str]) -> Path:
    """Hand secrets over in a private file: a command line is visible to every user.

    A file given to Wrangler also keeps it from reading the developer's own `.dev.vars`.
    """
    path = state / "variables.env"
    path.touch(mode=0o600)
    path.chmod(0o600)
    # In backticks quotes need no care; Wrangler would still replace $NAME by a variable's value.
    lines = (f"{name}=`{_escaped(value)}`\n" for name, value in variables.items())
    path.write_text("".join(lines))
    return path


def _escaped(value: str) -> str:
    return value.replace("$", r"\$")
